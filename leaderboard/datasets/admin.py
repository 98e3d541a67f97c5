from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from leaderboard.datasets.models import Dataset, DatasetVersion


class FixedOnceMade(admin.ModelAdmin):
    """Some fields are set when a row is made and never again: scores and addresses rest on them."""

    fixed: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *(self.fixed if obj else ()))


@admin.register(Dataset)
class DatasetAdmin(FixedOnceMade):
    list_display = ("name", "slug")
    search_fields = ("name", "slug")
    fixed = ("slug",)


@admin.register(DatasetVersion)
class DatasetVersionAdmin(FixedOnceMade):
    list_display = ("dataset", "version", "labels", "is_current", "imported_at")
    list_filter = ("labels", "is_current")
    readonly_fields = ("manifest", "content_sha256", "imported_at")
    fixed = ("dataset", "version", "labels")
