"""Addresses of the datasets' pages."""

from django.urls import path

from leaderboard.datasets import views

app_name = "datasets"
urlpatterns = [
    path("datasets/", views.index, name="index"),
    path("datasets/<slug:slug>/", views.detail, name="detail"),
    path("datasets/<slug:slug>/card.json", views.card, name="card"),
    path("datasets/<slug:slug>/SHA256SUMS", views.checksums, name="checksums"),
    path("datasets/<slug:slug>/licence/", views.licence, name="licence"),
    path("datasets/<slug:slug>/download/<str:name>", views.download, name="download"),
    path(
        "datasets/<slug:slug>/<str:category>/thumbnails/<int:number>",
        views.picture,
        name="thumbnail",
    ),
]
