"""All addresses of the site."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# Maintainers sign in like everybody: one form, one limit on guesses.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", include("leaderboard.submissions.urls")),
    path("", include("leaderboard.site.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("", include("leaderboard.accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("leaderboard.datasets.urls")),
    path("", include("leaderboard.boards.urls")),
]
