"""A report as a table in the terminal."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from scoring.registry import BY_FLAT_KEY, MetricPoint
from scoring.report import Report

COLUMNS = (
    "image_auroc",
    "image_ap",
    "tpr_at_tnr@0.99",
    "tpr_at_tnr@0.95",
    "tpr_at_tnr@0.9",
    "au_spro@0.05",
    "au_spro@0.3",
)
_EMPTY = "-"


def print_report(report: Report, console: Console | None = None) -> None:
    """Print all categories, their mean, and what is undefined and why; in percent."""
    data = report.as_dict()
    several = "runs" in data
    table = Table(
        caption="percent; all metrics: --json OUT", caption_justify="left", box=SIMPLE_HEAD
    )
    table.add_column("category", no_wrap=True)
    for key in COLUMNS:
        table.add_column(_heading(BY_FLAT_KEY[key]), justify="right", no_wrap=True)
    categories = data["summary"]["categories"] if several else data["categories"]
    for category, entry in categories.items():
        table.add_row(category, *(_cell(BY_FLAT_KEY[key], entry) for key in COLUMNS))
    mean = data["summary"]["mean"] if several else data["mean"]
    if mean is not None:
        table.add_section()
        table.add_row("mean", *(_cell(BY_FLAT_KEY[key], mean) for key in COLUMNS))
    console = console or Console()
    if several:
        console.print(
            f"mean ± standard deviation over {len(data['runs'])} runs; the mean row over categories"
        )
    console.print(table)
    for line in _notes(report):
        console.print(line)


def _heading(point: MetricPoint) -> str:
    name = point.metric.short.replace("TPR at TNR", "TPR at\nTNR")
    return name if point.point is None else f"{name}\n{float(point.point) * 100:g} %"


def _cell(point: MetricPoint, entry: dict[str, Any]) -> str:
    value: Any = point.value(entry)
    if isinstance(value, dict):
        if value["mean"] is None:
            return _EMPTY
        spread = "" if value["std"] is None else f"\n±{100 * value['std']:.1f}"
        return f"{100 * value['mean']:.1f}{spread}"
    return _EMPTY if value is None else f"{100 * value:.1f}"


def _notes(report: Report) -> list[str]:
    notes = []
    for run, categories in report.results.items():
        prefix = f"{run} " if len(report.results) > 1 else ""
        for category, result in categories.items():
            entry = result.report
            if entry["resized"]:
                notes.append(
                    f"{prefix}{category}: {entry['resized']} maps were resized to their image"
                )
            notes.extend(
                f"{prefix}{category}: {key} is undefined: {why}"
                for key, why in entry["undefined"].items()
            )
    return notes
