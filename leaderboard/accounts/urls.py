"""Addresses of teams."""

from django.urls import path

from leaderboard.accounts import views

app_name = "teams"
urlpatterns = [
    path("teams/", views.teams, name="teams"),
    path("teams/<slug:slug>/", views.team, name="team"),
    path("teams/<slug:slug>/invite", views.send_invitation, name="invite"),
    path("teams/<slug:slug>/take-back", views.take_back, name="take_back"),
    path("teams/<slug:slug>/remove", views.remove, name="remove"),
    path("teams/<slug:slug>/role", views.role, name="role"),
    path("teams/<slug:slug>/rename", views.rename, name="rename"),
    path("teams/<slug:slug>/leave", views.leave, name="leave"),
    path("teams/<slug:slug>/delete", views.delete, name="delete"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
]
