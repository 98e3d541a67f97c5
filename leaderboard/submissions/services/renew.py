"""Keep a job: renew its lease and write its progress, as long as the token is ours."""

from __future__ import annotations

from django.conf import settings

from leaderboard.submissions.jobs import LeaseLost, in_seconds
from leaderboard.submissions.models import Job
from leaderboard.submissions.states import JobState


def renew(job: Job, done: int, total: int) -> None:
    """Extend the lease of ``job`` and record ``done`` of ``total`` maps; raises LeaseLost."""
    held = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token)
    lease_until = in_seconds(settings.JOB_LEASE_SECONDS)
    if not held.update(lease_until=lease_until, done=done, total=total):
        raise LeaseLost(str(job))
