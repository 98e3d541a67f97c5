"""A board as its page shows it: headings with links, cells with words and classes."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.boards.board import Board
from leaderboard.boards.metrics import shade
from leaderboard.boards.paper_tables import AS_PRINTED
from leaderboard.boards.standings import Cell, Column, Entry, Mean, Row
from scoring.registry import BY_FLAT_KEY, MetricPoint

NO_SCORE = "\u2013"


@dataclass(frozen=True)
class Heading:
    """A column's heading: a link that sorts by it."""

    label: str
    title: str
    href: str
    aria_sort: str
    """``ascending``, ``descending`` or empty."""
    css: str = "num"


@dataclass(frozen=True)
class CellView:
    """A cell: the number, the line under it, and its classes."""

    text: str
    spread: str
    css: str
    title: str = ""
    mark: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class RowView:
    """A row of the page's table."""

    rank: str
    entry: Entry
    cells: tuple[CellView, ...]
    runs: str


@dataclass(frozen=True)
class Table:
    """All that the template loops over."""

    method: Heading
    headings: tuple[Heading, ...]
    rows: tuple[RowView, ...]
    has_single_runs: bool
    has_intervals: bool
    has_marks: bool
    sources: tuple[str, ...]


def make_table(board: Board) -> Table:
    """The board's table in the words of its page."""
    cells = [cell for row in board.rows for column in board.columns if (cell := row.cell(column))]
    return Table(
        method=heading(board, "method", "Method", "By name", numeric=False),
        headings=_headings(board),
        rows=tuple(_row(board, row) for row in board.rows),
        has_single_runs=any(cell.n == 1 for cell in cells),
        has_intervals=any(cell.interval for cell in cells),
        has_marks=any(cell.note for cell in cells),
        sources=tuple(sorted({cell.source for cell in cells if cell.source})),
    )


def heading(board: Board, key: str, label: str, title: str, *, numeric: bool = True) -> Heading:
    """A heading that sorts by ``key``; numbers fall first, and a second click turns the order."""
    aria_sort = ""
    following = f"-{key}" if numeric else key
    if board.sort.removeprefix("-") == key:
        descending = board.sort.startswith("-")
        aria_sort = "descending" if descending else "ascending"
        following = key if descending else f"-{key}"
    return Heading(
        label, title, board.query.link(sort=following), aria_sort, "num" if numeric else ""
    )


def _headings(board: Board) -> tuple[Heading, ...]:
    runs = heading(board, "runs", "Runs", "Independent trainings behind the scores")
    if board.category:
        return (*(_metric_heading(board, column) for column in board.columns), runs)
    mean = heading(
        board,
        "mean",
        "Mean",
        "Mean over all categories; \u00b1 is the standard deviation over them",
    )
    categories = (
        heading(board, name, board.version.label(name), name) for name in board.version.categories
    )
    return (mean, *categories, runs)


def _metric_heading(board: Board, column: Column) -> Heading:
    point = BY_FLAT_KEY[column.metric]
    title = f"{point.name}. {point.metric.definition} Higher is better."
    return heading(board, column.metric, short_label(point), title)


def short_label(point: MetricPoint) -> str:
    """A metric's short name as a column's heading: ``TPR at 95 %``, ``AUsPRO 5 %``."""
    return point.short.replace("TPR at TNR", "TPR at")


def _row(board: Board, row: Row) -> RowView:
    cells = [_cell(row, column) for column in board.columns]
    if not board.category:
        cells.insert(0, _mean(row))
    rank = NO_SCORE if row.rank is None else str(row.rank)
    return RowView(rank, row.entry, tuple(cells), str(row.runs or NO_SCORE))


def _cell(row: Row, column: Column) -> CellView:
    cell = row.cell(column)
    if cell is None:
        return CellView(NO_SCORE, "", "num none", "no score")
    return cell_view(cell, column.metric, column in row.best)


def cell_view(cell: Cell, metric: str, is_best: bool = False) -> CellView:
    """A score in percent, with its spread or interval, its shade and where it comes from."""
    step = shade(BY_FLAT_KEY[metric].metric, cell.mean)
    best = " best" if is_best else ""
    interval = "95 % interval over the test images" if cell.interval else ""
    title = ", ".join(part for part in (cell.source, cell.note, interval) if part)
    return CellView(
        percent(cell.mean),
        _under(cell),
        f"num shade shade-{step}{best}",
        title,
        "\u2020" if cell.note == AS_PRINTED else "",
        is_best,
    )


def _under(cell: Cell) -> str:
    """The line under a number: spread over runs, or what is known of a single run."""
    if cell.interval:
        low, high = cell.interval
        return f"[{percent(low)}, {percent(high)}]"
    return "1 run" if cell.std is None else f"\u00b1{percent(cell.std)}"


def _mean(row: Row) -> CellView:
    if row.mean is None:
        return CellView(NO_SCORE, "", "num mean none", "not all categories are scored")
    return mean_view(row.mean, row.mean_is_best)


def mean_view(mean: Mean, is_best: bool = False) -> CellView:
    """A mean over categories with their spread; it has no shade, for the scale is a category's."""
    best = " best" if is_best else ""
    spread = f"\u00b1{percent(mean.std)}"
    return CellView(
        percent(mean.mean), spread, f"num mean{best}", "\u00b1 over categories", "", is_best
    )


def percent(value: float) -> str:
    """A fraction in percent with one decimal, as the paper prints it."""
    return f"{value * 100:.1f}"
