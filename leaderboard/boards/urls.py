"""Addresses of the boards' pages."""

from django.urls import URLPattern, path

from leaderboard.boards import views

app_name = "boards"
urlpatterns: list[URLPattern] = [
    path("", views.front, name="overall"),
    path("boards/", views.index, name="index"),
    path("boards/<slug:slug>/", views.overall, name="overall"),
    path("boards/<slug:slug>/export.<str:kind>", views.export, name="export"),
    path("boards/<slug:slug>/<str:category>/", views.category, name="category"),
    path("boards/<slug:slug>/rescorings/<int:pk>/", views.differences, name="differences"),
    path("methods/<slug:slug>/", views.method, name="method"),
]
