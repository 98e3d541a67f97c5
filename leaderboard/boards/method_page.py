"""A method's page: what it scores on every board, and how it came there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from leaderboard.accounts.models import User
from leaderboard.boards.entries import entries_of, reported_cells
from leaderboard.boards.metrics import CATEGORY_COLUMNS, visible_keys
from leaderboard.boards.models import ReportedScore
from leaderboard.boards.paper_tables import AUTHORS_CONFIGURATION, METHODS, METRIC_NOTES, notes_for
from leaderboard.boards.standings import Cell, Entry, mean_over_categories
from leaderboard.boards.tables import NO_SCORE, CellView, cell_view, mean_view, short_label
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.authorship import ANONYMOUS, has, method_author, without_links
from leaderboard.submissions.models import Method, Submission
from leaderboard.submissions.policies import may_rename
from scoring.registry import BY_FLAT_KEY, MetricPoint


@dataclass(frozen=True)
class ScoreTable:
    """Categories down, metrics (or variants) across."""

    title: str
    source: str
    columns: tuple[tuple[str, str], ...]
    """Heading and its title, a column."""
    rows: tuple[tuple[str, tuple[CellView, ...]], ...]
    version: DatasetVersion
    submission: Submission | None = None
    scorer_version: str = ""
    has_mean: bool = False
    has_intervals: bool = False


@dataclass(frozen=True)
class MethodPage:
    """All that the page shows."""

    method: Method
    tables: tuple[ScoreTable, ...]
    history: tuple[Submission, ...]
    notes: tuple[str, ...]
    """What to know beside reported rows; empty where there are none."""
    author: str
    """Whose it is, as far as the reader may know; empty where nobody here made it."""
    is_kept: bool
    """Whether the reader must not learn whose it is."""
    description: str
    may_rename: bool


def method_page(slug: str, user: User | AnonymousUser) -> MethodPage | None:
    """A method with its public results, or None where there is nothing that the reader may see.

    Somebody else's method shows once it has a public, scored submission or a
    reported row; until then not even its name is told.
    """
    method = Method.objects.filter(slug=slug).select_related("owner", "team").first()
    if method is None:
        return None
    history = tuple(
        method.submissions.on_boards()
        .select_related("dataset_version__dataset", "method")
        .order_by("-finished", "-created")
    )
    reported = list(
        method.reported_scores.select_related("dataset_version__dataset").order_by("category")
    )
    if not (history or reported or has(user, method)):
        return None
    tables = (*_submitted_tables(history), *_reported_tables(reported))
    notes = _notes(method) if reported else ()
    author = method_author(method, history, user)
    is_kept = author == ANONYMOUS
    description = without_links(method.description) if is_kept else method.description
    renames = may_rename(user, method)
    return MethodPage(method, tables, history, notes, author, is_kept, description, renames)


def _submitted_tables(history: tuple[Submission, ...]) -> list[ScoreTable]:
    """One table a board: the method's current submission there."""
    current: dict[DatasetVersion, Submission] = {}
    for submission in sorted(history, key=lambda item: not item.is_chosen):
        current.setdefault(submission.dataset_version, submission)
    tables = []
    for version, submission in current.items():
        (entry,) = entries_of([submission], version)
        title = f"Scored on {version.dataset.name}"
        tables.append(_metric_table(title, "", entry.cells, version, submission, entry))
    return tables


def _reported_tables(rows: list[ReportedScore]) -> list[ScoreTable]:
    """The main tables side by side, then one table a kind of variant."""
    by_version: dict[DatasetVersion, list[ReportedScore]] = defaultdict(list)
    for row in rows:
        by_version[row.dataset_version].append(row)
    tables = []
    for version, of_version in by_version.items():
        main = [row for row in of_version if not row.variant]
        if main:
            cells = reported_cells(main)
            title = f"Reported on {version.dataset.name}"
            tables.append(_metric_table(title, _sources(main), cells, version))
        tables += _variant_tables(version, of_version)
    return tables


def _metric_table(
    title: str,
    source: str,
    cells: Mapping[str, Mapping[str, Cell]],
    version: DatasetVersion,
    submission: Submission | None = None,
    entry: Entry | None = None,
) -> ScoreTable:
    present = {key for by_metric in cells.values() for key in by_metric}
    keys = [key for key in CATEGORY_COLUMNS if key in visible_keys(version) and key in present]
    points = [BY_FLAT_KEY[key] for key in keys]
    rows = [
        (version.label(name), tuple(_view(cells[name].get(key), key) for key in keys))
        for name in version.categories
        if name in cells
    ]
    mean = _mean_row(cells, version, keys)
    return ScoreTable(
        title,
        source,
        tuple((short_label(point), _title(point)) for point in points),
        tuple([*rows, mean] if mean else rows),
        version,
        submission,
        entry.scorer_version if entry else "",
        mean is not None,
        any(cell.interval for by_metric in cells.values() for cell in by_metric.values()),
    )


def _mean_row(
    cells: Mapping[str, Mapping[str, Cell]], version: DatasetVersion, keys: list[str]
) -> tuple[str, tuple[CellView, ...]] | None:
    entry = Entry("", "", "", "", cells)
    means = [mean_over_categories(entry, version.categories, key) for key in keys]
    if not any(means):
        return None
    return "Mean", tuple(mean_view(mean) if mean else _none() for mean in means)


def _variant_tables(version: DatasetVersion, rows: list[ReportedScore]) -> list[ScoreTable]:
    """Tables 11 and 12: one metric, a column a variant; window sizes differ by category."""
    by_source: dict[str, list[ReportedScore]] = defaultdict(list)
    for row in rows:
        if row.variant:
            by_source[row.source].append(row)
    tables = []
    for source, group in sorted(by_source.items()):
        if group[0].variant.startswith("window="):
            tables.append(_variant_table(version, "by window size", source, group))
        else:
            plain = [row for row in rows if not row.variant and row.metric == group[0].metric]
            beside = f"{source}, beside {_sources(plain)}," if plain else source
            tables.append(_variant_table(version, "with augmentation", beside, [*plain, *group]))
    return tables


def _variant_table(
    version: DatasetVersion, what: str, source: str, rows: list[ReportedScore]
) -> ScoreTable:
    variants = sorted({row.variant for row in rows}, key=_variant_order)
    cells = {(row.category, row.variant): row for row in rows}
    point = BY_FLAT_KEY[rows[0].metric]
    body = []
    for name in version.categories:
        found = [cells.get((name, variant)) for variant in variants]
        if any(found):
            body.append((version.label(name), tuple(_reported_view(row) for row in found)))
    return ScoreTable(
        f"{point.name} {what}",
        source,
        tuple((_variant_label(variant), _title(point)) for variant in variants),
        tuple(body),
        version,
    )


def _variant_order(variant: str) -> tuple[bool, list[int]]:
    """No variant first, windows by their width and height."""
    sizes = variant.removeprefix("window=").split("x")
    return bool(variant), [int(size) for size in sizes if size.isdigit()]


def _variant_label(variant: str) -> str:
    if variant.startswith("window="):
        return variant.removeprefix("window=").replace("x", "\u00d7")
    return variant or "none"


def _reported_view(row: ReportedScore | None) -> CellView:
    if row is None:
        return _none()
    return _view(Cell(row.mean, row.std, row.n, row.std_ddof, row.source, row.note), row.metric)


def _view(cell: Cell | None, metric: str) -> CellView:
    return cell_view(cell, metric) if cell else _none()


def _none() -> CellView:
    return CellView(NO_SCORE, "", "num none", "no score")


def _title(point: MetricPoint) -> str:
    return f"{point.name}. {point.metric.definition} Higher is better."


def _sources(rows: Iterable[ReportedScore]) -> str:
    numbers = sorted({row.source.removeprefix("Table ") for row in rows})
    return f"Tables {', '.join(numbers)}" if len(numbers) > 1 else f"Table {numbers[0]}"


def _notes(method: Method) -> tuple[str, ...]:
    own = (AUTHORS_CONFIGURATION,) if method.name == METHODS["efficient_ad"].name else ()
    return own + notes_for(METRIC_NOTES)
