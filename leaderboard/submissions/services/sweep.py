"""What makes the database the truth: send lost messages again, end lost leases."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Now

from leaderboard.submissions import unpacked
from leaderboard.submissions.files import remove_parts
from leaderboard.submissions.jobs import (
    Gone,
    backoff,
    fail,
    in_seconds,
    let_go,
    lock,
    send_on_commit,
)
from leaderboard.submissions.models import Job, Rescoring, Submission
from leaderboard.submissions.points import point
from leaderboard.submissions.services import rescore
from leaderboard.submissions.services.end_uploads import end_uploads
from leaderboard.submissions.services.remove_files import remove_files
from leaderboard.submissions.states import JobState, State

logger = logging.getLogger(__name__)

UPLOAD_HOURS = 1
"""An upload whose web process died is given up after this long."""

MOST_AT_ONCE = 200
"""Jobs looked at in one sweep, so that a sweep stays short."""


def sweep() -> None:
    """One round: lost leases, jobs due to be sent, uploads that never ended, old files.

    What goes wrong with one of them keeps none of the others from being done.
    """
    for part in PARTS:
        try:
            part()
        except Exception:
            logger.exception("a part of the sweep failed", extra={"part": part.__name__})


def end_lost_leases() -> int:
    """Queue (or, after the last attempt, fail) the jobs whose holder went silent."""
    lost = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=Now())
    ended = 0
    for job in lost.order_by("lease_until")[:MOST_AT_ONCE]:
        try:
            ended += _end_lease(job)
        except Gone:
            continue  # deleted a moment ago, and the job with it
        except Exception:
            logger.exception("a lost lease could not be ended", extra={"job": job.pk})
    return ended


def _end_lease(job: Job) -> bool:
    # At once after the first time: most likely a machine went away. A job that ends its workers
    # waits longer each time.
    delay = backoff(job.attempt - 1) if job.attempt > 1 else 0
    with transaction.atomic():
        submission = lock(job.submission_id)
        lost = Job.objects.filter(pk=job.pk, lease_token=job.lease_token, lease_until__lt=Now())
        if not lost.exists():
            return False
        ended = let_go(submission, job, why="The worker went silent.", delay=delay)
        point("in-sweep")
    if ended:
        logger.warning("lease lost", extra={"job": job.pk, "worker": job.worker})
    return ended


def send_due_jobs() -> int:
    """Send queued jobs whose message is due, or may have been lost.

    The wait doubles from one sending to the next, so that a long queue does
    not fill the broker with copies.
    """
    due = Job.objects.filter(state=JobState.QUEUED, send_at__lte=Now())
    due = due.exclude(rescoring__state=Rescoring.State.PAUSED)
    sent = 0
    for job in due.order_by("send_at")[:MOST_AT_ONCE]:
        wait = settings.JOB_RESEND_SECONDS * 2 ** min(job.sends, 5)
        with transaction.atomic():
            mine = Job.objects.filter(pk=job.pk, state=JobState.QUEUED, sends=job.sends)
            if mine.update(sends=F("sends") + 1, send_at=in_seconds(wait)):
                send_on_commit(job)
                sent += 1
    return sent


def give_up_uploads() -> int:
    """Fail submissions whose archive was to come at once and never did."""
    oldest = Now() - Value(timedelta(hours=UPLOAD_HOURS))
    stuck = Submission.objects.filter(
        state__in=[State.DRAFT, State.UPLOADING], created__lt=oldest, upload=None
    )
    given_up = 0
    for pk in list(stuck.values_list("pk", flat=True)[:MOST_AT_ONCE]):
        with suppress(Gone), transaction.atomic():
            submission = lock(pk)
            if submission.state in (State.DRAFT, State.UPLOADING):
                remove_parts(pk)
                fail(submission, "The upload did not arrive whole. Please send it again.")
                given_up += 1
    return given_up


def drop_old_archives() -> int:
    """Delete the archives of submissions that were rejected or withdrawn long enough ago."""
    oldest = Now() - Value(timedelta(days=settings.KEEP_ARCHIVE_DAYS))
    over = Submission.objects.filter(
        state__in=[State.REJECTED, State.WITHDRAWN], finished__lt=oldest
    ).exclude(archive="")
    dropped = 0
    for submission in over[:MOST_AT_ONCE]:
        # The file first: what ends between the two is done again, and deleting twice is one.
        submission.archive.storage.delete(str(submission.archive.name))
        dropped += Submission.objects.filter(pk=submission.pk).update(archive="")
    return dropped


PARTS: tuple[Callable[[], object], ...] = (
    end_lost_leases,
    rescore.advance,
    send_due_jobs,
    give_up_uploads,
    end_uploads,
    drop_old_archives,
    remove_files,
    unpacked.drop_unused,
)
