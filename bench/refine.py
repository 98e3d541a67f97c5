"""A straightforward evaluator after the published procedure: the stand-in for what people run.

Written for this benchmark from the description (Bergmann et al., IJCV 130, 2022, and the paper on
AutoVI): 50 start thresholds at equal heights of the maps' range of values; then, wherever two
neighbouring points of the FPR-sPRO curve are more than 0.001 apart, a threshold half-way, until
none are or no value lies between. All maps and regions are held as arrays; each threshold looks at
every pixel. Maps stay in the type they were stored in, which is in its favour; that it goes on
without a bound on rounds, where the authors' script stops after ten, is not.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.loading import RegionMask, read_maps

START_THRESHOLDS = 50
MAX_DISTANCE = 1e-3
LIMITS = ("0.01", "0.05", "0.1", "0.3", "1.0")

Point = tuple[float, float]


@dataclass(frozen=True)
class Outcome:
    """AUsPRO by limit, and how many thresholds that took."""

    au_spro: dict[str, float]
    thresholds: int


@dataclass(frozen=True)
class _Picture:
    values: NDArray[Any]
    regions: list[RegionMask]
    outside: NDArray[np.bool_] | None


def evaluate(archive: Path, regions: dict[str, list[RegionMask]]) -> Outcome:
    """Read and decode the archive's maps, and evaluate them."""
    pictures = [_picture(values, regions.get(key, [])) for key, values in read_maps(archive)]
    curve = _refined_curve(pictures)
    fpr, spro = np.array(sorted([(0.0, 0.0), *curve, (1.0, 1.0)])).T
    return Outcome({limit: _area(fpr, spro, float(limit)) for limit in LIMITS}, len(curve))


def _picture(values: NDArray[Any], regions: list[RegionMask]) -> _Picture:
    inside = np.zeros(values.shape, bool)
    for region in regions:
        inside |= region.mask
    return _Picture(values, regions, ~inside if regions else None)


def _refined_curve(pictures: list[_Picture]) -> list[Point]:
    n_outside = sum(
        p.values.size if p.outside is None else int(np.count_nonzero(p.outside)) for p in pictures
    )
    heights = np.linspace(
        min(float(p.values.min()) for p in pictures),
        max(float(p.values.max()) for p in pictures),
        START_THRESHOLDS,
    )
    kind = pictures[0].values.dtype.type
    points = {height: _point(pictures, height, n_outside) for height in map(kind, heights)}
    waiting = True
    while waiting:
        ordered = sorted(points)
        waiting = False
        for low, high in itertools.pairwise(ordered):
            middle = kind((float(low) + float(high)) / 2)
            if math.dist(points[low], points[high]) > MAX_DISTANCE and low < middle < high:
                points[middle] = _point(pictures, middle, n_outside)
                waiting = True
    return list(points.values())


def _point(pictures: list[_Picture], threshold: Any, n_outside: int) -> Point:
    """(FPR, sPRO) when everything at or above the threshold is flagged."""
    false_positives, overlaps = 0, []
    for picture in pictures:
        flagged = picture.values >= threshold
        if picture.outside is None:
            false_positives += int(np.count_nonzero(flagged))
            continue
        false_positives += int(np.count_nonzero(flagged & picture.outside))
        for region in picture.regions:
            found = int(np.count_nonzero(flagged & region.mask))
            overlaps.append(min(1.0, found / region.saturation_area))
    return false_positives / n_outside, sum(overlaps) / len(overlaps)


def _area(fpr: NDArray[np.float64], spro: NDArray[np.float64], limit: float) -> float:
    """Area by trapezoids up to the limit, linear at the cut, divided by the limit."""
    below = fpr < limit
    x = np.append(fpr[below], limit)
    y = np.append(spro[below], np.interp(limit, fpr, spro))
    return float(np.trapezoid(y, x)) / limit
