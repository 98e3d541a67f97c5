"""The paper's tables as they are printed, and the notes one needs to read them.

The CSV files in ``paper/`` hold Tables 6, 7, 8, 9, 11 and 12 of Carvalho et al.,
Computers in Industry 163 (2024) 104151, doi 10.1016/j.compind.2024.104151
(CC BY 4.0): percent, mean and std over eight runs.
"""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leaderboard.datasets import autovi

FOLDER = Path(__file__).parent / "paper"
DATASET, VERSION = "autovi", "1.0.0"
PAPER_URL = "https://doi.org/10.1016/j.compind.2024.104151"
RUNS = 8
STD_DDOF = 0
MEAN_TOLERANCE = 0.0025
"""A printed Mean row may differ from ours by 0.1 or 0.2 points where the authors rounded."""

BIBTEX = f"""\
@article{{carvalho2024autovi,
  author  = {{{autovi.AUTHORS}}},
  title   = {{Detecting visual anomalies in an industrial environment: Unsupervised methods put
             to the test on the {{AutoVI}} dataset}},
  journal = {{Computers in Industry}},
  volume  = {{163}},
  pages   = {{104151}},
  year    = {{{autovi.YEAR}}},
  doi     = {{10.1016/j.compind.2024.104151}}
}}
"""


@dataclass(frozen=True)
class PaperMethod:
    """A method of the paper: its slug, its printed name, the family it belongs to."""

    slug: str
    name: str
    family: str


METHODS: dict[str, PaperMethod] = {
    "cflow": PaperMethod("cflow", "CFlow", "normalizing flow"),
    "draem": PaperMethod("draem", "DRAEM", "reconstruction"),
    "dsr": PaperMethod("dsr", "DSR", "reconstruction"),
    "efficient_ad": PaperMethod("efficientad-m", "EfficientAD-M", "student\u2013teacher"),
    "padim": PaperMethod("padim", "PaDiM", "density"),
    "patchcore": PaperMethod("patchcore", "PatchCore", "memory bank"),
}
"""Keyed by the name that the CSV files use."""

GENERAL_NOTES = (
    "Each number is the mean of eight runs. The paper does not say how it computes \u00b1 over "
    "runs. The \u00b1 of its Mean rows divides by the number of values, not by one less, so \u00b1 "
    "over runs is read that way too.",
    "The paper's numbers of test images differ a little from those of the published dataset, "
    "version 1.0.0. These rows rest on the paper's.",
)
METRIC_NOTES: dict[str, tuple[str, ...]] = {
    "image_auroc": (),
    "image_ap": (
        "The paper's AP is probably the area under the precision-recall curve with straight lines "
        "between its points. The AP computed here adds steps instead; with few anomalous images "
        "the two can differ by some points.",
    ),
    "tpr_at_tnr": (
        "The paper does not say how it chooses the threshold for a TNR; it may do so differently "
        "from the scorer here.",
    ),
    "au_spro": (
        "\u2020 Table 9 prints 4.3 \u00b1 16.1 for CFlow on T. screw. No eight values between 0 "
        "and 100 with a mean of 4.3 spread so far, so one of the two is wrong; kept as printed.",
        "The authors' code rescales the maps of PaDiM and EfficientAD before saving them, each "
        "batch by itself. Values of different batches then no longer compare, which changes the "
        "AUsPRO of Table 9.",
    ),
}
AUTHORS_CONFIGURATION = (
    "The paper calls this method EfficientAD-M (medium); the configuration that its authors "
    "released sets the small model."
)
AS_PRINTED = "as printed"
MISPRINT = ("Table 9", "tank_screw", "cflow")
"""The one number that cannot be right; see the notes on ``au_spro``."""


@dataclass(frozen=True)
class Reported:
    """One printed number, as a fraction."""

    method: PaperMethod
    category: str
    metric: str
    variant: str
    mean: float
    std: float
    source: str
    note: str = ""


@dataclass(frozen=True)
class Table:
    """How one CSV file is read: its metric and variant from a line's own columns."""

    file: str
    source: str
    metric: Callable[[Mapping[str, str]], str]
    variant: Callable[[Mapping[str, str]], str] = lambda line: ""


TABLES = (
    Table("table06_image_auroc.csv", "Table 6", lambda line: "image_auroc"),
    Table("table07_image_ap.csv", "Table 7", lambda line: "image_ap"),
    Table(
        "table08_tpr_at_tnr.csv",
        "Table 8",
        lambda line: f"tpr_at_tnr@{int(line['tnr_percent']) / 100:g}",
    ),
    Table("table09_au_spro_fpr5.csv", "Table 9", lambda line: "au_spro@0.05"),
    Table(
        "table11_image_auroc_augmented.csv",
        "Table 11",
        lambda line: "image_auroc",
        lambda line: "augmented",
    ),
    Table(
        "table12_image_auroc_window.csv",
        "Table 12",
        lambda line: "image_auroc",
        lambda line: f"window={line['window_px']}",
    ),
)


def read_tables(folder: Path = FOLDER) -> list[Reported]:
    """All printed numbers of all tables, Mean rows left out.

    Raises ValueError when a table's own Mean rows contradict its numbers.
    """
    return [reported for table in TABLES for reported in read_table(folder / table.file, table)]


def read_table(path: Path, table: Table) -> list[Reported]:
    """One CSV file, checked against the Mean rows it holds."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    check_means(path.name, lines)
    return [_reported(line, table) for line in lines if line["category"] != "mean"]


def check_means(name: str, lines: Iterable[Mapping[str, str]]) -> None:
    """Hold a table's Mean rows to the mean and population std of its category means."""
    means: dict[str, list[float]] = defaultdict(list)
    printed: dict[str, tuple[float, float]] = {}
    for line in lines:
        mean, std = _fraction(line["mean_percent"]), _fraction(line["std_percent"])
        if line["category"] == "mean":
            printed[line["method"]] = (mean, std)
        else:
            means[line["method"]].append(mean)
    for method, expected in printed.items():
        ours = statistics.fmean(means[method]), statistics.pstdev(means[method])
        if any(abs(a - b) > MEAN_TOLERANCE for a, b in zip(ours, expected, strict=True)):
            raise ValueError(f"{name}: {method}: Mean row says {expected}, its categories {ours}")


def notes_for(metrics: Iterable[str]) -> tuple[str, ...]:
    """What to know beside the reported rows of some flat metric keys."""
    keys = dict.fromkeys(metric.split("@")[0] for metric in metrics)
    return (*(note for key in keys for note in METRIC_NOTES.get(key, ())), *GENERAL_NOTES)


def _reported(line: Mapping[str, str], table: Table) -> Reported:
    place = table.source, line["category"], line["method"]
    return Reported(
        method=METHODS[line["method"]],
        category=line["category"],
        metric=table.metric(line),
        variant=table.variant(line),
        mean=_fraction(line["mean_percent"]),
        std=_fraction(line["std_percent"]),
        source=table.source,
        note=AS_PRINTED if place == MISPRINT else "",
    )


def _fraction(percent: str) -> float:
    """``"46.1"`` as 0.461, without the binary noise of a division."""
    return round(float(percent) / 100, 6)
