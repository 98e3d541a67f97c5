"""All addresses of the site."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("leaderboard.submissions.urls")),
    path("", include("leaderboard.site.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("", include("leaderboard.boards.urls")),
]
