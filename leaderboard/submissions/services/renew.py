"""Keep a job: renew its lease and write its progress, as long as the token is ours."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Now

from leaderboard.submissions.jobs import LeaseLost, in_seconds
from leaderboard.submissions.models import Job
from leaderboard.submissions.states import JobState


def renew(job: Job, done: int, total: int) -> None:
    """Extend the lease of ``job`` and record ``done`` of ``total`` maps.

    Raises LeaseLost where it is not ours any more, or has run for as long as it may.
    """
    held = Job.objects.filter(
        pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token, end_by__gt=Now()
    )
    lease_until = in_seconds(settings.JOB_LEASE_SECONDS)
    if not held.update(lease_until=lease_until, done=done, total=total):
        raise LeaseLost(str(job))
