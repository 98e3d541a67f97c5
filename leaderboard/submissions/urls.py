"""Addresses of submissions."""

from django.urls import path

from leaderboard.submissions import manage_views, notice_views, rescoring_views, views
from leaderboard.submissions.tus import views as tus

app_name = "submissions"
urlpatterns = [
    path("submit/", views.boards, name="submit"),
    path("submit/<slug:slug>/", views.submit_form, name="submit"),
    path("submit/<slug:slug>/uploads/", tus.uploads, name="uploads"),
    path("submissions/", views.mine, name="mine"),
    path("submissions/<uuid:pk>/", views.detail, name="detail"),
    path("submissions/<uuid:pk>/progress", views.progress, name="progress"),
    path("submissions/<uuid:pk>/report.json", views.report, name="report"),
    path("submissions/<uuid:pk>/upload", tus.upload, name="upload"),
    path("submissions/<uuid:pk>/withdraw", views.withdraw_one, name="withdraw"),
    path("submissions/<uuid:pk>/choose", views.choose_one, name="choose"),
    path("submissions/<uuid:pk>/visibility", manage_views.visibility, name="visibility"),
    path("submissions/<uuid:pk>/delete", manage_views.delete_one, name="delete"),
    path("methods/<slug:slug>/rename", manage_views.rename, name="rename"),
    path("notices/", notice_views.notices, name="notices"),
    path("notices/<int:pk>/", notice_views.open_one, name="notice"),
    path("notices/read", notice_views.read_all, name="read"),
    path("notices/mail", notice_views.mail, name="mail"),
    path("rescorings/<int:pk>/", rescoring_views.page, name="rescoring"),
    path("rescorings/<int:pk>/<str:action>", rescoring_views.act, name="rescoring_act"),
]
