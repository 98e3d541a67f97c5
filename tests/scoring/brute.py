"""The slow, obvious twin of the scorer: every threshold, every pixel, no tricks."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from support import Case

LIMITS = ("0.01", "0.05", "0.1", "0.3", "1.0")


def category(case: Case) -> dict[str, Any]:
    """The numbers of one category's entry of the report, by definition."""
    good = [key for key in case.regions if key.startswith("good/")]
    anomalous = [key for key in case.regions if not key.startswith("good/")]
    folders = sorted({key.split("/")[0] for key in anomalous})
    scores = {key: case.maps[key].max() for key in case.maps}
    negative, positive = [scores[k] for k in good], [scores[k] for k in anomalous]
    return {
        "image_auroc": auroc(negative, positive),
        "image_ap": average_precision(negative, positive),
        "image_f1_max": f1_max(negative, positive),
        "tpr_at_tnr": {
            "0.99": tpr(negative, positive, Fraction(1, 100)),
            "0.95": tpr(negative, positive, Fraction(5, 100)),
            "0.9": tpr(negative, positive, Fraction(10, 100)),
        },
        "au_spro": au_spro(case, good + anomalous),
        "au_spro_per_defect_folder": {
            folder: au_spro(case, good + [k for k in anomalous if k.startswith(f"{folder}/")])
            for folder in folders
        },
        "image_auroc_per_defect_folder": {
            folder: auroc(negative, [scores[k] for k in anomalous if k.startswith(f"{folder}/")])
            for folder in folders
        },
        **pixel_level(case),
    }


def auroc(negative: list, positive: list) -> float | None:
    if not negative or not positive:
        return None
    wins = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def average_precision(negative: list, positive: list) -> float | None:
    if not positive:
        return None
    total, before = 0.0, 0
    for threshold in sorted({*negative, *positive}, reverse=True):
        tp = sum(p >= threshold for p in positive)
        fp = sum(n >= threshold for n in negative)
        total += (tp - before) / len(positive) * tp / (tp + fp)
        before = tp
    return total


def f1_max(negative: list, positive: list) -> float | None:
    if not positive:
        return None
    best = 0.0
    for threshold in {*negative, *positive}:
        tp = sum(p >= threshold for p in positive)
        fp = sum(n >= threshold for n in negative)
        best = max(best, 2 * tp / (2 * tp + fp + len(positive) - tp))
    return best


def tpr(negative: list, positive: list, share: Fraction) -> float | None:
    if not negative or not positive:
        return None
    best = 0.0
    for threshold in {*negative, *positive}:
        if sum(n >= threshold for n in negative) <= share * len(negative):
            best = max(best, sum(p >= threshold for p in positive) / len(positive))
    return best


def saturation(case: Case, value: int, area: int) -> int:
    threshold, relative = case.config[value]
    return max(1, int(threshold * area) if relative else min(int(threshold), area))


def au_spro(case: Case, keys: Iterable[str]) -> dict[str, float | None]:
    keys = list(keys)
    outside = {
        k: ~np.any([np.zeros(case.maps[k].shape, bool), *case.regions[k]], axis=0) for k in keys
    }
    n_outside = sum(int(mask.sum()) for mask in outside.values())
    n_regions = sum(len(case.regions[k]) for k in keys)
    if not n_regions or not n_outside:
        return dict.fromkeys(LIMITS)
    points = [(0.0, 0.0)]
    for threshold in np.unique(np.concatenate([case.maps[k].ravel() for k in keys]))[::-1]:
        fp, overlap = 0, 0.0
        for key in keys:
            flagged = case.maps[key] >= threshold
            fp += int((flagged & outside[key]).sum())
            for mask, value in zip(case.regions[key], case.values[key], strict=True):
                wanted = saturation(case, value, int(mask.sum()))
                overlap += min(1.0, int((flagged & mask).sum()) / wanted)
        points.append((fp / n_outside, overlap / n_regions))
    return {limit: area(points, float(limit)) for limit in LIMITS}


def area(points: list[tuple[float, float]], limit: float) -> float:
    total = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        if x1 > limit:
            if x0 < limit:
                y1 = y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
                total += (limit - x0) * (y0 + y1) / 2
            break
        total += (x1 - x0) * (y0 + y1) / 2
    return total / limit


def pixel_level(case: Case) -> dict[str, float | None]:
    negative: list[float] = []
    positive: list[float] = []
    for key, array in case.maps.items():
        inside = np.any([np.zeros(array.shape, bool), *case.regions[key]], axis=0)
        positive += array[inside].tolist()
        negative += array[~inside].tolist()
    pos, neg = np.sort(np.array(positive)), np.sort(np.array(negative))
    if not len(pos):
        return dict.fromkeys(("pixel_auroc", "pixel_ap", "pixel_f1_max"))
    thresholds = np.unique(np.concatenate([pos, neg]))[::-1]
    tp = len(pos) - np.searchsorted(pos, thresholds)
    fp = len(neg) - np.searchsorted(neg, thresholds)
    ap = float((np.diff(tp, prepend=0) / len(pos) * tp / (tp + fp)).sum())
    f1 = float((2 * tp / (tp + fp + len(pos))).max())
    roc = None
    if len(neg):
        below = np.searchsorted(neg, pos)
        ties = np.searchsorted(neg, pos, side="right") - below
        roc = float((below + ties / 2).sum() / (len(pos) * len(neg)))
    return {"pixel_auroc": roc, "pixel_ap": ap, "pixel_f1_max": f1}
