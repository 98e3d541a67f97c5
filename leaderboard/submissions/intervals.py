"""How sure a single run is: bootstrap intervals, made once by the worker that scores."""

from __future__ import annotations

from collections.abc import Mapping

from scoring import image_level
from scoring.ground_truth import folder_of
from scoring.manifest import GOOD
from scoring.significance import bootstrap_interval

METRICS = {
    "image_auroc": image_level.auroc,
    "image_ap": image_level.average_precision,
}


def image_intervals(scores: Mapping[str, float]) -> dict[str, list[float]]:
    """95 % intervals over the test images, ``{metric: [low, high]}``, fractions 0..1.

    ``scores`` are one category's image scores by image key. Empty without good
    or without anomalous images, as no metric is defined there.
    """
    good = [score for key, score in scores.items() if folder_of(key) == GOOD]
    anomalous = [score for key, score in scores.items() if folder_of(key) != GOOD]
    if not good or not anomalous:
        return {}
    return {key: list(bootstrap_interval(good, anomalous, of)) for key, of in METRICS.items()}
