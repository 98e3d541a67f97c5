"""The ranking: ties, gaps, single runs, best groups, order."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import replace

import pytest

from leaderboard.boards.standings import (
    Cell,
    Column,
    Entry,
    Mean,
    Row,
    category_standings,
    mean_over_categories,
    overall_standings,
    shared_ranks,
    sort_rows,
)
from leaderboard.submissions import hidden

CATEGORIES = ("clip", "screw")


def entry(name: str, scores: Mapping[str, float | Cell], metric: str = "image_auroc") -> Entry:
    """An entry with one metric; a bare number is a mean of 8 runs with std 0.01."""
    cells = {
        category: {metric: score if isinstance(score, Cell) else Cell(score, 0.01, 8)}
        for category, score in scores.items()
    }
    return Entry(name.lower(), name, "density", "submitted", cells)


def order(rows: tuple[Row, ...] | list[Row]) -> list[tuple[str, int | None]]:
    return [(row.entry.name, row.rank) for row in rows]


@pytest.mark.parametrize(
    ("scores", "ranks"),
    [
        ([], []),
        ([0.5], [1]),
        ([0.1, 0.9, 0.5], [3, 1, 2]),
        ([0.9, 0.9, 0.5], [1, 1, 3]),
        ([0.9, 0.5, 0.5, 0.1], [1, 2, 2, 4]),
        ([None, 0.5], [None, 1]),
        ([None, None], [None, None]),
        ([0.1 + 0.2, 0.3], [1, 1]),
        ([0.0, None], [1, None]),
    ],
)
def test_equal_scores_share_the_better_rank(
    scores: list[float | None], ranks: list[int | None]
) -> None:
    assert shared_ranks(scores) == ranks


def test_rows_stand_by_their_mean_over_all_categories() -> None:
    low = entry("Low", {"clip": 0.9, "screw": 0.1})
    high = entry("High", {"clip": 0.6, "screw": 0.8})
    standings = overall_standings([low, high], CATEGORIES, "image_auroc")
    assert order(standings.rows) == [("High", 1), ("Low", 2)]
    assert standings.rows[0].mean is not None
    assert standings.rows[0].mean.mean == pytest.approx(0.7)
    assert standings.rows[0].mean.std == pytest.approx(0.1)  # population std of 0.6 and 0.8


def test_a_row_that_lacks_a_category_has_no_mean_and_stands_last() -> None:
    partial = entry("Partial", {"clip": 1.0})
    full = entry("Full", {"clip": 0.2, "screw": 0.2})
    standings = overall_standings([partial, full], CATEGORIES, "image_auroc")
    assert order(standings.rows) == [("Full", 1), ("Partial", None)]
    assert standings.rows[1].mean is None
    assert Column("clip", "image_auroc") in standings.rows[1].best


def test_an_entry_without_any_score_in_the_metric_has_no_row() -> None:
    other = entry("Other", {"clip": 0.5, "screw": 0.5}, metric="image_ap")
    assert overall_standings([other], CATEGORIES, "image_auroc").rows == ()


def test_ties_stand_by_name() -> None:
    rows = [entry(name, {"clip": 0.5, "screw": 0.5}) for name in ("Beta", "alpha", "Gamma")]
    standings = overall_standings(rows, CATEGORIES, "image_auroc")
    assert order(standings.rows) == [("alpha", 1), ("Beta", 1), ("Gamma", 1)]


def test_the_mean_of_no_category_is_none() -> None:
    assert mean_over_categories(entry("Empty", {}), (), "image_auroc") is None


def test_a_mean_that_is_told_rounded_is_rounded_once() -> None:
    """55.95 % must not be 55.9 on one page and 56.0 on another."""
    told = replace(entry("Hidden", {"clip": 0.6, "screw": 0.519}), digits=3)
    mean = mean_over_categories(told, CATEGORIES, "image_auroc")
    both = [0.6, 0.519]
    assert mean == Mean(
        hidden.rounded(statistics.fmean(both)), hidden.rounded(statistics.pstdev(both))
    )


def test_a_single_run_leads_by_rank_but_is_never_bold() -> None:
    single = entry("Single", {name: Cell(0.99, None, 1) for name in CATEGORIES})
    several = entry("Several", {name: Cell(0.5, 0.01, 3) for name in CATEGORIES})
    standings = overall_standings([single, several], CATEGORIES, "image_auroc")
    first, second = standings.rows
    assert order(standings.rows) == [("Single", 1), ("Several", 2)]
    assert not first.best
    assert not first.mean_is_best
    assert second.best == set(standings.columns)
    assert second.mean_is_best


def test_methods_not_different_from_the_best_are_bold_with_it() -> None:
    best = entry("Best", {"clip": Cell(0.90, 0.02, 8)})
    near = entry("Near", {"clip": Cell(0.89, 0.02, 8)})
    far = entry("Far", {"clip": Cell(0.80, 0.02, 8)})
    standings = category_standings([far, near, best], "clip", ["image_auroc"], "image_auroc")
    assert [(row.entry.name, bool(row.best)) for row in standings.rows] == [
        ("Best", True),
        ("Near", True),
        ("Far", False),
    ]


def test_a_population_std_is_widened_before_it_is_tested() -> None:
    cell = Cell(0.5, 0.07, 8, ddof=0)
    assert cell.sample_std == pytest.approx(0.07 * math.sqrt(8 / 7))
    assert Cell(0.5, 0.07, 8, ddof=1).sample_std == pytest.approx(0.07)
    assert Cell(0.5, None, 1).triple == (0.5, 0.0, 1)


def test_a_category_ranks_by_one_metric_and_shows_the_others() -> None:
    both = Entry(
        "both",
        "Both",
        "",
        "submitted",
        {"clip": {"image_auroc": Cell(0.5, 0.1, 3), "image_ap": Cell(0.9, 0.1, 3)}},
    )
    only_ap = entry("Only AP", {"clip": 0.95}, metric="image_ap")
    metrics = ["image_auroc", "image_ap"]
    by_auroc = category_standings([both, only_ap], "clip", metrics, "image_auroc")
    assert order(by_auroc.rows) == [("Both", 1), ("Only AP", None)]
    by_ap = category_standings([both, only_ap], "clip", metrics, "image_ap")
    assert order(by_ap.rows) == [("Only AP", 1), ("Both", 2)]


def test_another_order_keeps_the_ranks_and_puts_gaps_last_both_ways() -> None:
    rows = overall_standings(
        [
            entry("A", {"clip": 0.9, "screw": 0.9}),
            entry("B", {"clip": 0.1, "screw": 0.8}),
            entry("C", {"screw": 0.99}),
        ],
        CATEGORIES,
        "image_auroc",
    ).rows

    def clip(row: Row) -> float | None:
        cell = row.cell(Column("clip", "image_auroc"))
        return cell.mean if cell else None

    assert order(sort_rows(rows, clip, descending=True)) == [("A", 1), ("B", 2), ("C", None)]
    assert order(sort_rows(rows, clip, descending=False)) == [("B", 2), ("A", 1), ("C", None)]


def test_rows_that_tie_in_an_order_keep_their_rank_order() -> None:
    rows = overall_standings(
        [entry(name, {"clip": value, "screw": value}) for name, value in (("A", 0.5), ("B", 0.9))],
        CATEGORIES,
        "image_auroc",
    ).rows
    for descending in (False, True):
        assert order(sort_rows(rows, lambda row: 1.0, descending)) == [("B", 1), ("A", 2)]


def test_a_rows_runs_are_the_fewest_of_its_cells() -> None:
    mixed = entry("Mixed", {"clip": Cell(0.5, 0.1, 8), "screw": Cell(0.5, 0.1, 3)})
    assert overall_standings([mixed], CATEGORIES, "image_auroc").rows[0].runs == 3
