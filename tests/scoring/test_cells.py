"""Counting floats into cells: the same counts as numpy's search, whatever the values."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.cells import CellIndex

RNG = np.random.default_rng(0)

VALUES = {
    "noise": RNG.normal(size=5_000),
    "clustered": np.concatenate([[0.0], 1 + np.arange(5_000) * 2.0**-52]),
    "huge range": np.concatenate([-np.logspace(-300, 30, 500), np.logspace(-320, 37, 500)]),
    "one value": np.zeros(10),
    "both zeros": np.array([0.0, -0.0, 1.0]),
}


def plain(thresholds: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Counts by binary search."""
    keys = np.unique(thresholds + 0.0)
    at = np.searchsorted(keys, values + 0.0)
    equal = (at < len(keys)) & (keys[np.minimum(at, len(keys) - 1)] == values)
    return np.bincount(2 * at + equal, minlength=2 * len(keys) + 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", VALUES)
def test_counts_are_those_of_a_binary_search(name: str, dtype: str) -> None:
    thresholds = VALUES[name].astype(dtype)
    near = np.concatenate([np.nextafter(thresholds, dtype_limit) for dtype_limit in (-1e30, 1e30)])
    values = np.concatenate([thresholds, near.astype(dtype), RNG.normal(size=999).astype(dtype)])
    cells = CellIndex(thresholds)
    counts = np.zeros(cells.n_cells, np.uint32)
    for part in np.array_split(values, 7):
        cells.count(np.ascontiguousarray(part), counts)
    cells.finish(counts)
    assert np.array_equal(counts, plain(thresholds, values))
    assert np.array_equal(np.bincount(cells.find(values), minlength=cells.n_cells), counts)


def test_crowded_thresholds_do_not_make_counting_slow() -> None:
    """A step-by-step search would look at some 10**10 thresholds here and run for minutes."""
    thresholds = np.concatenate([[0.0], 1 + np.arange(300_000) * 2.0**-52])
    values = 1 + RNG.integers(0, 300_000, 400_000) * 2.0**-52
    cells = CellIndex(thresholds)
    counts = np.zeros(cells.n_cells, np.uint32)
    cells.count(values, counts)
    cells.finish(counts)
    assert counts.sum() == len(values)
