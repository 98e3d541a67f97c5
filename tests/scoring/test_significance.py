"""Best groups against scipy and against what the paper's text says of its Table 6."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scoring import image_level
from scoring.significance import (
    bootstrap_interval,
    overall_best_group,
    welch_best_group,
    welch_p,
)

PAPER = Path(__file__).parents[2] / "leaderboard/boards/paper"
Metric = Callable[[image_level.ThresholdCounts], float]
METHODS = ("cflow", "draem", "dsr", "efficient_ad", "padim", "patchcore")
CATEGORIES = (
    "engine_wiring",
    "pipe_clip",
    "pipe_staple",
    "tank_screw",
    "underbody_pipes",
    "underbody_screw",
)


def table(name: str) -> dict[str, dict[str, tuple[float, float, int]]]:
    """category -> method -> (mean, sample std, 8): the paper's std taken as ddof 0."""
    found: dict[str, dict[str, tuple[float, float, int]]] = {}
    with (PAPER / name).open() as file:
        for row in csv.DictReader(file):
            std = float(row["std_percent"]) * np.sqrt(8 / 7)
            found.setdefault(row["category"], {})[row["method"]] = (
                float(row["mean_percent"]),
                std,
                8,
            )
    return found


summaries = st.tuples(st.floats(0, 1), st.floats(1e-4, 0.5), st.integers(2, 10))


@given(summaries, summaries)
def test_the_p_value_is_scipys(
    first: tuple[float, float, int], second: tuple[float, float, int]
) -> None:
    wanted = stats.ttest_ind_from_stats(*first, *second, equal_var=False).pvalue
    assert welch_p(first, second) == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_rows_that_do_not_vary_are_equal_only_if_their_means_are() -> None:
    assert welch_p((0.5, 0, 3), (0.5, 0, 3)) == 1
    assert welch_p((0.5, 0, 3), (0.4, 0, 3)) == 0


def test_equal_runs_are_equal_whatever_their_number() -> None:
    rows = [(sum([0.7] * n) / n, 0.0, n) for n in (3, 2, 7)]
    assert len({mean for mean, _, _ in rows}) > 1, "the means differ by rounding"
    assert welch_best_group(rows) == [True, True, True]


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [(0.9, 0.001, 3), (0.9, 0.2, 3), (0.85, 0.01, 3)]
    wanted = dict(zip(rows, welch_best_group(rows), strict=True))
    for order in (rows[::-1], [rows[1], rows[2], rows[0]]):
        assert dict(zip(order, welch_best_group(order), strict=True)) == wanted


def test_a_single_run_is_never_in_the_best_group() -> None:
    assert welch_best_group([(0.99, 0.0, 1), (0.8, 0.01, 3), (0.79, 0.01, 3)]) == [
        False,
        True,
        True,
    ]
    assert welch_best_group([(0.99, 0.0, 1)]) == [False]
    assert welch_best_group([]) == []


@pytest.mark.parametrize(
    ("category", "best"),
    [
        ("engine_wiring", {"efficient_ad", "padim"}),
        ("pipe_clip", {"draem", "dsr", "efficient_ad"}),
        ("underbody_screw", {"dsr", "patchcore"}),
    ],
)
def test_the_papers_best_groups_come_out(category: str, best: set[str]) -> None:
    rows = table("table06_image_auroc.csv")[category]
    flags = welch_best_group([rows[method] for method in METHODS])
    assert {m for m, flag in zip(METHODS, flags, strict=True) if flag} == best


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("table06_image_auroc.csv", {"patchcore"}),
        ("table07_image_ap.csv", {"patchcore"}),
        ("table09_au_spro_fpr5.csv", {"dsr", "patchcore"}),
    ],
)
def test_the_papers_overall_best_groups(name: str, best: set[str]) -> None:
    found = table(name)
    flags = overall_best_group([[found[c][m] for c in CATEGORIES] for m in METHODS])
    assert {m for m, flag in zip(METHODS, flags, strict=True) if flag} == best


@pytest.mark.parametrize(
    "name", ["table06_image_auroc.csv", "table07_image_ap.csv", "table09_au_spro_fpr5.csv"]
)
def test_the_papers_mean_rows_come_out(name: str) -> None:
    found = table(name)
    with (PAPER / name).open() as file:
        printed = {r["method"]: r for r in csv.DictReader(file) if r["category"] == "mean"}
    off = []
    for method in METHODS:
        means = [found[c][method][0] for c in CATEGORIES]
        for value, column in ((np.mean(means), "mean_percent"), (np.std(means), "std_percent")):
            off.append(abs(round(value, 1) - float(printed[method][column])))
    assert max(off) < 0.25
    assert sum(difference > 0.15 for difference in off) <= 1


@pytest.mark.parametrize("metric", [image_level.auroc, image_level.average_precision])
def test_the_interval_is_that_of_scipys_bootstrap(metric: Metric) -> None:
    rng = np.random.default_rng(0)
    good, anomalous = rng.normal(0, 1, 60), rng.normal(1, 1, 40)
    low, high = bootstrap_interval(good, anomalous, metric)

    def value(negative: np.ndarray, positive: np.ndarray) -> float:
        return metric(image_level.threshold_counts(negative, positive))

    wanted = stats.bootstrap(
        (good, anomalous), value, n_resamples=2000, vectorized=False, method="percentile", rng=1
    ).confidence_interval
    assert low == pytest.approx(wanted.low, abs=0.01)
    assert high == pytest.approx(wanted.high, abs=0.01)
    assert (low, high) == bootstrap_interval(good, anomalous, metric)
