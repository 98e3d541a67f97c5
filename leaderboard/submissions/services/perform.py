"""Do a job: claim it, call the scorer, record what came of it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from functools import partial

from django.conf import settings
from django.db import connection

from leaderboard.datasets import ground_truth, packs
from leaderboard.scorer import scorer_version
from leaderboard.submissions import archives, arrays, hidden, unpacked
from leaderboard.submissions.heartbeat import Heartbeat, TooLong
from leaderboard.submissions.intervals import image_intervals
from leaderboard.submissions.jobs import LeaseLost
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.points import point
from leaderboard.submissions.services.check_hash import check_hash
from leaderboard.submissions.services.claim import claim, claim_next
from leaderboard.submissions.services.finalise import Scored, finish_score, finish_validation
from leaderboard.submissions.services.name_method import check_told_name
from leaderboard.submissions.services.reject import reject
from leaderboard.submissions.services.retry import retry_later
from scoring import (
    CategoryResult,
    Limits,
    Refused,
    score_category,
    validate,
)

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


def perform(job_id: int, worker: str) -> None:
    """Do the job ``job_id`` if it is there to be done; never raises for the job's own sake."""
    _do(partial(claim, job_id, worker))


def perform_next(kinds: Iterable[str], worker: str) -> None:
    """Do the job that is next of these kinds, if there is one; raises as little as `perform`."""
    _do(partial(claim_next, kinds, worker))


def _do(claim_one: Callable[[], Job | None]) -> None:
    point("before-claim")
    job = claim_one()
    if job is None:
        logger.info("nothing to do")
        return
    about = {"job": job.pk, "what": str(job), "attempt": job.attempt}
    logger.info("job begins", extra=about)
    try:
        point("after-claim")
        with Heartbeat(job) as heartbeat:
            record = _WORK[job.kind](job, heartbeat)
        record()
    except LeaseLost:
        logger.warning("job lost on the way; its work is dropped", extra=about)
    except TooLong as error:
        logger.error("job took too long", extra=about)
        retry_later(job, _traceback(error, _may_tell_labels(job)), too_long=True)
    except Exception as error:
        quiet = _may_tell_labels(job)
        logger.error("job raised", extra=about, exc_info=None if quiet else error)
        # A connection that was cut does not come back by itself.
        connection.close_if_unusable_or_obsolete()
        retry_later(job, _traceback(error, quiet))
    else:
        logger.info("job ends", extra=about)
        point(_RECORDED[job.kind])
    finally:
        archives.drop_copies()


def _validate(job: Job, heartbeat: Heartbeat) -> Callable[[], None]:
    submission = job.submission
    pack = packs.path(submission.dataset_version)
    try:
        with archives.local(submission) as archive:
            check_hash(submission, archive)
            contents = validate(
                pack,
                archive.path,
                progress=_passing("while-validating", heartbeat.progress),
                limits=_limits(submission),
                name=submission.archive_name,
            )
        check_told_name(submission, contents.metadata)
    except Refused as refused:
        archives.confirm(submission)
        record = partial(reject, job, refused)
    else:
        record = partial(finish_validation, job, contents)
    point("validated-before-record")
    return record


def _score(job: Job, heartbeat: Heartbeat) -> Callable[[], None]:
    submission = job.submission
    version = submission.dataset_version
    point("before-scoring")
    # Where labels are hidden, nobody sees how scoring goes: maps that take long would tell their
    # images' places in it.
    progress = heartbeat.quiet if version.is_hidden else heartbeat.progress
    limits = _limits(submission)
    with (
        archives.local(submission) as stored,
        unpacked.plain(stored.path, submission.sha256, limits) as archive,
    ):
        result = score_category(
            packs.path(version),
            archive,
            job.run,
            job.category,
            truth=ground_truth.truth(version, job.category),
            progress=_passing("while-scoring", progress),
            limits=limits,
            name=submission.archive_name,
        )
    point("scored-before-record")
    scored = _scored(job, result)
    return lambda: _record(job, scored)


def _scored(job: Job, result: CategoryResult) -> Scored:
    """A result with its arrays kept; where labels are hidden, nothing but private storage has
    more of it than the report, and nobody an interval."""
    submission = job.submission
    if submission.dataset_version.is_hidden:
        hidden.keep_arrays(job, scorer_version(), arrays.as_npz(result))
        return Scored(result.report)
    return Scored(
        result.report,
        intervals=image_intervals(result.scores) if len(submission.runs) == 1 else {},
        arrays=arrays.write(job, result),
    )


def _record(job: Job, scored: Scored) -> None:
    """Record a result; where the job is lost its arrays belong to nobody and go.

    After any other error they stay: when a connection is cut, nobody knows whether the row was
    written. If it was not, the job's next attempt removes the file.
    """
    try:
        point("arrays-written-before-record")
        finish_score(job, scored)
    except LeaseLost:
        if scored.arrays:
            arrays.discard(scored.arrays)
        raise


def _may_tell_labels(job: Job) -> bool:
    """Whether the message of an error might name a label that is hidden."""
    return job.kind != Job.Kind.VALIDATE and job.submission.dataset_version.is_hidden


def _traceback(error: Exception, quiet: bool) -> str:
    """What maintainers get to see of an error: all of it, or where it arose and its kind."""
    if quiet:
        frames = "".join(traceback.format_tb(error.__traceback__))
        return f"{frames}{type(error).__name__} (its message is left out: labels are hidden)\n"
    return "".join(traceback.format_exception(error))


def _passing(name: str, progress: Progress) -> Progress:
    """The same progress, with a point at each map."""

    def passed(done: int, total: int) -> None:
        progress(done, total)
        point(name)

    return passed


def _limits(submission: Submission) -> Limits:
    return Limits(runs=submission.dataset_version.max_runs, **settings.ARCHIVE_LIMITS)


_WORK: dict[str, Callable[[Job, Heartbeat], Callable[[], None]]] = {
    Job.Kind.VALIDATE: _validate,
    Job.Kind.SCORE: _score,
    Job.Kind.RESCORE: _score,
}
_COMMITTED = "after-commit-before-ack"
_RECORDED: dict[str, str] = {
    Job.Kind.VALIDATE: "after-record-before-ack",
    Job.Kind.SCORE: _COMMITTED,
    Job.Kind.RESCORE: _COMMITTED,
}
