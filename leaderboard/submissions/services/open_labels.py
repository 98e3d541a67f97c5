"""Open a board whose labels were hidden: what was kept back of its scores is brought back.

Files first, under names that their content gives, so that a run that was killed goes on; then all
rows and the labels themselves in one transaction, so that no page ever shows half of it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction

from leaderboard.datasets import ground_truth
from leaderboard.datasets.manifests import with_labels
from leaderboard.datasets.models import DatasetVersion, Labels
from leaderboard.submissions import arrays, hidden
from leaderboard.submissions.intervals import image_intervals
from leaderboard.submissions.models import Event, Job, Rescoring, Score, Submission
from leaderboard.submissions.states import ACTIVE, JobState

OPENED = "opened"
TEXT = "The labels of this board became public: exact results of every run are shown."

Progress = Callable[[int, int], None]
Key = tuple[Any, str, str, str]
"""Submission, scorer version, run, category."""


class NotOpened(Exception):
    """The board stays as it is; the message says why."""


@dataclass(frozen=True)
class _Kept:
    """What was kept back of one category of one run, its arrays stored for everybody."""

    report: dict[str, Any]
    intervals: dict[str, list[float]]
    arrays: str

    def as_fields(self) -> dict[str, Any]:
        return {"report": self.report, "intervals": self.intervals, "arrays": self.arrays}


def open_labels(version: DatasetVersion, progress: Progress | None = None) -> bool:
    """Make a version's labels public; False where they are already.

    Every score then has its exact report, intervals and arrays, as if the
    labels had been public from the beginning; test images keep their opaque
    ids. ``progress(done, total)`` is called after each kept result. Raises
    NotOpened where a submission is being scored or a kept result is missing,
    and GroundTruthClosed; then nothing that anybody sees has changed.
    """
    index = ground_truth.read_index(version)
    if not version.is_hidden:
        return False
    found: dict[Key, _Kept] = {}
    while not _turn(version, index, found):
        missing = [key for key in _wanted(version) if key not in found]
        for done, key in enumerate(missing, 1):
            found[key] = _bring(version, key)
            if progress is not None:
                progress(done, len(missing))
    return True


def _wanted(version: DatasetVersion) -> set[Key]:
    """All results that were kept back: those of score rows and those of finished jobs."""
    return {
        *(key for row in _summaries(version) for key in _keys(row)),
        *(_key(job) for job in _jobs(version)),
    }


def _summaries(version: DatasetVersion) -> Iterable[Score]:
    rows = Score.objects.filter(submission__dataset_version=version, run=hidden.ALL_RUNS)
    return rows.select_related("submission")


def _jobs(version: DatasetVersion) -> Iterable[Job]:
    """The finished jobs: of a failed submission they count when it is tried again."""
    done = Job.objects.filter(submission__dataset_version=version, state=JobState.DONE)
    return done.filter(kind=Job.Kind.SCORE, result__isnull=False).select_related("submission")


def _keys(row: Score) -> Iterator[Key]:
    for run in row.submission.runs:
        yield row.submission_id, row.scorer_version, run, row.category


def _key(job: Job) -> Key:
    return job.submission_id, job.result["scorer_version"], job.run, job.category


def _bring(version: DatasetVersion, key: Key) -> _Kept:
    """Read one result from private storage and store its arrays with those of other boards."""
    submission_id, scorer_version, run, category = key
    submission = Submission(pk=submission_id, dataset_version=version)
    try:
        report = hidden.kept_report(submission, run, category, scorer_version)
        npz = hidden.kept_arrays(submission, run, category, scorer_version)
    except FileNotFoundError as error:
        raise NotOpened(
            f"submission {submission_id}, {run}/{category}: its result of scorer {scorer_version} "
            "is missing in private storage; expected it where the backup of the ground truth has it"
        ) from error
    with np.load(io.BytesIO(npz), allow_pickle=False) as kept:
        scores = dict(zip(kept[arrays.IMAGE_KEYS].tolist(), kept[arrays.IMAGE_SCORES].tolist()))
    name = f"{submission_id}/{run}/{category}-{hashlib.sha256(npz).hexdigest()[:12]}.npz"
    runs = Submission.objects.values_list("runs", flat=True).get(pk=submission_id)
    intervals = image_intervals(scores) if len(runs) == 1 else {}
    return _Kept(report, intervals, arrays.store(name, npz))


def _turn(version: DatasetVersion, index: dict[str, Any], found: dict[Key, _Kept]) -> bool:
    """Write all rows and open the labels; False, with nothing written, where a result is new."""
    with transaction.atomic():
        row = DatasetVersion.objects.select_for_update().get(pk=version.pk)
        _refuse_while_scoring(row)
        if not _wanted(row) <= found.keys():
            return False
        summaries = list(_summaries(row))
        Score.objects.bulk_create(
            Score(submission_id=key[0], scorer_version=key[1], run=key[2], category=key[3],
                  **found[key].as_fields())
            for summary in summaries for key in _keys(summary)
        )  # fmt: skip
        Score.objects.filter(pk__in=[summary.pk for summary in summaries]).delete()
        for job in _jobs(row):
            fields = found[_key(job)].as_fields()
            Job.objects.filter(pk=job.pk).update(result={**job.result, **fields})
        scored = dict.fromkeys(summary.submission_id for summary in summaries)
        Event.objects.bulk_create(Event(submission_id=pk, kind=OPENED, text=TEXT) for pk in scored)
        row.labels, row.manifest = Labels.PUBLIC, with_labels(row.manifest, index)
        row.save(update_fields=["labels", "manifest"])
    version.refresh_from_db()
    return True


def _refuse_while_scoring(version: DatasetVersion) -> None:
    """Locks what is on its way, so that nothing begins to be scored meanwhile."""
    again = version.rescorings.filter(state__in=Rescoring.OPEN).first()
    if again is not None:
        raise NotOpened(
            f"the board is being scored again, by scorer {again.scorer_version}; expected that to "
            "be over: change the board over or cancel it"
        )
    active = Submission.objects.filter(dataset_version=version, state__in=ACTIVE)
    begun = [row for row in active.select_for_update() if row.scoring_began is not None]
    if begun:
        raise NotOpened(
            f"{len(begun)} of the board's submissions are being scored, such as {begun[0].pk}; "
            "expected none: try again when they are done"
        )
