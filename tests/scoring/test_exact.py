"""Sums over thresholds, against plain doubles and fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scoring import exact
from scoring.registry import FPR_LIMITS

tables = hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 50))


@given(
    hnp.arrays(np.int64, 5, elements=st.integers(0, 2**31)),
    hnp.arrays(np.int64, 5, elements=st.integers(0, 2**62)),
)
def test_the_dot_product_never_overflows(weights: np.ndarray, values: np.ndarray) -> None:
    wanted = sum(int(w) * int(v) for w, v in zip(weights, values, strict=True))
    assert exact.exact_dot(weights, values) == wanted


@given(st.data())
def test_areas_are_those_of_the_polyline(data: st.DataObject) -> None:
    fp = data.draw(tables)
    rise = data.draw(hnp.arrays(np.int64, len(fp), elements=st.integers(0, 50)))
    if fp.sum() == 0 or rise.sum() == 0:
        return
    x = np.concatenate([[0], np.cumsum(fp[::-1])]) / fp.sum()
    y = np.concatenate([[0], np.cumsum(rise[::-1])]) / rise.sum()
    limits = [Fraction(limit) for limit in FPR_LIMITS]
    areas = exact.area_under(fp, rise, int(rise.sum()), limits)
    for limit, area in zip(limits, areas, strict=True):
        cut = float(limit)
        inner = x < cut
        if not inner.all():
            at = int(np.argmin(inner))
            share = (cut - x[at - 1]) / (x[at] - x[at - 1])
            end = y[at - 1] + share * (y[at] - y[at - 1])
        else:
            end = y[-1]
        xs, ys = np.append(x[inner], cut), np.append(y[inner], end)
        assert area == pytest.approx(np.trapezoid(ys, xs) / cut, abs=1e-12)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    fp, rise = rng.integers(0, 9, 1000), rng.integers(0, 9, 1000)
    limits = [Fraction(limit) for limit in FPR_LIMITS]

    def everything() -> tuple:
        return (
            exact.area_under(fp, rise, int(rise.sum()), limits),
            exact.ranking_area(rise, fp),
            exact.average_precision(rise, fp),
            exact.f1_max(rise, fp),
            exact.curve(fp, rise, int(rise.sum())).tolist(),
        )

    whole = everything()
    monkeypatch.setattr(exact, "_CHUNK", 7)
    assert everything() == whole


def test_the_drawn_curve_is_short_and_close() -> None:
    rng = np.random.default_rng(0)
    fp, rise = rng.integers(0, 3, 300_000), rng.integers(0, 3, 300_000) ** 2
    full = int(rise.sum())
    drawn = exact.curve(fp, rise, full)
    assert len(drawn) <= 2000
    assert drawn[0].tolist() == [0, 0]
    assert drawn[-1].tolist() == [1, 1]
    x, y = np.cumsum(fp[::-1]) / fp.sum(), np.cumsum(rise[::-1]) / full
    assert np.abs(np.interp(x, drawn[:, 0], drawn[:, 1]) - y).max() < 1e-3
