"""Maintainers' pages: read everything, retry what failed."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.metadata import describe_method
from leaderboard.submissions.models import (
    DeletedSubmission,
    Event,
    Job,
    Method,
    Notice,
    Rescoring,
    Score,
    Submission,
)
from leaderboard.submissions.services.rescore import RescoringRefused, start
from leaderboard.submissions.services.retry import NothingToRetry, retry_failed
from leaderboard.submissions.transitions import IllegalTransition


class ReadOnly:
    """Rows that only the services write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class JobInline(ReadOnly, admin.TabularInline):
    model = Job
    fields = ("kind", "run", "category", "state", "attempt", "worker", "done", "total", "error")
    readonly_fields = fields
    extra = 0


class EventInline(ReadOnly, admin.TabularInline):
    model = Event
    fields = ("at", "actor", "kind", "text")
    readonly_fields = fields
    extra = 0


@admin.register(Submission)
class SubmissionAdmin(admin.ModelAdmin):
    list_display = (
        "method",
        "dataset_version",
        "owner",
        "team",
        "state",
        "attempt",
        "created",
        "finished",
    )
    list_filter = ("state", "dataset_version", "visibility")
    list_select_related = ("method", "dataset_version__dataset", "owner", "team")
    search_fields = ("id", "method__name", "owner__username", "sha256")
    date_hierarchy = "created"
    fields = (
        "id",
        "owner",
        "team",
        "dataset_version",
        "method",
        "visibility",
        "state",
        "attempt",
        "failure",
        "archive_name",
        "sha256",
        "size",
        "declared",
        "metadata",
        "runs",
        "categories",
        "n_maps",
        "problem_count",
        "problems",
        "created",
        "scoring_began",
        "finished",
    )
    readonly_fields = tuple(name for name in fields if name not in ("visibility", "metadata"))
    inlines = (JobInline, EventInline)
    actions = ("retry",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Submission, *args: Any) -> None:
        """What becomes public describes its method from then on."""
        super().save_model(request, obj, *args)
        if obj.may_stand:
            describe_method(obj.method, obj.metadata)

    @admin.action(description="Queue failed submissions again", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        for submission in queryset:
            try:
                retry_failed(submission.pk, request.user)  # type: ignore[arg-type]
            except IllegalTransition:
                text = f"{submission}: only a failed submission can be queued again"
                self.message_user(request, text, messages.WARNING)
            except NothingToRetry as nothing:
                self.message_user(request, str(nothing), messages.WARNING)
            else:
                self.message_user(request, f"{submission.pk}: queued", messages.SUCCESS)


class KeptBack(ReadOnly):
    """Rows with a report, which is shown where labels are public and never searched."""

    kept_back: str
    """The field with the report."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the submission, which every row names."""
        rows = super().get_queryset(request)  # type: ignore[misc]
        return rows.select_related("submission__method", "submission__dataset_version__dataset")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by a report's numbers in the address: that would tell them one by one."""
        first = lookup.partition("__")[0]
        return first != self.kept_back and super().lookup_allowed(lookup, value, request)  # type: ignore[misc]

    @admin.display(description="Report")
    def shown_report(self, row: Job | Score) -> str:
        """The report as JSON, or why there is none."""
        if row.submission.dataset_version.is_hidden:
            return "Kept back: the labels are hidden."
        return json.dumps(getattr(row, self.kept_back), indent=1)


@admin.register(Job)
class JobAdmin(KeptBack, admin.ModelAdmin):
    kept_back = "result"
    list_display = ("submission", "kind", "run", "category", "state", "attempt", "worker", "sends")
    list_filter = ("state", "kind")
    search_fields = ("submission__id",)
    fields = (
        "submission",
        "kind",
        "run",
        "category",
        "state",
        "attempt",
        "worker",
        "lease_until",
        "send_at",
        "sends",
        "done",
        "total",
        "shown_report",
        "error",
        "created",
        "started",
        "finished",
    )
    readonly_fields = fields


@admin.register(Score)
class ScoreAdmin(KeptBack, admin.ModelAdmin):
    kept_back = "report"
    list_display = ("submission", "run", "category", "scorer_version", "created")
    list_filter = ("category", "scorer_version")
    search_fields = ("submission__id",)
    fields = ("submission", "run", "category", "scorer_version", "shown_report", "created")
    readonly_fields = fields


@admin.register(DeletedSubmission)
class DeletedSubmissionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "owner", "team", "dataset_version", "state", "created", "deleted")
    list_filter = ("dataset_version",)
    list_select_related = ("owner", "team", "dataset_version__dataset")
    search_fields = ("id", "owner__username", "team__name")


@admin.register(Notice)
class NoticeAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("created", "user", "kind", "submission", "sent_at", "sends", "mail_error")
    list_filter = ("kind",)
    list_select_related = ("user", "submission__method", "submission__dataset_version__dataset")
    search_fields = ("user__username", "submission__id")


@admin.register(Rescoring)
class RescoringAdmin(ReadOnly, admin.ModelAdmin):
    """Begun by the action on dataset versions; its own page does the rest."""

    list_display = ("dataset_version", "replaced", "scorer_version", "state", "created", "finished")
    list_filter = ("state", "dataset_version")
    list_select_related = ("dataset_version__dataset",)


@admin.action(description="Score all submissions again", permissions=["change"])
def score_again(
    version_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[DatasetVersion]
) -> HttpResponse | None:
    """Begin a re-scoring of each, and go to the page of the only one."""
    begun = []
    for version in queryset.select_related("dataset"):
        try:
            begun.append(start(version, request.user))  # type: ignore[arg-type]
        except RescoringRefused as refused:
            version_admin.message_user(request, str(refused), messages.WARNING)
    for rescoring in begun:
        version_admin.message_user(request, f"{rescoring}: begun", messages.SUCCESS)
    return redirect(begun[0]) if len(begun) == 1 else None


# Datasets know nothing of submissions, so the action comes from here.
_versions = admin.site.get_model_admin(DatasetVersion)
_versions.actions = [*(_versions.actions or ()), score_again]


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("at", "submission", "kind", "actor", "text")
    list_filter = ("kind",)
    search_fields = ("submission__id",)


@admin.register(Method)
class MethodAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "owner", "team", "family", "created")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    list_filter = ("family",)
    search_fields = ("name", "slug", "owner__username")
