"""What a board with hidden labels may tell of a submission, and where the rest is kept.

A submitter knows the own image scores, so an exact figure gives labels back.
Told are, a category: image AUROC and AP, three TPR at TNR and five AUsPRO, as
mean and standard deviation over runs, rounded to 0.1 %. The exact reports of
single runs never enter the database: they lie in the storage ``ground_truth``.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from leaderboard.datasets import ground_truth
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.storages import listed, remove_tree
from leaderboard.submissions.models import Job, Submission
from scoring.registry import BY_KEY, Metric, MetricPoint
from scoring.report import dumps

METRICS: tuple[Metric, ...] = tuple(
    BY_KEY[key] for key in ("image_auroc", "image_ap", "tpr_at_tnr", "au_spro")
)
"""All that is told; more would give labels away."""
POINTS: tuple[MetricPoint, ...] = tuple(
    MetricPoint(metric, point) for metric in METRICS for point in metric.points or (None,)
)
"""The same at all operating points."""
ALL_RUNS = "all"
"""The run of a score row that stands for all runs together."""
DIGITS = 3

Summary = Any
"""A dict ``{metric: {"mean", "std", "n"}}``, nested as in a category's report."""


def rounded(value: float) -> float:
    """A fraction to 0.1 %."""
    return round(value, DIGITS)


def told_step(job: Job) -> str:
    """What a job is, in the words of events and reasons: "checking the archive", "scoring
    run_0/pipe_clip". Where labels are hidden no category is named: nothing may tell when or
    whether one of them was scored."""
    if job.kind == Job.Kind.VALIDATE:
        return "checking the archive"
    if job.submission.dataset_version.is_hidden:
        return "scoring"
    return f"scoring {job.run}/{job.category}"


def summarise(reports: Sequence[Mapping[str, Any]]) -> Summary:
    """One category's reports, one a run, as what may be told of them."""
    summary: dict[str, Any] = {}
    for metric in METRICS:
        found = [report[metric.key] for report in reports]
        if metric.points:
            summary[metric.key] = {
                point: _over_runs([values[point] for values in found]) for point in metric.points
            }
        else:
            summary[metric.key] = _over_runs(found)
    return summary


def _over_runs(values: Sequence[float | None]) -> dict[str, float | int | None]:
    """Mean and sample standard deviation; None, without a reason, where a run has no value."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {"mean": None, "std": None, "n": len(values)}
    std = rounded(statistics.stdev(known)) if len(known) > 1 else None
    return {"mean": rounded(statistics.fmean(known)), "std": std, "n": len(known)}


def keep_report(job: Job, scorer_version: str, report: Mapping[str, Any]) -> None:
    """Keep a run's exact report of one category in private storage."""
    name = _name(job.submission, job.run, job.category, scorer_version)
    ground_truth.keep(f"{name}.json", dumps(report).encode())


def keep_arrays(job: Job, scorer_version: str, npz: bytes) -> None:
    """Keep what a report was made from, as `arrays.as_npz` gives it, beside the report."""
    name = _name(job.submission, job.run, job.category, scorer_version)
    ground_truth.keep(f"{name}.npz", npz)


def kept_report(
    submission: Submission, run: str, category: str, scorer_version: str
) -> dict[str, Any]:
    """What `keep_report` kept; raises FileNotFoundError where it kept nothing."""
    name = _name(submission, run, category, scorer_version)
    with ground_truth.storage().open(f"{name}.json") as file:
        report: dict[str, Any] = json.load(file)
    return report


def kept_arrays(submission: Submission, run: str, category: str, scorer_version: str) -> bytes:
    """What `keep_arrays` kept; raises FileNotFoundError where it kept nothing."""
    name = _name(submission, run, category, scorer_version)
    with ground_truth.storage().open(f"{name}.npz") as file:
        return bytes(file.read())


def kept_submissions(version: DatasetVersion) -> list[str]:
    """The ids of all submissions of which private storage keeps results."""
    return listed(ground_truth.storage(), _results(version))[0]


def drop_results(version: DatasetVersion, submission_id: str) -> None:
    """Delete all that is kept of one submission."""
    remove_tree(ground_truth.storage(), f"{_results(version)}/{submission_id}")


def _results(version: DatasetVersion) -> str:
    return f"{ground_truth.folder(version)}/results"


def _name(submission: Submission, run: str, category: str, scorer_version: str) -> str:
    place = _results(submission.dataset_version)
    return f"{place}/{submission.pk}/{scorer_version}/{run}/{category}"
