"""How the work stands, for who operates the site: counts and ages, no submission by name."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Min
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State


def status() -> dict[str, Any]:
    """Jobs and submissions by state, all states named; the oldest queued job's age in seconds or
    None; running jobs whose lease has run out; jobs on their second attempt or later."""
    queued = Job.objects.filter(state=JobState.QUEUED)
    oldest = queued.aggregate(oldest=Min("created"))["oldest"]
    running = Job.objects.filter(state=JobState.RUNNING)
    return {
        "jobs": _counts(Job.objects.order_by(), [state.value for state in JobState]),
        "submissions": _counts(Submission.objects.order_by(), [state.value for state in State]),
        "oldest_queued_seconds": (
            None if oldest is None else max(0.0, (timezone.now() - oldest).total_seconds())
        ),
        "leases_lost": running.filter(lease_until__lt=Now()).count(),
        "jobs_retried": Job.objects.filter(
            state__in=[JobState.QUEUED, JobState.RUNNING], attempt__gt=1
        ).count(),
    }


def _counts(rows: Any, states: list[str]) -> dict[str, int]:
    found = dict(rows.values_list(F("state")).annotate(Count("pk")))
    return {state: found.get(state, 0) for state in states}
