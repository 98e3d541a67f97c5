from django.contrib import admin

from leaderboard.datasets.models import Dataset, DatasetVersion


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):
    list_display = ("name", "slug")
    search_fields = ("name", "slug")


@admin.register(DatasetVersion)
class DatasetVersionAdmin(admin.ModelAdmin):
    list_display = ("dataset", "version", "labels", "is_current", "imported_at")
    list_filter = ("labels", "is_current")
    readonly_fields = ("manifest", "content_sha256", "imported_at")
