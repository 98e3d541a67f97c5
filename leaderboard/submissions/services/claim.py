"""Take a job: one conditional UPDATE that leases it under a fresh token."""

from __future__ import annotations

import uuid
from contextlib import suppress

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from leaderboard.submissions.jobs import Gone, in_seconds, lock
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.transitions import move


def claim(job_id: int, worker: str) -> Job | None:
    """Lease a queued job to ``worker``; None where there is nothing to do.

    A message delivered twice, a job of a withdrawn submission and a job that
    somebody else holds are all nothing to do.
    """
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return None
    with suppress(Gone), transaction.atomic():
        submission = lock(job.submission_id)
        if submission.state not in _CLAIMABLE[job.kind] or not _lease(job_id, worker):
            return None
        if submission.state == State.QUEUED:
            _begin(submission, job)
    return (
        Job.objects.select_related("submission__dataset_version__dataset").filter(pk=job_id).first()
    )


_CLAIMABLE: dict[str, set[State]] = {
    Job.Kind.VALIDATE: {State.QUEUED},
    Job.Kind.SCORE: {State.QUEUED, State.SCORING},
}


def _lease(job_id: int, worker: str) -> bool:
    changed = Job.objects.filter(pk=job_id, state=JobState.QUEUED).update(
        state=JobState.RUNNING,
        lease_token=uuid.uuid4(),
        lease_until=in_seconds(settings.JOB_LEASE_SECONDS),
        worker=worker,
        attempt=F("attempt") + 1,
        started=Now(),
        done=0,
        total=0,
    )
    return changed == 1


def _begin(submission: Submission, job: Job) -> None:
    if job.kind == Job.Kind.VALIDATE:
        move(submission, State.VALIDATING, "A worker checks the archive.")
    else:
        move(submission, State.SCORING, f"Scoring goes on with {job.run}/{job.category}.")
