"""Where a float falls among millions of sorted thresholds, fast.

Binary search would wait for memory some twenty times a pixel. Here the range of the thresholds is
cut into equal buckets, each bucket into as many equal slots as it has thresholds, and a table says
with which threshold each slot begins: one look-up and a step or two remain. Pixels are gathered by
bucket before they are counted, so that the tables in use stay in the processor's cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring import _kernels

_BUCKET_BITS = 14
_ROOM_BYTES = 1024


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
        self._bits = np.dtype(f"u{values.dtype.itemsize}")
        self._sign = np.uint64(1 << (8 * self._bits.itemsize - 1))
        keys = self._order_keys(values)
        keys.sort()
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
        self.n_cells = 2 * len(keys) + 1
        self._index = _index(keys)
        buckets = len(self._index[2])
        room = _ROOM_BYTES // self._bits.itemsize
        self._waiting = np.empty((buckets, room), self._bits)
        self._fill = np.zeros(buckets, np.int32)

    def _order_keys(self, values: NDArray[Any]) -> NDArray[Any]:
        keys = np.empty(values.size, self._bits)
        _kernels.order_keys(values.view(self._bits), keys, self._sign)
        return keys

    def find(self, values: NDArray[Any]) -> NDArray[np.int32]:
        """The cell of each value."""
        cells = np.empty(values.size, np.int32)
        _kernels.find_cells(self._order_keys(values), cells, *self._index)
        return cells

    def count(self, values: NDArray[Any], counts: NDArray[np.uint32]) -> None:
        """Add the values to `counts`, shape (n_cells,), now or at the next `finish`."""
        if self.n_cells == 1:
            counts[0] += np.uint32(values.size)
            return
        bits = values.view(self._bits)
        _kernels.scatter(bits, self._sign, self._waiting, self._fill, counts, *self._index)

    def finish(self, counts: NDArray[np.uint32]) -> None:
        """Add what still waits to `counts`, which all values since the last call belong to."""
        if self.n_cells > 1:
            _kernels.count_waiting(self._waiting, self._fill, counts, *self._index)


Index = tuple[NDArray[Any], NDArray[np.int32], NDArray[np.int64], NDArray[np.uint64], np.uint64]
"""Keys and a last one above all; first key of each slot; first slot and slot width (as a shift) of
each bucket; width of a bucket (as a shift)."""


def _index(keys: NDArray[Any]) -> Index:
    ends = np.array([np.iinfo(keys.dtype).max], keys.dtype)
    if not len(keys):
        one = np.zeros(1, np.int64)
        return ends, one.astype(np.int32), one, one.astype(np.uint64), np.uint64(0)
    above = (keys - keys[0]).astype(np.uint64)
    width = max(0, int(above[-1]).bit_length() - _BUCKET_BITS)
    bucket = (above >> np.uint64(width)).astype(np.int64)
    held = np.bincount(bucket)
    slot_bits = np.minimum(width, np.ceil(np.log2(np.maximum(held, 1))).astype(np.int64))
    shifts = (width - slot_bits).astype(np.uint64)
    bases = np.concatenate([[0], np.cumsum(1 << slot_bits)])
    within = above - (bucket.astype(np.uint64) << np.uint64(width))
    slot = bases[bucket] + (within >> shifts[bucket]).astype(np.int64)
    before = np.cumsum(np.bincount(slot, minlength=bases[-1]))
    starts = np.concatenate([[0], before[:-1]]).astype(np.int32)
    return np.concatenate([keys, ends]), starts, bases[:-1], shifts, np.uint64(width)
