"""Try again: a job after an unexpected error, a failed submission on a maintainer's word."""

from __future__ import annotations

import logging
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from leaderboard.accounts.models import User
from leaderboard.submissions import hidden
from leaderboard.submissions.jobs import (
    Gone,
    backoff,
    enqueue,
    in_seconds,
    let_go,
    lock,
    send_on_commit,
)
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.time_limits import in_words, time_limit
from leaderboard.submissions.transitions import IllegalTransition, move

logger = logging.getLogger(__name__)


def retry_later(job: Job, error: str, *, too_long: bool = False) -> None:
    """Give back a job that raised; after its last attempt the submission is ``failed``.

    ``error`` is the traceback: it stays on the job's row for maintainers;
    ``too_long`` says that the job took longer than it may. The waiting time
    doubles with each attempt.
    """
    step = hidden.told_step(job)
    why = f"An unexpected error on our side stopped {step}."
    if too_long:
        why = f"{step.capitalize()} took longer than the {in_words(time_limit(job).soft)} it may."
    with suppress(Gone), transaction.atomic():
        submission = lock(job.submission_id)
        delay = backoff(job.attempt)
        if not let_go(submission, job, why=why, delay=delay, error=error):
            logger.info("a job that failed was no longer ours", extra={"job": job.pk})


class NothingToRetry(Exception):
    """There is no archive to work on; the message says what to do."""


def retry_failed(submission_id: UUID | str, actor: User) -> Submission:
    """Queue a failed submission again: what is done stays, the rest starts afresh.

    It counts against the quota again, like any that is not `failed`. Raises
    IllegalTransition where it is not ``failed``, and NothingToRetry where its
    archive never arrived.
    """
    with transaction.atomic():
        submission = lock(submission_id)
        if submission.state != State.FAILED:
            raise IllegalTransition(f"{submission.pk} is {submission.state}; expected failed")
        if not _has_archive(submission):
            raise NothingToRetry(
                f"{submission.pk}: no archive of it is stored; its owner has to send it again"
            )
        move(submission, State.QUEUED, "A maintainer queued it again.", actor=actor, failure="")
        _queue_jobs(submission)
    return submission


def _has_archive(submission: Submission) -> bool:
    archive = submission.archive
    return bool(archive) and archive.storage.exists(str(archive.name))


def _queue_jobs(submission: Submission) -> None:
    """Queue what was stopped; where there is nothing to go on with, the check of the archive."""
    jobs = submission.jobs.filter(rescoring=None)
    stopped = list(jobs.filter(state__in=[JobState.FAILED, JobState.CANCELLED]))
    if not stopped:
        jobs.delete()
        enqueue(Job(submission=submission, kind=Job.Kind.VALIDATE))
    for job in stopped:
        Job.objects.filter(pk=job.pk).update(
            state=JobState.QUEUED,
            attempt=0,
            sends=1,
            ready_at=Now(),
            send_at=in_seconds(settings.JOB_RESEND_SECONDS),
        )
        send_on_commit(job)
