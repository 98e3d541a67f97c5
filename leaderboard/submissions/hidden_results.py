"""The report of a submission where labels are hidden: rounded, with a schema of its own."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leaderboard.submissions import hidden
from leaderboard.submissions.models import Submission
from leaderboard.submissions.standing import current_scores

SCHEMA = "hidden-1"


def report(submission: Submission) -> dict[str, Any]:
    """All that may be told of a scored submission.

    ``categories`` holds mean and std over runs of ten metrics each, rounded to
    0.1 %; ``mean`` their mean and population spread over the categories, made
    of the rounded numbers, or None where a category is missing.
    """
    scorer_version, scores = current_scores(
        submission.scores.filter(run=hidden.ALL_RUNS), submission.dataset_version.shown_scorer
    )
    summaries = {score.category: _told(score.report) for score in scores}
    ordered = {name: summaries[name] for name in submission.categories}
    complete = set(ordered) == set(submission.dataset_version.categories)
    return {
        "schema": SCHEMA,
        "scorer_version": scorer_version,
        "runs": len(submission.runs),
        "categories": ordered,
        "mean": _mean(list(ordered.values())) if complete else None,
    }


def _told(summary: Mapping[str, Any]) -> dict[str, Any]:
    return _each(lambda value: {"mean": value["mean"], "std": value["std"]}, [summary])


def _mean(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return _each(_over_categories, summaries)


def _over_categories(*values: Mapping[str, float | None]) -> dict[str, float | None]:
    means = [value["mean"] for value in values]
    known = [mean for mean in means if mean is not None]
    if len(known) < len(means):
        return {"mean": None, "std": None}
    return {
        "mean": hidden.rounded(statistics.fmean(known)),
        "std": hidden.rounded(statistics.pstdev(known)),
    }


def _each(combine: Callable[..., Any], summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``combine`` of the summaries' values of each metric, nested as they are."""
    tree: dict[str, Any] = {}
    for metric in hidden.METRICS:
        found = [summary[metric.key] for summary in summaries]
        if metric.points:
            tree[metric.key] = {
                point: combine(*(values[point] for values in found)) for point in metric.points
            }
        else:
            tree[metric.key] = combine(*found)
    return tree
