"""Which metrics a board offers, and in which groups a reader chooses them."""

from __future__ import annotations

from leaderboard.datasets.models import DatasetVersion, Labels
from leaderboard.submissions import hidden
from scoring.registry import BY_FLAT_KEY, BY_KEY, HEADLINES, METRICS, Metric, MetricPoint

DEFAULT = HEADLINES[0]
MAIN = tuple(dict.fromkeys(BY_FLAT_KEY[key].metric.key for key in HEADLINES))
"""Metrics of the first row of choices; the others stand under "More"."""
CATEGORY_COLUMNS = (
    "image_auroc",
    "image_ap",
    "tpr_at_tnr@0.99",
    "tpr_at_tnr@0.95",
    "tpr_at_tnr@0.9",
    "au_spro@0.05",
)
"""What a category's board shows side by side: the numbers of the paper's tables."""
SHADES = 20


def visible_keys(version: DatasetVersion) -> frozenset[str]:
    """Flat keys that may be shown for a dataset version."""
    if version.labels != Labels.HIDDEN:
        return frozenset(BY_FLAT_KEY)
    return frozenset(key for key, point in BY_FLAT_KEY.items() if point.metric in hidden.METRICS)


def main_metrics() -> list[Metric]:
    return [BY_KEY[key] for key in MAIN]


def more_metrics(version: DatasetVersion) -> list[Metric]:
    """Metrics beyond the main ones that a board may show."""
    allowed = {BY_FLAT_KEY[key].metric.key for key in visible_keys(version)}
    return [metric for metric in METRICS if metric.key not in MAIN and metric.key in allowed]


def default_point(metric: Metric) -> str:
    """The flat key at which a metric opens: its headline point, else its first."""
    keys = [MetricPoint(metric, point).key for point in metric.points or (None,)]
    return next((key for key in keys if key in HEADLINES), keys[0])


def shade(metric: Metric, value: float) -> int:
    """Step 0..20 of the fixed colour scale for a value in 0..1."""
    share = (value - metric.shade_from) / (1 - metric.shade_from)
    return round(max(0.0, min(1.0, share)) * SHADES)
