"""Maintainers have all of a board scored again; it changes over at once, when all are."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.scorer import scorer_version
from leaderboard.submissions.jobs import in_seconds, send_on_commit
from leaderboard.submissions.models import Event, Job, Rescoring, Score, Submission
from leaderboard.submissions.states import JobState, State

logger = logging.getLogger(__name__)

SWITCHED = "switched"
"""Kind of the event that a board shows other scores of a submission now."""

MOST_AT_ONCE = 200
"""Submissions whose jobs are made in one transaction."""


class RescoringRefused(Exception):
    """It cannot be done; the message says why."""


@dataclass(frozen=True)
class Progress:
    """How far a re-scoring is: numbers of submissions and of jobs."""

    submissions: int
    scored: int
    """Of them those with scores of the new version."""
    jobs: int
    done: int
    running: int
    failed: int
    """Submissions of which a job failed after its last attempt."""

    @property
    def left(self) -> int:
        return self.submissions - self.scored

    @property
    def is_complete(self) -> bool:
        return self.left == 0


def to_score(version: DatasetVersion, scorer: str) -> QuerySet[Submission]:
    """The scored submissions to a board, of any visibility, without scores of a version."""
    there = Score.objects.filter(submission=OuterRef("pk"), scorer_version=scorer)
    scored = Submission.objects.filter(dataset_version=version, state=State.SCORED)
    return scored.filter(~Exists(there)).order_by("created")


def n_jobs(submission: Submission) -> int:
    """Jobs that scoring a submission again takes."""
    return len(submission.runs) * len(submission.categories)


def start(
    version: DatasetVersion, actor: User | None, *, switch_when_done: bool = False
) -> Rescoring:
    """Begin to score a board's submissions again by this process' scorer.

    Raises RescoringRefused while another one of the board is not over.
    """
    try:
        with transaction.atomic():
            board = DatasetVersion.objects.select_for_update().get(pk=version.pk)
            rescoring = Rescoring.objects.create(
                dataset_version=board,
                scorer_version=scorer_version(),
                replaced=board.shown_scorer,
                switch_when_done=switch_when_done,
                actor=actor,
            )
            # The board stays what it is from here on, whatever scorer a process runs.
            board.scorer_version = board.shown_scorer
            board.save(update_fields=["scorer_version"])
    except IntegrityError:
        raise RescoringRefused(f"{version}: another re-scoring of it is not over yet") from None
    logger.info("re-scoring begins", extra={"rescoring": rescoring.pk, "what": str(rescoring)})
    add_jobs(rescoring)
    rescoring.refresh_from_db()
    return rescoring


def add_jobs(rescoring: Rescoring) -> int:
    """Make the jobs of submissions that have none yet, a limited number at once; how many jobs.

    The sweeper goes on with it, and adds what was scored meanwhile.
    """
    mine = Job.objects.filter(rescoring=rescoring, submission=OuterRef("pk"))
    missing = to_score(rescoring.dataset_version, rescoring.scorer_version).filter(~Exists(mine))
    jobs = [
        Job(
            rescoring=rescoring,
            submission=submission,
            kind=Job.Kind.RESCORE,
            run=run,
            category=category,
        )
        for submission in missing[:MOST_AT_ONCE]
        for run in submission.runs
        for category in submission.categories
    ]
    # Two sweepers at once: what the other one made is there.
    Job.objects.bulk_create(jobs, ignore_conflicts=True)
    return len(jobs)


def progress(rescoring: Rescoring) -> Progress:
    """How far it is."""
    version = rescoring.dataset_version
    everything = Submission.objects.filter(dataset_version=version, state=State.SCORED).count()
    left = to_score(version, rescoring.scorer_version).count()
    jobs = rescoring.jobs.order_by()
    return Progress(
        submissions=everything,
        scored=everything - left,
        jobs=jobs.exclude(state=JobState.CANCELLED).count(),
        done=jobs.filter(state=JobState.DONE).count(),
        running=jobs.filter(state=JobState.RUNNING).count(),
        failed=failures(rescoring).values("submission").distinct().count(),
    )


def failures(rescoring: Rescoring) -> QuerySet[Job]:
    """The jobs that failed after their last attempt, of submissions that are still scored."""
    failed = rescoring.jobs.filter(state=JobState.FAILED, submission__state=State.SCORED)
    return failed.select_related("submission__method").order_by("submission", "id")


def pause(rescoring_id: int) -> Rescoring:
    """Let no more jobs begin; those that run end. Raises RescoringRefused unless it runs."""
    return _change(rescoring_id, Rescoring.State.RUNNING, Rescoring.State.PAUSED)


def resume(rescoring_id: int) -> Rescoring:
    """Go on after a pause; raises RescoringRefused unless it is paused."""
    with transaction.atomic():
        rescoring = _change(rescoring_id, Rescoring.State.PAUSED, Rescoring.State.RUNNING)
        rescoring.jobs.filter(state=JobState.QUEUED).update(send_at=Now())
    return rescoring


def cancel(rescoring_id: int) -> Rescoring:
    """Give it up: the board stays as it is. Scores that were made stay, and are not shown."""
    with transaction.atomic():
        rescoring = _open(rescoring_id)
        _end(rescoring, Rescoring.State.CANCELLED)
    return rescoring


def retry_failures(rescoring_id: int) -> int:
    """Queue the failed jobs again; how many. Raises RescoringRefused where it is over."""
    with transaction.atomic():
        rescoring = _open(rescoring_id)
        failed = list(failures(rescoring))
        for job in failed:
            Job.objects.filter(pk=job.pk, state=JobState.FAILED).update(
                state=JobState.QUEUED, attempt=0, sends=0, ready_at=Now(), send_at=in_seconds(60)
            )
            send_on_commit(job)
    return len(failed)


def switch(
    rescoring_id: int, actor: User | None = None, *, leave_out_failed: bool = False
) -> Rescoring:
    """Let the board show the new scores: all of it, in one transaction.

    Raises RescoringRefused, with nothing changed, while a submission has none.
    With ``leave_out_failed`` those may lack them that could not be scored:
    they stand on no board until a later re-scoring.
    """
    with transaction.atomic():
        rescoring = _open(rescoring_id)
        version = DatasetVersion.objects.select_for_update().get(pk=rescoring.dataset_version_id)
        left = set(to_score(version, rescoring.scorer_version).values_list("pk", flat=True))
        out = set(failures(rescoring).values_list("submission", flat=True)) & left
        missing = left - out if leave_out_failed else left
        if missing:
            raise RescoringRefused(
                f"{rescoring}: {len(missing)} of its submissions have no scores of "
                f"{rescoring.scorer_version} yet"
            )
        version.scorer_version = rescoring.scorer_version
        version.save(update_fields=["scorer_version"])
        rescoring.left_out = len(out & left)
        _end(rescoring, Rescoring.State.SWITCHED)
        _tell(rescoring, actor)
    logger.info("board changed over", extra={"rescoring": rescoring.pk, "what": str(rescoring)})
    return rescoring


def advance() -> int:
    """One round of the sweep: jobs for what came after the start, and the change-over of what is
    complete and needs no further word; how many jobs were made."""
    made = 0
    for rescoring in Rescoring.objects.filter(state=Rescoring.State.RUNNING):
        made += add_jobs(rescoring)
        if rescoring.switch_when_done and progress(rescoring).is_complete:
            try:
                switch(rescoring.pk, rescoring.actor)
            except RescoringRefused as refused:  # another submission was scored meanwhile
                logger.info("not changed over", extra={"why": str(refused)})
    return made


def _open(rescoring_id: int) -> Rescoring:
    rescoring = Rescoring.objects.select_for_update().get(pk=rescoring_id)
    if not rescoring.is_open:
        raise RescoringRefused(f"{rescoring}: it is {rescoring.state} already")
    return rescoring


def _change(rescoring_id: int, was: str, to: str) -> Rescoring:
    with transaction.atomic():
        rescoring = Rescoring.objects.select_for_update().get(pk=rescoring_id)
        if rescoring.state != was:
            raise RescoringRefused(f"{rescoring}: it is {rescoring.state}; expected {was}")
        rescoring.state = to
        rescoring.save(update_fields=["state"])
    return rescoring


def _end(rescoring: Rescoring, state: str) -> None:
    """Keep how it ended, and cancel what is left of its jobs: their holders find their tokens
    gone."""
    open_jobs = rescoring.jobs.filter(state__in=[JobState.QUEUED, JobState.RUNNING])
    open_jobs.update(state=JobState.CANCELLED, lease_token=None, lease_until=None)
    rescoring.state = state
    rescoring.finished = Now()
    rescoring.save(update_fields=["state", "finished", "left_out"])
    rescoring.refresh_from_db()


def _tell(rescoring: Rescoring, actor: User | None) -> None:
    """An event for each submission whose scores the board shows now."""
    jobs = rescoring.jobs.filter(state=JobState.DONE, submission__state=State.SCORED)
    text = f"The board shows the scores of scorer {rescoring.scorer_version} from now on."
    Event.objects.bulk_create(
        Event(submission_id=pk, actor=actor, kind=SWITCHED, text=text)
        for pk in jobs.order_by().values_list("submission", flat=True).distinct()
    )
