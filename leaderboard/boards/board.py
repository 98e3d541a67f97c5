"""One board for one query: standings first, then filters and order on top of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import Http404

from leaderboard.boards.entries import REPORTED, board_entries
from leaderboard.boards.metrics import CATEGORY_COLUMNS, visible_keys
from leaderboard.boards.paper_tables import notes_for
from leaderboard.boards.query import BoardQuery
from leaderboard.boards.standings import (
    Column,
    Row,
    Standings,
    category_standings,
    overall_standings,
    sort_rows,
)
from leaderboard.datasets.models import DatasetVersion

SortKey = Callable[[Row], float | str | None]


@dataclass(frozen=True)
class Board:
    """The rows to show, in the order to show them."""

    version: DatasetVersion
    query: BoardQuery
    category: str
    """Empty for the overall board."""
    standings: Standings
    rows: tuple[Row, ...]
    """The standings' rows that pass the filters, sorted; ranks as in ``standings``."""
    families: tuple[str, ...]
    sort: str
    """The order in force: the asked one, else by rank."""

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.standings.columns

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know beside the reported rows that are shown; empty where there are none."""
        if not any(row.entry.kind == REPORTED for row in self.rows):
            return ()
        return notes_for(column.metric for column in self.columns)


def make_board(version: DatasetVersion, query: BoardQuery, category: str = "") -> Board:
    """Standings of a dataset version, overall or on one category, as a query asks for them.

    Raises Http404 for an order that the table does not have, as the pages do for a metric.
    """
    entries = board_entries(version)
    if category:
        shown = [key for key in CATEGORY_COLUMNS if key in visible_keys(version)]
        metrics = shown if query.metric in shown else [*shown, query.metric]
        standings = category_standings(entries, category, metrics, query.metric)
    else:
        standings = overall_standings(entries, version.categories, query.metric)
    keys = sort_keys(standings.columns, overall=not category)
    default = f"-{query.metric}" if category else "-mean"
    if query.sort and query.sort_key not in keys:
        raise Http404(f"sort {query.sort[:60]!r}; the table has {', '.join(sorted(keys))}")
    sort = query.sort or default
    rows = sort_rows(
        _filtered(standings.rows, query), keys[sort.removeprefix("-")], sort.startswith("-")
    )
    families = {row.entry.family for row in standings.rows if row.entry.family}
    return Board(version, query, category, standings, tuple(rows), tuple(sorted(families)), sort)


def sort_keys(columns: Iterable[Column], *, overall: bool) -> dict[str, SortKey]:
    """All orders a board's table can be put in, by the key that stands in the query string."""
    keys: dict[str, SortKey] = {
        "method": lambda row: row.entry.name.casefold(),
        "runs": lambda row: row.runs,
    }
    if overall:
        keys["mean"] = lambda row: row.mean.mean if row.mean else None
    for column in columns:
        keys[column.category if overall else column.metric] = _by_column(column)
    return keys


def _by_column(column: Column) -> SortKey:
    def key(row: Row) -> float | None:
        cell = row.cell(column)
        return cell.mean if cell else None

    return key


def _filtered(rows: Iterable[Row], query: BoardQuery) -> list[Row]:
    return [
        row
        for row in rows
        if (not query.kind or row.entry.kind == query.kind)
        and (not query.family or row.entry.family == query.family)
    ]
