"""Areas and sums over millions of thresholds, exactly: integers inside, one rounding at the end.

A *counts table* has one bin for each distinct threshold, in ascending order. Sums over it are
made in whole numbers, so they do not depend on the order of images, on the number of processes,
or on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 18
_ARC_BUCKETS = 990
_RATIO_BITS = 53

Counts = NDArray[Any]
"""Integers, one a bin, ascending in the threshold."""


def exact_dot(weights: NDArray[np.int64], values: NDArray[np.int64]) -> int:
    """Sum of weights x values as a Python integer; both non-negative, values below 2**63."""
    bits = 63 - int(weights.sum()).bit_length()
    if not len(values) or bits == 63:
        return 0
    mask, total = (1 << bits) - 1, 0
    for shift in range(0, int(values.max()).bit_length(), bits):
        total += int(np.dot(weights, (values >> shift) & mask)) << shift
    return total


def _from_above(*tables: Counts) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """The tables in chunks, highest threshold first."""
    for end in range(len(tables[0]), 0, -_CHUNK):
        start = max(0, end - _CHUNK)
        yield tuple(table[start:end][::-1].astype(np.int64) for table in tables)


def area_under(fp: Counts, rise: Counts, full: int, limits: Sequence[Fraction]) -> list[float]:
    """Area under the curve that starts at (0, 0) and takes one step for each threshold.

    Parameters
    ----------
    fp : counts
        False positives that each threshold adds.
    rise : counts
        What each threshold adds to the curve's height, in units of 1 / `full`.
    full : int
        The height that stands for 1.
    limits : sequence of Fraction
        Where to cut, as a share of all false positives, each in (0, 1].

    Returns
    -------
    list of float
        For each limit the area by trapezoids from 0 to the limit, linear at the cut, divided by
        the limit: in 0..1, correctly rounded.
    """
    total = int(fp.sum(dtype=np.int64))
    cuts = [limit * total for limit in limits]
    areas: dict[int, Fraction] = {}
    x0 = y0 = twice = 0
    for dx, dy in _from_above(fp, rise):
        x, y = x0 + np.cumsum(dx), y0 + np.cumsum(dy)
        heights = 2 * y - dy
        for i, cut in enumerate(cuts):
            if i not in areas and int(x[-1]) >= cut:
                areas[i] = Fraction(twice + _until(cut, x, y, dx, heights), 2)
        twice += exact_dot(dx, heights)
        x0, y0 = int(x[-1]), int(y[-1])
    return [float(areas[i] / (cut * full)) for i, cut in enumerate(cuts)]


def _until(
    cut: Fraction,
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    dx: NDArray[np.int64],
    heights: NDArray[np.int64],
) -> Fraction:
    """Twice the area of this chunk up to `cut`, which lies in it."""
    at = int(np.searchsorted(x, -(-cut.numerator // cut.denominator), side="left"))
    twice = Fraction(exact_dot(dx[:at], heights[:at]))
    width = int(dx[at])
    if width:
        part = cut - (int(x[at]) - width)
        right = int(y[at])
        left = int(heights[at]) - right
        twice += part * (2 * left + (right - left) * part / width)
    return twice


def ranking_area(positive: Counts, negative: Counts) -> float:
    """Area under the ROC curve, ties counted half. Neither may be all zero."""
    n_positive = int(positive.sum(dtype=np.int64))
    n_negative = int(negative.sum(dtype=np.int64))
    above = twice = 0
    for pos, neg in _from_above(positive, negative):
        reached = above + np.cumsum(neg)
        twice += exact_dot(pos, 2 * (n_negative - reached) + neg)
        above = int(reached[-1])
    return float(Fraction(twice, 2 * n_positive * n_negative))


def average_precision(positive: Counts, negative: Counts) -> float:
    """Sum over thresholds of (recall gained) x precision. There must be positives."""
    tp0 = fp0 = total = 0
    for pos, neg in _from_above(positive, negative):
        tp, fp = tp0 + np.cumsum(pos), fp0 + np.cumsum(neg)
        precision = np.divide(tp, tp + fp, out=np.zeros(len(tp)), where=tp > 0)
        total += exact_dot(pos, np.rint(np.ldexp(precision, _RATIO_BITS)).astype(np.int64))
        tp0, fp0 = int(tp[-1]), int(fp[-1])
    return float(Fraction(total, tp0 << _RATIO_BITS))


def f1_max(positive: Counts, negative: Counts) -> float:
    """The highest F1 over all thresholds. There must be positives."""
    n_positive = int(positive.sum(dtype=np.int64))
    tp0 = fp0 = 0
    best = 0.0
    for pos, neg in _from_above(positive, negative):
        tp, fp = tp0 + np.cumsum(pos), fp0 + np.cumsum(neg)
        best = max(best, float((2 * tp / (n_positive + tp + fp)).max()))
        tp0, fp0 = int(tp[-1]), int(fp[-1])
    return best


def curve(fp: Counts, rise: Counts, full: int) -> NDArray[np.float64]:
    """The curve of `area_under` for plotting, shape (k, 2), k <= 2,000.

    From (0, 0) to (1, 1); the drawn polyline is nowhere more than 1e-3 from the exact one: of
    every stretch of 2 / 990 along the (rising) curve its first and last points are kept.
    """
    total = int(fp.sum(dtype=np.int64))
    kept = [np.zeros((1, 2))]
    x0 = y0 = 0
    for dx, dy in _from_above(fp, rise):
        x, y = x0 + np.cumsum(dx), y0 + np.cumsum(dy)
        kept.append(_thin(np.column_stack([x / total, y / full])))
        x0, y0 = int(x[-1]), int(y[-1])
    return _thin(np.vstack(kept))


def _thin(points: NDArray[np.float64]) -> NDArray[np.float64]:
    bucket = np.floor(points.sum(axis=1) / 2 * _ARC_BUCKETS).astype(np.int64)
    changes = bucket[1:] != bucket[:-1]
    ends = np.concatenate([[True], changes]) | np.concatenate([changes, [True]])
    return points[ends]
