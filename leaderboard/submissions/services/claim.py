"""Take a job: one conditional UPDATE that leases it under a fresh token."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from leaderboard.submissions import hidden
from leaderboard.submissions.history import tell
from leaderboard.submissions.jobs import Gone, in_seconds, lock
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.time_limits import time_limit
from leaderboard.submissions.transitions import move
from leaderboard.submissions.turns import CLAIMABLE, next_job, rescores_here

_TRIES = 20
"""How often somebody else may be quicker before the next message is waited for."""


def claim_next(kinds: Iterable[str], worker: str) -> Job | None:
    """Lease whichever job of these kinds is next; None where there is nothing to do.

    The first kinds go first: the others are done where nothing of them waits.
    """
    kinds = tuple(kinds)
    for _ in range(_TRIES):
        job_id = next(filter(None, (next_job([kind]) for kind in kinds)), None)
        if job_id is None:
            return None
        job = claim(job_id, worker)
        if job is not None:
            return job
    return None


def claim(job_id: int, worker: str) -> Job | None:
    """Lease a queued job to ``worker``; None where there is nothing to do.

    A message delivered twice, a job of a withdrawn or deleted submission and a
    job that somebody else holds are all nothing to do.
    """
    job = _jobs().filter(~Q(kind=Job.Kind.RESCORE) | rescores_here(), pk=job_id).first()
    if job is None:
        return None
    try:
        with transaction.atomic():
            submission = lock(job.submission_id)
            if submission.state not in CLAIMABLE[job.kind] or not _lease(job, worker):
                return None
            if submission.state == State.QUEUED:
                _begin(submission, job)
            job.refresh_from_db(fields=["attempt"])
            if job.attempt > 1 and job.kind != Job.Kind.RESCORE:
                step = hidden.told_step(job)
                tell(submission, f"Attempt {job.attempt} of {settings.JOB_MAX_ATTEMPTS}: {step}.")
    except Gone:
        return None
    return _jobs().filter(pk=job_id).first()


def _jobs() -> QuerySet[Job]:
    return Job.objects.select_related("submission__dataset_version__dataset", "rescoring")


def _lease(job: Job, worker: str) -> bool:
    hard = time_limit(job).hard
    changed = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(
        state=JobState.RUNNING,
        lease_token=uuid.uuid4(),
        lease_until=in_seconds(min(settings.JOB_LEASE_SECONDS, hard)),
        end_by=in_seconds(hard),
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
        move(submission, State.SCORING, f"A worker goes on with {hidden.told_step(job)}.")
