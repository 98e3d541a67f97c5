"""Moving a job's moments into the past, instead of waiting for them."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Value
from django.db.models.functions import Now

from leaderboard.submissions.models import Job

A_SECOND = Value(timedelta(seconds=1))


def lose_lease(job: Job) -> None:
    """The job's lease ended a second ago."""
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - A_SECOND)


def make_due(job: Job) -> None:
    """The sweeper should have sent the job a second ago."""
    Job.objects.filter(pk=job.pk).update(send_at=Now() - A_SECOND)
