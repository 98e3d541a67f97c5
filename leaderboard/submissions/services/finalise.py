"""Record a finished job; the last one of a submission turns results into scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from leaderboard.datasets.models import DatasetVersion
from leaderboard.scorer import scorer_version
from leaderboard.submissions import arrays, hidden
from leaderboard.submissions.history import tell
from leaderboard.submissions.jobs import LeaseLost, enqueue, in_seconds, lock, send_on_commit
from leaderboard.submissions.metadata import clean, describe_method
from leaderboard.submissions.models import SHOWN, Event, Job, Score, Submission
from leaderboard.submissions.points import point
from leaderboard.submissions.services.name_method import name_from_archive
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.time_limits import in_words
from leaderboard.submissions.transitions import move
from scoring import Contents
from scoring.errors import printable

RESCORED = "rescored"
NOTE = "note"
"""Kind of the events that say what of ``submission.json`` was not taken."""


@dataclass(frozen=True)
class Scored:
    """What scoring one category of one run gave.

    Where labels are hidden only the report counts, and it is kept in private storage.
    """

    report: dict[str, Any]
    intervals: dict[str, list[float]] = field(default_factory=dict)
    arrays: str = ""
    """Name of the file that ``leaderboard.submissions.arrays`` wrote."""


def finish_validation(job: Job, contents: Contents) -> None:
    """The archive is sound: one score job a (run, category), and the state ``scoring``.

    Raises LeaseLost, with nothing written, where ``job`` is no longer ours.
    """
    with transaction.atomic():
        submission = lock(job.submission_id)
        _finish(job, None)
        runs, categories = list(contents.runs), list(contents.categories)
        for run in runs:
            for category in categories:
                enqueue(Job(submission=submission, kind=Job.Kind.SCORE, run=run, category=category))
        told = clean(contents.metadata)
        for note in told.notes:
            Event.objects.create(submission=submission, kind=NOTE, text=printable(note, 300))
        name_from_archive(submission, contents.metadata)
        tell(submission, f"Checked {contents.n_maps} maps in {_duration(job)}.")
        move(
            submission,
            State.SCORING,
            f"The archive is sound: {contents.n_maps} maps, "
            f"{_count(runs, 'run')}, {_count(categories, 'category', 'categories')}.",
            runs=runs,
            categories=categories,
            n_maps=contents.n_maps,
            # What was typed into the form goes first.
            metadata=told.values | submission.metadata,
            scoring_began=Now(),
        )


def finish_score(job: Job, scored: Scored) -> None:
    """Keep one category's report; the last one writes the scores and the state ``scored``.

    The last one of a re-scoring writes scores beside the old ones, and the
    state stays. Where labels are hidden the report is kept in private storage,
    and the job's row holds nothing of the result. Raises LeaseLost, with no
    row written, where ``job`` is no longer ours.
    """
    scorer = job.rescoring.scorer_version if job.rescoring else scorer_version()
    result: dict[str, Any] = {"scorer_version": scorer}
    if job.submission.dataset_version.is_hidden:
        hidden.keep_report(job, scorer, scored.report)
    else:
        result |= asdict(scored)
    with transaction.atomic():
        submission = lock(job.submission_id)
        _finish(job, result)
        if scored.arrays:
            arrays.discard_others(job, scored.arrays)
        if job.kind == Job.Kind.SCORE and not submission.dataset_version.is_hidden:
            tell(submission, f"{job.run}/{job.category}: scored in {_duration(job)}.")
        jobs = submission.jobs.filter(kind=job.kind, rescoring=job.rescoring_id)
        if not jobs.exclude(state=JobState.DONE).exists():
            _publish(submission, list(jobs), scorer)


def _finish(job: Job, result: dict[str, Any] | None) -> None:
    held = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token)
    changed = held.update(
        state=JobState.DONE,
        result=result,
        lease_token=None,
        lease_until=None,
        finished=Now(),
        done=F("total"),
    )
    if not changed:
        raise LeaseLost(str(job))


def _duration(job: Job) -> str:
    """How long the job that was just finished took, by the database's clock."""
    started, finished = Job.objects.values_list("started", "finished").get(pk=job.pk)
    assert started is not None and finished is not None
    return in_words((finished - started).total_seconds())


def _publish(submission: Submission, jobs: list[Job], scorer: str) -> None:
    others = [job for job in jobs if job.result["scorer_version"] != scorer]
    if others:
        _score_by(scorer, submission, others)
        return
    if submission.dataset_version.is_hidden:
        Score.objects.bulk_create(_summaries(submission, jobs, scorer))
    else:
        Score.objects.bulk_create(_reports(submission, jobs))
    if submission.state == State.SCORED:
        text = f"Scored again with scorer {scorer}. The board shows it once all are."
        Event.objects.create(submission=submission, kind=RESCORED, text=text)
    else:
        _to_scored(submission, scorer)
    point("inside-finalise-before-commit")


def _to_scored(submission: Submission, scorer: str) -> None:
    unsaid = DatasetVersion.objects.filter(pk=submission.dataset_version_id, scorer_version="")
    unsaid.update(scorer_version=scorer)
    move(submission, State.SCORED, f"Scored with scorer {scorer}.")
    if submission.visibility in SHOWN:
        describe_method(submission.method, submission.metadata)


def _score_by(scorer: str, submission: Submission, jobs: list[Job]) -> None:
    """Queue again what was scored by another version than this one: no result mixes them."""
    tell(submission, f"Scorer {scorer} took over: what another one scored is done again.")
    for job in jobs:
        Job.objects.filter(pk=job.pk).update(
            state=JobState.QUEUED,
            result=None,
            attempt=0,
            sends=1,
            send_at=in_seconds(settings.JOB_RESEND_SECONDS),
            ready_at=Now(),
        )
        send_on_commit(job)


def _reports(submission: Submission, jobs: list[Job]) -> list[Score]:
    """One row a run and category: its exact report."""
    return [
        Score(
            submission=submission,
            run=job.run,
            category=job.category,
            **job.result,
        )
        for job in jobs
        if job.result is not None
    ]


def _summaries(submission: Submission, jobs: list[Job], scorer: str) -> list[Score]:
    """One row a category: what may be told of all runs together."""
    by_category: dict[str, list[dict[str, Any]]] = {}
    for job in jobs:
        report = hidden.kept_report(submission, job.run, job.category, scorer)
        by_category.setdefault(job.category, []).append(report)
    return [
        Score(
            submission=submission,
            run=hidden.ALL_RUNS,
            category=category,
            scorer_version=scorer,
            report=hidden.summarise(reports),
        )
        for category, reports in by_category.items()
    ]


def _count(items: list[str], one: str, many: str = "") -> str:
    return f"{len(items)} {one if len(items) == 1 else many or one + 's'}"
