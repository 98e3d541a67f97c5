"""A board as files: CSV and JSON of what the page shows, BibTeX of what it rests on."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from leaderboard.boards import paper_tables
from leaderboard.boards.board import Board
from leaderboard.boards.standings import Cell, Row
from leaderboard.datasets.models import DatasetVersion
from scoring import SCORER_VERSION

MEAN = "mean"
CSV_COLUMNS = (
    "rank",
    "method",
    "method_slug",
    "family",
    "kind",
    "source",
    "submission",
    "category",
    "metric",
    "mean",
    "std",
    "std_ddof",
    "n",
    "best_group",
    "note",
    "dataset",
    "dataset_version",
    "scorer_version",
)


def as_csv(board: Board) -> str:
    """One line a method, category and metric, in the page's order; fractions 0..1.

    Lines of category ``mean`` hold the mean over all categories and the
    population std of the category means, with no n.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in board.rows:
        writer.writerows(_lines(board, row))
    return file.getvalue()


def as_json(board: Board) -> str:
    """The page's rows with all their numbers; fractions 0..1, what is missing is null."""
    version = board.version
    document = {
        "schema": 1,
        "dataset": version.dataset.slug,
        "dataset_version": version.version,
        "doi": version.doi or None,
        "scorer_version": SCORER_VERSION,
        "category": board.category or None,
        "metric": board.query.metric,
        "sort": board.sort,
        "filters": {"kind": board.query.kind or None, "family": board.query.family or None},
        "categories": list(version.categories),
        "rows": [_row(board, row) for row in board.rows],
        "notes": list(board.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_bibtex(version: DatasetVersion) -> str:
    """Entries to cite: the dataset, and the paper where its rows stand on the board."""
    reported = version.reported_scores.exists()
    return "\n".join([_dataset_bibtex(version), *([paper_tables.BIBTEX] if reported else [])])


def _dataset_bibtex(version: DatasetVersion) -> str:
    """The version's own citation where it is a BibTeX entry, else one made of what is known."""
    if version.citation.lstrip().startswith("@"):
        return version.citation.strip() + "\n"
    dataset = version.dataset
    fields = {
        "title": f"{{{dataset.name}}}, version {version.version}",
        "doi": version.doi,
        "note": version.licence,
    }
    lines = [f"  {key:<7} = {{{value}}}" for key, value in fields.items() if value]
    body = ",\n".join(lines)
    return f"@misc{{{dataset.slug}-{version.version},\n{body}\n}}\n"


def _row(board: Board, row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "rank": row.rank,
        "method": entry.name,
        "method_slug": entry.slug,
        "family": entry.family or None,
        "kind": entry.kind,
        "submission": entry.submission or None,
        "scorer_version": entry.scorer_version or None,
        "mean": _mean(row),
        "scores": [
            {
                "category": column.category,
                "metric": column.metric,
                **_numbers(cell),
                "best_group": column in row.best,
            }
            for column in board.columns
            if (cell := row.cell(column)) is not None
        ],
    }


def _mean(row: Row) -> dict[str, Any] | None:
    if row.mean is None:
        return None
    return {"mean": row.mean.mean, "std": row.mean.std, "best_group": row.mean_is_best}


def _numbers(cell: Cell) -> dict[str, Any]:
    return {
        "mean": cell.mean,
        "std": cell.std,
        "std_ddof": None if cell.std is None else cell.ddof,
        "n": cell.n,
        "source": cell.source or None,
        "note": cell.note or None,
    }


def _lines(board: Board, row: Row) -> list[dict[str, Any]]:
    common = {
        "rank": row.rank,
        "method": _no_formula(row.entry.name),
        "method_slug": row.entry.slug,
        "family": _no_formula(row.entry.family),
        "kind": row.entry.kind,
        "submission": row.entry.submission,
        "dataset": board.version.dataset.slug,
        "dataset_version": board.version.version,
        "scorer_version": row.entry.scorer_version,
    }
    lines = []
    if row.mean is not None:
        lines.append({"category": MEAN, "metric": board.query.metric, **(_mean(row) or {})})
    for column in board.columns:
        if (cell := row.cell(column)) is not None:
            best = {"best_group": column in row.best}
            place = {"category": column.category, "metric": column.metric}
            lines.append({**place, **_numbers(cell), **best})
    return [common | line for line in lines]


def _no_formula(text: str) -> str:
    """A stranger's words, so that no spreadsheet runs them (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
