"""Addresses that belong to no app: health, documentation."""

from django.urls import include, path

from leaderboard.site import views

docs = (
    [
        path("", views.docs_index, name="index"),
        path("<slug:page>/", views.docs_page, name="page"),
    ],
    "docs",
)
urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("docs/", include(docs)),
]
