"""The one list of metrics: key, name, direction and definition.

The scorer's report, the API, the pages, the exports and docs/metrics.md all
read this module, so a metric is described in exactly one place.

A metric that exists at several operating points (a TNR, an FPR limit) has one
entry here and one *flat key* for each point, such as ``au_spro@0.05``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TNRS = ("0.99", "0.95", "0.9")
"""True-negative rates at which TPR@TNR is reported, as they stand in the JSON."""

FPR_LIMITS = ("0.01", "0.05", "0.1", "0.3", "1.0")
"""Integration limits of AUsPRO, as they stand in the JSON."""


@dataclass(frozen=True)
class Metric:
    """One metric. Every value lies in 0..1 and higher is better."""

    key: str
    name: str
    short: str
    level: str
    """``image``, ``region`` or ``pixel``: what is counted."""
    definition: str
    points: tuple[str, ...] = ()
    """Operating points, or empty for a metric that is a single number."""
    shade_from: float = 0.0
    """Where the fixed colour scale of a board's cells starts (it ends at 1)."""


@dataclass(frozen=True)
class MetricPoint:
    """A metric at one operating point: what fills one column of a board."""

    metric: Metric
    point: str | None

    @property
    def key(self) -> str:
        return self.metric.key if self.point is None else f"{self.metric.key}@{self.point}"

    @property
    def name(self) -> str:
        if self.point is None:
            return self.metric.name
        percent = f"{float(self.point) * 100:g} %"
        return f"{self.metric.name} {percent}"

    @property
    def short(self) -> str:
        if self.point is None:
            return self.metric.short
        percent = f"{float(self.point) * 100:g} %"
        return f"{self.metric.short} {percent}"

    def value(self, category_report: Mapping[str, Any]) -> float | None:
        """Take this metric out of one category's entry of the report."""
        value = category_report[self.metric.key]
        return value if self.point is None else value[self.point]


METRICS: tuple[Metric, ...] = (
    Metric(
        "image_auroc",
        "Image AUROC",
        "AUROC",
        "image",
        "Area under the ROC curve of the image scores, good images against all others: the chance "
        "that an anomalous image scores higher than a good one, ties counted half.",
        shade_from=0.5,
    ),
    Metric(
        "image_ap",
        "Image AP",
        "AP",
        "image",
        "Average precision of the image scores: precision at each distinct threshold, weighted by "
        "the recall gained there. No interpolation.",
    ),
    Metric(
        "tpr_at_tnr",
        "TPR at TNR",
        "TPR at TNR",
        "image",
        "Share of the anomalous images found when the threshold may flag at most (1 - TNR) of the "
        "good images, rounded down to whole images.",
        points=TNRS,
    ),
    Metric(
        "image_f1_max",
        "Image F1-max",
        "F1-max",
        "image",
        "The highest F1 of the image scores over all thresholds.",
    ),
    Metric(
        "au_spro",
        "AUsPRO",
        "AUsPRO",
        "region",
        "Area under the saturated per-region overlap against the pixel false-positive rate, up to "
        "the limit, divided by the limit. Every distinct map value is a threshold.",
        points=FPR_LIMITS,
    ),
    Metric(
        "pixel_auroc",
        "Pixel AUROC",
        "Pixel AUROC",
        "pixel",
        "Area under the ROC curve over all pixels of all test images; positive are the pixels of "
        "any region.",
        shade_from=0.5,
    ),
    Metric(
        "pixel_ap",
        "Pixel AP",
        "Pixel AP",
        "pixel",
        "Average precision over all pixels of all test images.",
    ),
    Metric(
        "pixel_f1_max",
        "Pixel F1-max",
        "Pixel F1-max",
        "pixel",
        "The highest F1 over all pixels and thresholds.",
    ),
)

BY_KEY: dict[str, Metric] = {metric.key: metric for metric in METRICS}

HEADLINES = ("image_auroc", "image_ap", "tpr_at_tnr@0.95", "au_spro@0.05")
"""Flat keys that a board offers first: the paper's Tables 6, 7, 8 and 9."""


def points() -> Iterator[MetricPoint]:
    """All metrics at all their operating points, in the registry's order."""
    for metric in METRICS:
        for point in metric.points or (None,):
            yield MetricPoint(metric, point)


BY_FLAT_KEY: dict[str, MetricPoint] = {point.key: point for point in points()}


def flatten(category_report: Mapping[str, Any]) -> dict[str, float | None]:
    """One category's nested report as ``{flat key: value in 0..1 or None}``."""
    return {key: point.value(category_report) for key, point in BY_FLAT_KEY.items()}
