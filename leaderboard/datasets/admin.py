"""Maintainers' pages: datasets, their versions, who accepted which licence."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from leaderboard.datasets.acceptance import LicenceAcceptance
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
class DatasetVersionAdmin(admin.ModelAdmin):
    """What the import wrote is read only: labels above all, which the files must agree with."""

    list_display = ("dataset", "version", "labels", "is_current", "imported_at")
    list_filter = ("labels", "is_current")
    readonly_fields = ("dataset", "version", "labels", "preset", "manifest", "content_sha256",
                       "imported_at")  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only what was typed: a board may change over to another scorer at the same moment."""
        obj.save(update_fields=form.changed_data)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by what stands in the manifest: a filter's result would tell it."""
        return not lookup.startswith("manifest") and super().lookup_allowed(lookup, value, request)


@admin.register(LicenceAcceptance)
class LicenceAcceptanceAdmin(admin.ModelAdmin):
    """A record: nobody changes it."""

    list_display = ("user", "dataset_version", "licence", "accepted_at")
    list_filter = ("dataset_version", "licence")
    list_select_related = ("user", "dataset_version__dataset")
    search_fields = ("user__username",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
