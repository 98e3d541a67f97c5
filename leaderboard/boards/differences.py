"""What a re-scoring changes on a board: standings by the old scorer beside those by the new one.

Both are made by the code that makes the board, from the rows that the board
shows: where labels are hidden, these hold rounded means over runs and nothing
of a single one.
"""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.boards.entries import board_entries
from leaderboard.boards.standings import Column, Row, overall_standings
from leaderboard.boards.tables import NO_SCORE, percent
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Rescoring


@dataclass(frozen=True)
class Change:
    """One number by both scorers, as text; empty where there is none."""

    old: str
    new: str
    difference: str
    """With its sign; empty where nothing changes, or one of the two is missing."""
    title: str = ""


@dataclass(frozen=True)
class Changed:
    """A submission's row: its ranks, its mean and its categories."""

    name: str
    slug: str
    submission: str
    ranks: Change
    cells: tuple[Change, ...]
    """The mean, then a category each."""

    @property
    def is_changed(self) -> bool:
        return any(cell.difference for cell in (self.ranks, *self.cells))


@dataclass(frozen=True)
class Differences:
    """All rows in the order of the new ranks."""

    rows: tuple[Changed, ...]
    columns: tuple[tuple[str, str], ...]
    """Heading and title, a column."""

    @property
    def n_changed(self) -> int:
        return sum(row.is_changed for row in self.rows)


def differences(rescoring: Rescoring, metric: str) -> Differences:
    """The board's rows in one metric by both scorers; reported rows only take part in ranks."""
    version = rescoring.dataset_version
    old, new = (
        overall_standings(board_entries(version, scorer), version.categories, metric)
        for scorer in (rescoring.replaced, rescoring.scorer_version)
    )
    before, after = ({_key(row): row for row in standings.rows} for standings in (old, new))
    rows = [
        _row(before.get(key), after.get(key), version, metric)
        for key in {**after, **before}
        if key[1]
    ]
    names = [(version.label(name), name) for name in version.categories]
    return Differences(tuple(rows), (("Mean", "mean over all categories"), *names))


def _key(row: Row) -> tuple[str, str]:
    """What a row is of: a method, and its submission unless a paper reports it."""
    entry = row.entry
    return entry.slug, entry.submission


def _row(old: Row | None, new: Row | None, version: DatasetVersion, metric: str) -> Changed:
    row = new or old
    assert row is not None
    cells = [_change(old.mean.mean if old and old.mean else None,
                     new.mean.mean if new and new.mean else None, version)]  # fmt: skip
    for category in version.categories:
        column = Column(category, metric)
        found = (side.cell(column) if side else None for side in (old, new))
        before, after = (cell.mean if cell else None for cell in found)
        cells.append(_change(before, after, version))
    entry, (_, submission) = row.entry, _key(row)
    ranks = _ranks(old.rank if old else None, new.rank if new else None)
    return Changed(entry.name, entry.slug, submission, ranks, tuple(cells))


def _ranks(old: int | None, new: int | None) -> Change:
    moved = f"{old - new:+d}".replace("-", "\N{MINUS SIGN}") if old and new and old != new else ""
    return Change(_text(old), _text(new), moved, "places up" if moved else "")


def _change(old: float | None, new: float | None, version: DatasetVersion) -> Change:
    texts = [NO_SCORE if value is None else percent(value) for value in (old, new)]
    if old is None or new is None or old == new:
        return Change(texts[0], texts[1], "")
    difference = f"{100 * (new - old):+.1f}".replace("-", "\N{MINUS SIGN}")
    exact = "" if version.is_hidden else f"{old!r}, then {new!r}"
    return Change(texts[0], texts[1], difference, exact)


def _text(rank: int | None) -> str:
    return NO_SCORE if rank is None else str(rank)
