"""Image-level metrics: one score an image, good images against all others.

All stand on one table of counts at every distinct threshold, made by `threshold_counts`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TNR_SLACK = 1e-9
"""Keeps (1 - 0.99) x 100 good images, a hair under 1 in doubles, from losing its one image."""


@dataclass(frozen=True)
class ThresholdCounts:
    """Counts when everything that scores at least a threshold is flagged.

    Attributes
    ----------
    thresholds : ndarray of float64, shape (k,)
        All distinct scores, highest first.
    tp, fp : ndarray of int64, shape (k,)
        Anomalous and good images that score at least the threshold.
    """

    thresholds: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]

    @property
    def n_anomalous(self) -> int:
        return int(self.tp[-1]) if len(self.tp) else 0

    @property
    def n_good(self) -> int:
        return int(self.fp[-1]) if len(self.fp) else 0


def threshold_counts(good: ArrayLike, anomalous: ArrayLike) -> ThresholdCounts:
    """Count both labels at every distinct score.

    Parameters
    ----------
    good, anomalous : array_like, shape (n,)
        Finite scores; higher means more anomalous. Either may be empty.
    """
    negatives = np.asarray(good, dtype=np.float64)
    positives = np.asarray(anomalous, dtype=np.float64)
    thresholds, where = np.unique(np.concatenate([positives, negatives]), return_inverse=True)
    n_positive = len(positives)
    tp = np.bincount(where[:n_positive], minlength=len(thresholds))
    fp = np.bincount(where[n_positive:], minlength=len(thresholds))
    return ThresholdCounts(thresholds[::-1], np.cumsum(tp[::-1]), np.cumsum(fp[::-1]))


def auroc(counts: ThresholdCounts) -> float:
    """Area under the ROC curve by trapezoids, in 0..1; 0.5 is chance.

    Ties between the labels count half (Mann-Whitney U / (n+ n-)). Both labels must be present.
    """
    tp, fp = counts.tp, counts.fp
    gained = np.diff(fp, prepend=0)
    twice = np.dot(gained, tp + np.concatenate([[0], tp[:-1]]))
    return int(twice) / (2 * counts.n_anomalous * counts.n_good)


def average_precision(counts: ThresholdCounts) -> float:
    """Sum over thresholds of (recall gained) x precision, in 0..1. At least one anomalous image."""
    gained = np.diff(counts.tp, prepend=0)
    precision = counts.tp / (counts.tp + counts.fp)
    return math.fsum(gained * precision) / counts.n_anomalous


def tpr_at_tnr(counts: ThresholdCounts, tnr: float) -> float:
    """The highest TPR over thresholds that flag at most floor((1 - tnr) n_good + 1e-9) good images.

    Both labels must be present. Flagging nothing is always allowed, so 0 is the least.
    """
    allowed = math.floor((1 - tnr) * counts.n_good + _TNR_SLACK)
    within = int(np.searchsorted(counts.fp, allowed, side="right"))
    return int(counts.tp[within - 1]) / counts.n_anomalous if within else 0.0


def f1_max(counts: ThresholdCounts) -> tuple[float, float]:
    """The highest F1 over all thresholds, and the (highest) threshold that gives it."""
    f1 = 2 * counts.tp / (counts.n_anomalous + counts.tp + counts.fp)
    best = int(np.argmax(f1))
    return float(f1[best]), float(counts.thresholds[best])


def roc_curve(counts: ThresholdCounts) -> NDArray[np.float64]:
    """(FPR, TPR) at every threshold from (0, 0) to (1, 1), shape (k + 1, 2)."""
    points = np.column_stack([counts.fp / counts.n_good, counts.tp / counts.n_anomalous])
    return np.vstack([[0.0, 0.0], points])


def precision_recall_curve(counts: ThresholdCounts) -> NDArray[np.float64]:
    """(recall, precision) at every threshold, lowest recall first, shape (k, 2)."""
    precision = counts.tp / (counts.tp + counts.fp)
    return np.column_stack([counts.tp / counts.n_anomalous, precision])
