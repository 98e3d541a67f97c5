"""Reported rows in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from leaderboard.boards.models import ReportedScore


@admin.register(ReportedScore)
class ReportedScoreAdmin(admin.ModelAdmin):
    """Read-only: the rows are what `manage.py load_reported` reads from the tables."""

    list_display = ("method", "category", "metric", "variant", "mean", "std", "n", "source", "note")
    list_filter = ("source", "metric", "category", "method")
    list_select_related = ("method",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ReportedScore | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ReportedScore | None = None) -> bool:
        return False
