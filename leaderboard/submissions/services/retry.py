"""Try again: a job after an unexpected error, a failed submission on a maintainer's word."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.db import transaction

from leaderboard.accounts.models import User
from leaderboard.submissions.jobs import in_seconds, let_go, lock, send_on_commit
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.transitions import IllegalTransition, move

logger = logging.getLogger(__name__)


def retry_later(job: Job, error: str) -> None:
    """Give back a job that raised; after its last attempt the submission is ``failed``.

    ``error`` is the traceback: it stays on the job's row for maintainers.
    The waiting time doubles with each attempt.
    """
    step = "checking the archive" if job.kind == Job.Kind.VALIDATE else _step(job)
    why = f"An unexpected error on our side stopped {step}."
    with transaction.atomic():
        submission = lock(job.submission_id)
        delay = settings.JOB_BACKOFF_SECONDS * 2 ** (job.attempt - 1)
        if not let_go(submission, job, why=why, delay=delay, error=error):
            logger.info("a job that failed was no longer ours", extra={"job": job.pk})


def retry_failed(submission_id: UUID | str, actor: User) -> Submission:
    """Queue a failed submission again: what is done stays, the rest starts afresh.

    Raises IllegalTransition where it is not ``failed``.
    """
    with transaction.atomic():
        submission = lock(submission_id)
        if submission.state != State.FAILED:
            raise IllegalTransition(f"{submission.pk} is {submission.state}; expected failed")
        move(submission, State.QUEUED, "A maintainer queued it again.", actor=actor, failure="")
        unfinished = submission.jobs.filter(state__in=[JobState.FAILED, JobState.CANCELLED])
        for job in unfinished:
            Job.objects.filter(pk=job.pk).update(
                state=JobState.QUEUED,
                attempt=0,
                sends=1,
                send_at=in_seconds(settings.JOB_RESEND_SECONDS),
            )
            send_on_commit(job)
    return submission


def _step(job: Job) -> str:
    return f"the scoring of {job.run}/{job.category}"
