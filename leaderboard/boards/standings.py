"""Standings: plain numbers in, ranked rows out. No database, no request.

The ranking follows one idea: a row's rank belongs to the whole board. It is
given once, before anything is filtered or re-sorted for the page, so a filter
never promotes anybody.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scoring.significance import overall_best_group, welch_best_group

EQUAL_DIGITS = 12
"""Means that agree to this many digits after the point share a rank: what lies
below is the order of additions, not a difference between methods."""


@dataclass(frozen=True)
class Cell:
    """One metric of one method on one category, over its runs."""

    mean: float
    """0..1, higher is better."""
    std: float | None
    """Standard deviation over runs as it is shown; None for a single run."""
    n: int
    ddof: int = 1
    """What ``std`` divided by: n - ddof."""
    source: str = ""
    note: str = ""
    interval: tuple[float, float] | None = None
    """Of a single run: 95 % bootstrap interval over its test images, low and high."""

    @property
    def sample_std(self) -> float:
        """Standard deviation with ddof 1, which the tests need; 0 for a single run."""
        if self.std is None or self.n < 2:
            return 0.0
        return self.std * math.sqrt((self.n - self.ddof) / (self.n - 1))

    @property
    def triple(self) -> tuple[float, float, int]:
        """What the significance tests take: mean, sample std, n."""
        return self.mean, self.sample_std, self.n if self.std is not None else min(self.n, 1)


Cells = Mapping[str, Mapping[str, Cell]]
"""``{category: {flat metric key: cell}}``; what was not scored is absent."""


@dataclass(frozen=True)
class Entry:
    """One candidate for a row: a method with its one current result."""

    slug: str
    name: str
    family: str
    kind: str
    """``reported`` (from a paper) or ``submitted`` (scored here)."""
    cells: Cells
    badges: tuple[str, ...] = ()
    submission: str = ""
    """The submission's id, or empty for a reported row."""
    scorer_version: str = ""
    paper_url: str = ""
    code_url: str = ""
    digits: int | None = None
    """To how many digits its means are told; None: as they are."""

    def cell(self, category: str, metric: str) -> Cell | None:
        """The cell of one category and metric, or None where there is no score."""
        return self.cells.get(category, {}).get(metric)


@dataclass(frozen=True)
class Column:
    """One column of numbers: a metric on a category."""

    category: str
    metric: str


@dataclass(frozen=True)
class Mean:
    """Mean over all categories, with the population std of the category means."""

    mean: float
    std: float


@dataclass(frozen=True)
class Row:
    """A ranked entry. ``best`` names the columns in whose best group it is."""

    entry: Entry
    rank: int | None
    score: float | None
    """What the rank stands on; None ranks last and has no rank."""
    mean: Mean | None = None
    mean_is_best: bool = False
    best: frozenset[Column] = field(default_factory=frozenset)

    @property
    def runs(self) -> int | None:
        """Runs behind the row's scores: the smallest n of its cells."""
        counts = [cell.n for by_metric in self.entry.cells.values() for cell in by_metric.values()]
        return min(counts, default=None)

    def cell(self, column: Column) -> Cell | None:
        """The row's cell in a column, or None."""
        return self.entry.cell(column.category, column.metric)


@dataclass(frozen=True)
class Standings:
    """All rows of one board in rank order, and the columns they fill."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]


def mean_over_categories(entry: Entry, categories: Sequence[str], metric: str) -> Mean | None:
    """Mean and population std of the category means, as in the paper's Mean rows.

    None unless the entry has a score for every category.
    """
    cells = [entry.cell(category, metric) for category in categories]
    means = [cell.mean for cell in cells if cell is not None]
    if not means or len(means) < len(cells):
        return None
    mean, std = statistics.fmean(means), statistics.pstdev(means)
    if entry.digits is not None:  # once, and for every page the same way: 55.95 % is a tie
        mean, std = round(mean, entry.digits), round(std, entry.digits)
    return Mean(mean, std)


def overall_standings(
    entries: Iterable[Entry], categories: Sequence[str], metric: str
) -> Standings:
    """Rank entries by their mean over all categories in one metric.

    An entry that lacks a category has no mean: it stands last, without a rank.
    One that has none of the columns has no row.
    """
    columns = tuple(Column(category, metric) for category in categories)
    entries = _with_a_score(entries, columns)
    means = [mean_over_categories(entry, categories, metric) for entry in entries]
    complete = [index for index, mean in enumerate(means) if mean is not None]
    flags = overall_best_group([_triples(entries[index], columns) for index in complete])
    in_best = {index for index, flag in zip(complete, flags, strict=True) if flag}
    best = _best_columns(entries, columns)
    ranks = shared_ranks([mean.mean if mean else None for mean in means])
    rows = [
        Row(entry, rank, mean.mean if mean else None, mean, index in in_best, best[index])
        for index, (entry, rank, mean) in enumerate(zip(entries, ranks, means, strict=True))
    ]
    return Standings(tuple(sorted(rows, key=_by_rank)), columns)


def category_standings(
    entries: Iterable[Entry], category: str, metrics: Sequence[str], ranked_by: str
) -> Standings:
    """Rank entries by one metric on one category; show several metrics beside it.

    An entry that lacks the ranking metric stands last, without a rank; one that
    has none of the columns has no row. ``ranked_by`` is one of ``metrics``.
    """
    columns = tuple(Column(category, metric) for metric in metrics)
    entries = _with_a_score(entries, columns)
    cells = [entry.cell(category, ranked_by) for entry in entries]
    scores = [cell.mean if cell else None for cell in cells]
    ranks = shared_ranks(scores)
    best = _best_columns(entries, columns)
    rows = [Row(entry, ranks[i], scores[i], best=best[i]) for i, entry in enumerate(entries)]
    return Standings(tuple(sorted(rows, key=_by_rank)), columns)


def shared_ranks(scores: Sequence[float | None]) -> list[int | None]:
    """Ranks from 1, highest score first; equal scores share the better rank (1, 2, 2, 4)."""
    rounded = [None if score is None else round(score, EQUAL_DIGITS) for score in scores]
    ordered = sorted((score for score in rounded if score is not None), reverse=True)
    first: dict[float, int] = {}
    for place, score in enumerate(ordered, start=1):
        first.setdefault(score, place)
    return [None if score is None else first[score] for score in rounded]


def sort_rows(
    rows: Iterable[Row], key: Callable[[Row], float | str | None], descending: bool
) -> list[Row]:
    """Order rows for the page; rows without a value come last either way, ties keep rank order."""
    present: list[Row] = []
    absent: list[Row] = []
    for row in sorted(rows, key=_by_rank):
        (absent if key(row) is None else present).append(row)
    present.sort(key=key, reverse=descending)  # type: ignore[arg-type]
    return present + absent


def _with_a_score(entries: Iterable[Entry], columns: Sequence[Column]) -> tuple[Entry, ...]:
    """The entries that fill at least one of the columns."""
    return tuple(
        entry
        for entry in entries
        if any(entry.cell(column.category, column.metric) for column in columns)
    )


def _best_columns(entries: Sequence[Entry], columns: Sequence[Column]) -> list[frozenset[Column]]:
    """For each entry the columns in whose best group it is."""
    best: list[set[Column]] = [set() for _ in entries]
    for column in columns:
        cells = [entry.cell(column.category, column.metric) for entry in entries]
        present = [(index, cell.triple) for index, cell in enumerate(cells) if cell is not None]
        flags = welch_best_group([triple for _, triple in present])
        for (index, _), flag in zip(present, flags, strict=True):
            if flag:
                best[index].add(column)
    return [frozenset(columns) for columns in best]


def _triples(entry: Entry, columns: Sequence[Column]) -> list[tuple[float, float, int]]:
    cells = (entry.cell(column.category, column.metric) for column in columns)
    return [cell.triple for cell in cells if cell is not None]


def _by_rank(row: Row) -> tuple[bool, int, str, str]:
    """Ranked rows first; among equals by name, reported before submitted."""
    return row.rank is None, row.rank or 0, row.entry.name.casefold(), row.entry.kind
