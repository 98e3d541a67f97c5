"""What the job services share: the database's clock, sending, letting go."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Now

from leaderboard.celery import app
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.transitions import move

logger = logging.getLogger(__name__)


class LeaseLost(Exception):
    """The job belongs to another attempt, or to nobody: stop and write nothing."""


def in_seconds(seconds: float) -> Combinable:
    """The moment ``seconds`` from now, by the database's clock."""
    later = Now() + Value(timedelta(seconds=seconds))
    return ExpressionWrapper(later, output_field=DateTimeField())


class Gone(LeaseLost):
    """The submission was deleted."""


def lock(submission_id: UUID | str) -> Submission:
    """Read a submission and hold its row until the transaction ends; raises Gone.

    Every service that looks at several jobs of a submission does this first:
    two workers that finish its last two jobs at once see each other's.
    """
    try:
        return Submission.objects.select_for_update().get(pk=submission_id)
    except Submission.DoesNotExist:
        raise Gone(str(submission_id)) from None


def send_on_commit(job: Job) -> None:
    """Tell the workers about ``job`` once the surrounding transaction is durable."""
    transaction.on_commit(lambda: send(job.pk, job.kind), robust=True)


def send(job_id: int, kind: str) -> None:
    """Tell the workers about a job. A dead broker is no error: the sweeper sends it again."""
    # What is scored again waits in the queue of what is scored.
    task = Job.Kind.SCORE if kind == Job.Kind.RESCORE else kind
    try:
        app.send_task(f"submissions.{task}", args=[job_id], retry=False)
    except Exception as error:
        # Whatever a broker's client raises: the row is there, and a page must not break.
        logger.warning("broker unreachable", extra={"job": job_id, "error": error})


def enqueue(job: Job) -> None:
    """Save a new job and send it on commit."""
    job.sends = 1
    job.send_at = in_seconds(settings.JOB_RESEND_SECONDS)
    job.save()
    send_on_commit(job)


def backoff(attempt: int) -> float:
    """Seconds between an attempt and the next one; doubled each time."""
    return float(settings.JOB_BACKOFF_SECONDS * 2 ** (attempt - 1))


def let_go(submission: Submission, job: Job, *, why: str, delay: float, error: str = "") -> bool:
    """Take a running job from its holder: queue it again, or fail it after its last attempt.

    ``submission`` must be locked. ``why`` is a sentence for the submitter,
    ``error`` a traceback for maintainers, ``delay`` the seconds until it is
    sent again. A job of a submission that is over is cancelled; one of a
    re-scoring never moves its submission. False where the job was not held
    under ``job.lease_token``.
    """
    again = job.kind == Job.Kind.RESCORE
    spent = job.attempt >= settings.JOB_MAX_ATTEMPTS
    state = JobState.FAILED if spent else JobState.QUEUED
    if not (submission.state == State.SCORED if again else submission.is_active):
        state = JobState.CANCELLED
    held = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token)
    changed = held.update(
        state=state,
        lease_token=None,
        lease_until=None,
        send_at=in_seconds(delay),
        ready_at=in_seconds(delay),
        error=error or (Concat(F("error"), Value(f"{why}\n")) if spent else F("error")),
    )
    if not changed:
        return False
    if again:
        return True
    if state == JobState.FAILED:
        times = "once" if job.attempt == 1 else f"{job.attempt} times"
        fail(submission, f"{why} It was tried {times}; a maintainer has to look.")
    elif submission.state in (State.VALIDATING, State.SCORING):
        move(submission, State.QUEUED, f"{why} It will be tried again.")
    return True


def fail(submission: Submission, reason: str) -> None:
    """Move a locked submission to ``failed`` and stop its other jobs."""
    move(submission, State.FAILED, reason, failure=reason)
    stop_jobs(submission)


def stop_jobs(submission: Submission) -> None:
    """Cancel what is queued or running: its holders find their tokens gone."""
    open_jobs = submission.jobs.filter(state__in=[JobState.QUEUED, JobState.RUNNING])
    open_jobs.update(state=JobState.CANCELLED, lease_token=None, lease_until=None)
