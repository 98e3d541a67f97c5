"""Which rows of a board cannot be told from the best, and how sure a single run is.

Welch's unequal-variances t-test, two-sided, from summary statistics, without a correction for the
number of tests: this is what the paper's bold numbers rest on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from scoring.image_level import ThresholdCounts, threshold_counts

ALPHA = 0.05
RESAMPLES = 1_000

_EQUAL_DIGITS = 12
_NO_SPREAD = 1e-12
"""Differences below this are those of rounding: equal runs may have means that differ so much."""

Summary = tuple[float, float, int]
"""Mean, sample standard deviation and number of runs."""


def welch_p(first: Summary, second: Summary) -> float:
    """Two-sided p-value of Welch's t-test between two rows with at least two runs each.

    Where neither row varies, they are equal (p = 1) only if their means are.
    """
    return _p_value([first], [second])


def welch_best_group(rows: Sequence[Summary], alpha: float = ALPHA) -> list[bool]:
    """For each row, whether it is the best or not significantly different from it.

    The reference is the highest mean among rows with n >= 2; a row of fewer runs is never in the
    group.
    """
    return _best_group([[row] for row in rows], alpha)


def overall_best_group(rows: Sequence[Sequence[Summary]], alpha: float = ALPHA) -> list[bool]:
    """The same for means over categories.

    Parameters
    ----------
    rows : sequence of sequence of (mean, std, n)
        One triple for each category, the same categories in every row. A row takes part only if
        n >= 2 in all of them.

    Notes
    -----
    The squared standard error of a row's mean is ``sum(s_c**2 / n_c) / C**2``; the degrees of
    freedom are those of Welch and Satterthwaite over all terms of both rows. The spread between
    categories plays no part.
    """
    return _best_group(rows, alpha)


def _best_group(rows: Sequence[Sequence[Summary]], alpha: float) -> list[bool]:
    fit = [bool(row) and all(n >= 2 for _, _, n in row) for row in rows]
    if not any(fit):
        return [False] * len(rows)
    best = max((row for row, ok in zip(rows, fit, strict=True) if ok), key=_preference)
    return [ok and _p_value(best, row) >= alpha for row, ok in zip(rows, fit, strict=True)]


def _preference(row: Sequence[Summary]) -> tuple[float, int, float]:
    """The highest mean; of equal ones that of the most runs, then of the smallest spread."""
    mean = round(_mean(row), _EQUAL_DIGITS)
    return mean, sum(n for _, _, n in row), -math.fsum(std for _, std, _ in row)


def _mean(row: Sequence[Summary]) -> float:
    return math.fsum(mean for mean, _, _ in row) / len(row)


def _p_value(first: Sequence[Summary], second: Sequence[Summary]) -> float:
    from scipy.special import stdtr  # takes a while to import: only where it is needed

    difference = _mean(first) - _mean(second)
    terms = [(s * s / n / len(row) ** 2, n - 1) for row in (first, second) for _, s, n in row]
    variance = math.fsum(term for term, _ in terms)
    if variance < _NO_SPREAD**2:
        return 1.0 if abs(difference) < _NO_SPREAD else 0.0
    freedom = variance**2 / math.fsum(term**2 / df for term, df in terms)
    return float(2 * stdtr(freedom, -abs(difference) / math.sqrt(variance)))


def bootstrap_interval(
    good: ArrayLike,
    anomalous: ArrayLike,
    metric: Callable[[ThresholdCounts], float],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Percentile bootstrap interval of an image-level metric of a single run.

    Parameters
    ----------
    good, anomalous : array_like, shape (n,)
        Image scores; each label is resampled with replacement by itself. Neither may be empty.
    metric : callable
        Such as `image_level.auroc`.
    level : float
        Coverage wanted.

    Notes
    -----
    Drawn with PCG64, seed 0: the same scores give the same interval under one version of numpy.
    """
    generator = np.random.Generator(np.random.PCG64(0))
    negatives, positives = np.asarray(good, np.float64), np.asarray(anomalous, np.float64)
    values = [
        metric(
            threshold_counts(
                generator.choice(negatives, len(negatives)),
                generator.choice(positives, len(positives)),
            )
        )
        for _ in range(resamples)
    ]
    low, high = np.percentile(values, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
