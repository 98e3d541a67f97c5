"""Image-level metrics against scikit-learn, and their invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from scoring import image_level
from scoring.image_level import threshold_counts

scores = st.lists(st.integers(0, 8).map(float), min_size=1, max_size=30)


@given(scores, scores)
def test_auroc_and_ap_are_scikit_learns(good: list[float], anomalous: list[float]) -> None:
    counts = threshold_counts(good, anomalous)
    labels = [0] * len(good) + [1] * len(anomalous)
    values = [*good, *anomalous]
    assert image_level.auroc(counts) == pytest.approx(roc_auc_score(labels, values), abs=1e-12)
    wanted = average_precision_score(labels, values)
    assert image_level.average_precision(counts) == pytest.approx(wanted, abs=1e-12)


@given(scores, scores)
def test_f1_max_is_the_best_point_of_the_precision_recall_curve(
    good: list[float], anomalous: list[float]
) -> None:
    found, threshold = image_level.f1_max(threshold_counts(good, anomalous))
    labels = [0] * len(good) + [1] * len(anomalous)
    precision, recall, _ = precision_recall_curve(labels, [*good, *anomalous])
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    assert found == pytest.approx(f1.max())
    tp = sum(value >= threshold for value in anomalous)
    fp = sum(value >= threshold for value in good)
    assert 2 * tp / (tp + fp + len(anomalous)) == pytest.approx(found)


@given(scores, scores, st.sampled_from([0.99, 0.95, 0.9, 0.5, 0.0]))
def test_tpr_at_tnr_is_the_best_allowed_threshold(
    good: list[float], anomalous: list[float], tnr: float
) -> None:
    allowed = math.floor((1 - tnr) * len(good) + 1e-9)
    wanted = max(
        (
            sum(value >= threshold for value in anomalous) / len(anomalous)
            for threshold in {*good, *anomalous}
            if sum(value >= threshold for value in good) <= allowed
        ),
        default=0.0,
    )
    assert image_level.tpr_at_tnr(threshold_counts(good, anomalous), tnr) == pytest.approx(wanted)


def test_one_of_a_hundred_good_images_may_be_flagged_at_99_percent() -> None:
    good, anomalous = [*range(100)], [98.5]
    assert image_level.tpr_at_tnr(threshold_counts(good, anomalous), 0.99) == 1.0


@given(scores, scores)
def test_order_transform_and_duplication_change_nothing(
    good: list[float], anomalous: list[float]
) -> None:
    wanted = threshold_counts(good, anomalous)
    for transformed in (
        threshold_counts(good[::-1], anomalous[::-1]),
        threshold_counts(np.exp(good), np.exp(anomalous)),
        threshold_counts(good * 2, anomalous * 2),
    ):
        assert image_level.auroc(transformed) == pytest.approx(image_level.auroc(wanted))
        found = image_level.average_precision(transformed)
        assert found == pytest.approx(image_level.average_precision(wanted))
        assert image_level.f1_max(transformed)[0] == pytest.approx(image_level.f1_max(wanted)[0])


@given(scores, scores)
def test_the_area_under_the_drawn_roc_curve_is_the_auroc(
    good: list[float], anomalous: list[float]
) -> None:
    counts = threshold_counts(good, anomalous)
    curve = image_level.roc_curve(counts)
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(image_level.auroc(counts))
