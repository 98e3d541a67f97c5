"""A board as files: CSV and JSON of what the page shows, BibTeX of what it rests on."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from typing import Any

from leaderboard.boards import paper_tables
from leaderboard.boards.board import Board
from leaderboard.boards.standings import Cell, Row
from leaderboard.datasets.citation import bibtex
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.hidden import rounded

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
    population std of the category means, with no n. ``best_group`` is true or false.
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
        "scorer_version": version.shown_scorer,
        "category": board.category or None,
        "metric": board.query.metric,
        "sort": board.sort,
        "filters": {"kind": board.query.kind or None, "family": board.query.family or None},
        "categories": list(version.categories),
        "rows": [_row(board, row) for row in board.rows],
        "notes": list(board.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def file_name(board: Board, kind: str) -> str:
    """A download's name: dataset, version, category and metric, such as
    ``autovi-1.0.0-overall-au_spro@0.05.csv``."""
    version = board.version
    category = board.category or "overall"
    return f"{version.slug}-{version.version}-{category}-{board.query.metric}.{kind}"


def as_bibtex(version: DatasetVersion) -> str:
    """Entries to cite: the dataset, and the paper where its rows stand on the board."""
    reported = version.reported_scores.exists()
    return "\n".join([bibtex(version), *([paper_tables.BIBTEX] if reported else [])])


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
        "mean": _mean(board, row),
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


def _mean(board: Board, row: Row) -> dict[str, Any] | None:
    if row.mean is None:
        return None
    mean, std = row.mean.mean, row.mean.std
    if board.version.is_hidden:
        mean, std = rounded(mean), rounded(std)
    return {"mean": mean, "std": std, "best_group": row.mean_is_best}


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
        place = {"category": MEAN, "metric": board.query.metric}
        mean = _mean(board, row) or {}
        lines.append({**place, **mean, "best_group": _word(row.mean_is_best)})
    for column in board.columns:
        if (cell := row.cell(column)) is not None:
            best = {"best_group": _word(column in row.best)}
            place = {"category": column.category, "metric": column.metric}
            lines.append({**place, **_numbers(cell), **best})
    return [common | line for line in lines]


def _word(value: bool) -> str:
    return "true" if value else "false"


def _no_formula(text: str) -> str:
    """A stranger's words, so that no spreadsheet runs them (OWASP, CSV injection).

    Full-width signs and what stands invisibly before one count too.
    """
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isprintable()).lstrip()
    starts_so = visible.startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r"))
    return f"'{text}" if starts_so else text
