"""From the database to the candidates of a board, in a constant number of queries."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leaderboard.boards.models import ReportedScore
from leaderboard.boards.standings import Cell, Entry
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions import hidden
from leaderboard.submissions.models import Method, Score, Submission
from scoring.registry import flatten

REPORTED, SUBMITTED = "reported", "submitted"


def board_entries(version: DatasetVersion, scorer: str = "") -> list[Entry]:
    """Everything that may have a row on a board: reported rows and current submissions.

    Only submissions that everybody sees are read, and only their scores of one
    scorer version: the one that the board shows, or ``scorer``. Three queries,
    however many rows.
    """
    return [*reported_entries(version), *submitted_entries(version, scorer)]


def reported_entries(version: DatasetVersion) -> list[Entry]:
    """One entry a method that a paper reports, from its main tables."""
    rows = ReportedScore.objects.filter(dataset_version=version, variant="")
    by_method: dict[Method, list[ReportedScore]] = defaultdict(list)
    for row in rows.select_related("method"):
        by_method[row.method].append(row)
    return [_entry(method, REPORTED, reported_cells(rows)) for method, rows in by_method.items()]


def submitted_entries(version: DatasetVersion, scorer: str = "") -> list[Entry]:
    """One entry a method: its one current submission."""
    return entries_of(Submission.objects.standing(version, scorer), version, scorer)


def entries_of(
    submissions: Iterable[Submission], version: DatasetVersion, scorer: str = ""
) -> list[Entry]:
    """The entries of submissions to one board, from their scores of one scorer version."""
    submissions, scorer = list(submissions), scorer or version.shown_scorer
    scores: dict[object, list[Score]] = defaultdict(list)
    mine = Score.objects.filter(submission__in=[item.pk for item in submissions])
    for score in mine.filter(scorer_version=scorer):
        scores[score.submission_id].append(score)
    return [
        _entry(
            item.method,
            SUBMITTED,
            scored_cells(scores[item.pk], version),
            submission=item,
            scorer_version=scorer,
            digits=hidden.DIGITS if version.is_hidden else None,
        )
        for item in submissions
    ]


def reported_cells(rows: Iterable[ReportedScore]) -> dict[str, dict[str, Cell]]:
    """Reported rows as cells by category and metric."""
    cells: dict[str, dict[str, Cell]] = defaultdict(dict)
    for row in rows:
        cells[row.category][row.metric] = Cell(
            row.mean, row.std, row.n, row.std_ddof, source=row.source, note=row.note
        )
    return dict(cells)


def scored_cells(scores: Iterable[Score], version: DatasetVersion) -> dict[str, dict[str, Cell]]:
    """Score rows as cells: mean and sample std over runs, or a single run's interval.

    A metric that is undefined on a category has no cell. On a board with hidden
    labels the rows hold these numbers already, rounded and without intervals.
    """
    if version.is_hidden:
        told = {score.category: score.report for score in scores if score.run == hidden.ALL_RUNS}
        return {category: _told_cells(summary) for category, summary in told.items()}
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    intervals: dict[str, Mapping[str, Sequence[float]]] = {}
    for score in sorted(scores, key=lambda row: row.run):
        report: Any = score.report
        intervals[score.category] = score.intervals
        for key, value in flatten(report).items():
            if value is not None:
                values[score.category][key].append(value)
    return {
        category: {
            key: _cell(runs, intervals[category].get(key)) for key, runs in by_metric.items()
        }
        for category, by_metric in values.items()
    }


def _told_cells(summary: Mapping[str, Any]) -> dict[str, Cell]:
    """The cells of a category whose labels are hidden."""
    cells = {}
    for point in hidden.POINTS:
        value: Any = point.value(summary)
        if value["mean"] is not None:
            cells[point.key] = Cell(value["mean"], value["std"], value["n"])
    return cells


def _cell(runs: Sequence[float], interval: Sequence[float] | None) -> Cell:
    """``statistics`` adds exactly: the mean of equal runs is their value, however many."""
    if len(runs) == 1:
        low_high = (interval[0], interval[1]) if interval else None
        return Cell(runs[0], None, 1, interval=low_high)
    return Cell(statistics.mean(runs), statistics.stdev(runs), len(runs))


def _entry(
    method: Method,
    kind: str,
    cells: dict[str, dict[str, Cell]],
    *,
    submission: Submission | None = None,
    scorer_version: str = "",
    digits: int | None = None,
) -> Entry:
    is_anonymous = submission is not None and submission.is_anonymous
    badges = (REPORTED,) if kind == REPORTED else ("anonymous",) if is_anonymous else ()
    return Entry(
        slug=method.slug,
        name=method.name,
        family=method.family,
        kind=kind,
        cells=cells,
        badges=badges,
        submission=str(submission.pk) if submission else "",
        scorer_version=scorer_version,
        # Links would say whose it is.
        paper_url="" if is_anonymous else method.paper_url,
        code_url="" if is_anonymous else method.code_url,
        digits=digits,
    )
