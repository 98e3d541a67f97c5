"""Where floats fall among sorted thresholds, counted a batch at a time.

Searching each pixel's cell among millions of thresholds waits for memory. A batch of pixels is
sorted instead, which numpy does with vector instructions, and both sorted lists are then walked
once, side by side (docs/decisions/0005-counting-floats-by-sorting.md has the measurements).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring import _kernels

_BATCH_BYTES = 32 * 2**20
"""The larger a batch, the rarer the walk over all thresholds; sorting hardly gets slower."""


class CellIndex:
    """The cells between sorted thresholds, and counting into them.

    Cell 2 i + 1 is threshold i itself, cell 2 i lies just below it, the last one above all: there
    are 2 n + 1 cells for n thresholds.

    Parameters
    ----------
    values : ndarray of float32 or float64
        The thresholds, in any order, repeated or not. -0 and +0 are one.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._thresholds = np.unique(values)
        self.n_cells = 2 * len(self._thresholds) + 1
        self._batch = np.empty(_BATCH_BYTES // values.dtype.itemsize, values.dtype)
        self._waiting = 0

    def find(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The cell of each value; fastest where values are sorted."""
        at = np.searchsorted(self._thresholds, values)
        cells = 2 * at
        known = at < len(self._thresholds)
        cells[known] += self._thresholds[at[known]] == values[known]
        return cells

    def count(self, values: NDArray[Any], counts: NDArray[Any]) -> None:
        """Add the values to `counts`, shape (n_cells,), now or at the next `finish`."""
        while values.size:
            part = values[: self._batch.size - self._waiting]
            self._batch[self._waiting : self._waiting + part.size] = part
            self._waiting += part.size
            values = values[part.size :]
            if self._waiting == self._batch.size:
                self.finish(counts)

    def finish(self, counts: NDArray[Any]) -> None:
        """Add what still waits to `counts`, which all values since the last call belong to."""
        batch = self._batch[: self._waiting]
        batch.sort()
        _kernels.count_sorted(batch, self._thresholds, counts)
        self._waiting = 0
