"""A scored submission's numbers: the exact report, and the tables of its page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions import hidden, hidden_results
from leaderboard.submissions.models import Rescoring, Submission
from leaderboard.submissions.standing import current_scores
from scoring import registry
from scoring.report import assemble, dumps

FOLDER_MINIMUM = 5
"""Pages give a defect folder's figures from this many images on."""


@dataclass(frozen=True)
class Cell:
    """One number: percent with one decimal, every digit, and the spread over runs."""

    text: str
    exact: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a table: what it is, its definition, its cells."""

    name: str
    definition: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """One table: heading, column heads (label, title) and rows."""

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Results:
    """All tables of a submission's page."""

    main: Table
    runs: tuple[Table, ...]
    folders: tuple[Table, ...]
    n_runs: int
    scorer_version: str
    has_mean: bool
    rounded: bool = False
    """Whether that is all that may be told."""


def assembled(submission: Submission) -> dict[str, Any]:
    """The report of a scored submission as ``autovi score --json`` gives it."""
    scorer_version, scores = current_scores(
        submission.scores.all(), submission.dataset_version.shown_scorer
    )
    reports = {(score.run, score.category): score.report for score in scores}
    runs = {
        run: {category: reports[run, category] for category in submission.categories}
        for run in submission.runs
    }
    report = assemble(runs, submission.dataset_version.categories)
    report["scorer_version"] = scorer_version
    return report


def report_json(submission: Submission) -> str:
    """The report's exact text; where labels are hidden, what may be told, in its own schema."""
    if submission.dataset_version.is_hidden:
        return dumps(hidden_results.report(submission))
    return dumps(assembled(submission))


def results(submission: Submission) -> Results:
    """Tables of every metric: over all runs, a run each, a defect folder each."""
    if submission.dataset_version.is_hidden:
        return _hidden(submission)
    report = assembled(submission)
    version = submission.dataset_version
    runs = _runs(report)
    tables = [_metric_table(run["run"], version, [run]) for run in runs]
    several = len(runs) > 1
    return Results(
        main=_metric_table("All runs", version, runs, report["summary"]) if several else tables[0],
        runs=tuple(tables) if several else (),
        folders=tuple(_folder_tables(version, runs)),
        n_runs=len(runs),
        scorer_version=report["scorer_version"],
        has_mean=runs[0]["mean"] is not None,
    )


def rescored(submission: Submission) -> Rescoring | None:
    """The re-scoring by which the board shows other scores of a submission than before, if any."""
    version = submission.dataset_version
    last = version.rescorings.filter(
        state=Rescoring.State.SWITCHED, replaced__in=(submission.scores.values("scorer_version"))
    )
    return last.filter(scorer_version=version.scorer_version).first()


def _hidden(submission: Submission) -> Results:
    """The one table of what may be told where labels are hidden."""
    report = hidden_results.report(submission)
    version, categories, means = submission.dataset_version, report["categories"], report["mean"]
    columns = [(version.label(name), name) for name in categories]
    if means is not None:
        columns.insert(0, ("Mean", "mean over the categories, ± their population spread"))
    rows = []
    for point in hidden.POINTS:
        cells = [_rounded_cell(point.value(found)) for found in categories.values()]
        if means is not None:
            cells.insert(0, _rounded_cell(point.value(means)))
        name = point.name.replace(" %", "\N{NO-BREAK SPACE}%")
        rows.append(Row(name, point.metric.definition, tuple(cells)))
    table = Table("All runs", tuple(columns), tuple(rows))
    scorer = report["scorer_version"]
    return Results(table, (), (), report["runs"], scorer, means is not None, rounded=True)


def _rounded_cell(value: Any) -> Cell:
    if value is None or value["mean"] is None:
        return Cell("n/a")
    spread = "" if value["std"] is None else f"±{_percent(value['std'])}"
    return Cell(_percent(value["mean"]), spread=spread)


def _runs(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "runs" in report:
        return list(report["runs"])
    return [{"run": "run_0", "categories": report["categories"], "mean": report["mean"]}]


def _metric_table(
    title: str,
    version: DatasetVersion,
    runs: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any] | None = None,
) -> Table:
    """Metrics down, categories across, and their mean where all categories are scored."""
    categories = list(runs[0]["categories"])
    reports = {name: [run["categories"][name] for run in runs] for name in categories}
    means = summary["mean"] if summary else runs[0]["mean"]
    columns = [(version.label(name), name) for name in categories]
    rows = []
    for point in registry.points():
        if summary:
            cells = [_summary_cell(point, summary["categories"][c], reports[c]) for c in categories]
        else:
            cells = [_single_cell(point, reports[name][0]) for name in categories]
        if means is not None:
            cells.insert(0, _mean_cell(point.value(means)))
        name = point.name.replace(" %", "\N{NO-BREAK SPACE}%")
        rows.append(Row(name, point.metric.definition, tuple(cells)))
    rows += _count_rows(reports, blank=means is not None)
    if means is not None:
        columns.insert(0, ("Mean", "mean over the categories, ± their population spread"))
    return Table(title, tuple(columns), tuple(rows))


def _count_rows(reports: Mapping[str, Sequence[Mapping[str, Any]]], blank: bool) -> list[Row]:
    """How many images the figures rest on, and how many maps were resized."""
    first = [found[0] for found in reports.values()]
    resized = [max(report["resized"] for report in found) for found in reports.values()]
    lead = (Cell(""),) if blank else ()
    rows = [
        Row("Good images", "", (*lead, *(Cell(str(report["n_good"])) for report in first))),
        Row(
            "Anomalous images", "", (*lead, *(Cell(str(report["n_anomalous"])) for report in first))
        ),
    ]
    if any(resized):
        definition = "Maps that came in another size than their image's; the most in one run."
        rows.append(Row("Resized maps", definition, (*lead, *(Cell(str(n)) for n in resized))))
    return rows


def _single_cell(point: registry.MetricPoint, report: Mapping[str, Any]) -> Cell:
    value = point.value(report)
    return _undefined(point, report) if value is None else Cell(_percent(value), repr(value))


def _summary_cell(
    point: registry.MetricPoint,
    summary: Mapping[str, Any],
    reports: Sequence[Mapping[str, Any]],
) -> Cell:
    value: Any = point.value(summary)
    if value is None or value["mean"] is None:
        return _undefined(point, reports[0])
    return _spread_cell(value["mean"], value["std"], f"over {value['n']} runs")


def _mean_cell(value: Any) -> Cell:
    if value is None or value["mean"] is None:
        return Cell("n/a", "undefined in a category")
    return _spread_cell(value["mean"], value["std"], "over the categories")


def _spread_cell(mean: float, std: float | None, over: str) -> Cell:
    if std is None:
        return Cell(_percent(mean), repr(mean))
    return Cell(_percent(mean), f"{mean!r} ± {std!r} {over}", f"±{_percent(std)}")


def _undefined(point: registry.MetricPoint, report: Mapping[str, Any]) -> Cell:
    reasons = report.get("undefined", {})
    reason = reasons.get(point.key) or reasons.get(point.metric.key) or "undefined"
    return Cell("n/a", reason)


def _folder_tables(version: DatasetVersion, runs: Sequence[Mapping[str, Any]]) -> Iterable[Table]:
    """One table a category: its defect folders down, image AUROC and AUsPRO across."""
    au_spro = registry.BY_KEY["au_spro"]
    points = [registry.MetricPoint(au_spro, limit) for limit in registry.FPR_LIMITS]
    auroc = registry.BY_KEY["image_auroc"]
    columns = [("Images", "images in the folder"), (auroc.short, auroc.definition)]
    columns += [(point.short, au_spro.definition) for point in points]
    for category in runs[0]["categories"]:
        reports = [run["categories"][category] for run in runs]
        counts = version.manifest.get(category, {}).get("folders", {})
        rows = [
            Row(folder, "", _folder_cells(folder, counts.get(folder, 0), reports))
            for folder in reports[0]["au_spro_per_defect_folder"]
        ]
        yield Table(category, tuple(columns), tuple(rows))


def _folder_cells(
    folder: str, count: int, reports: Sequence[Mapping[str, Any]]
) -> tuple[Cell, ...]:
    n_points = 1 + len(registry.FPR_LIMITS)
    if count < FOLDER_MINIMUM:
        reason = f"fewer than {FOLDER_MINIMUM} images; every digit is in report.json"
        return (Cell(str(count)), *[Cell("–", reason)] * n_points)
    values = [[report["image_auroc_per_defect_folder"].get(folder) for report in reports]]
    for limit in registry.FPR_LIMITS:
        values.append(
            [report["au_spro_per_defect_folder"][folder].get(limit) for report in reports]
        )
    return (Cell(str(count)), *map(_over_runs, values))


def _over_runs(values: Sequence[float | None]) -> Cell:
    known = [value for value in values if value is not None]
    if not known:
        return Cell("n/a", "undefined")
    if len(known) == 1:
        return Cell(_percent(known[0]), repr(known[0]))
    mean, std = statistics.mean(known), statistics.stdev(known)
    return _spread_cell(mean, std, f"over {len(known)} runs")


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
