"""The loops over pixels, compiled. Compiled code is cached on disk beside this file."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def histogram(values: NDArray[Any], counts: NDArray[np.uint32]) -> None:
    """Add the values (unsigned integers) to `counts`, shape (4, bins).

    Four interleaved histograms: neighbouring pixels are often equal, and counting them into one
    would wait for the same memory cell each time.
    """
    whole = values.size // 4 * 4
    for i in range(0, whole, 4):
        counts[0, values[i]] += np.uint32(1)
        counts[1, values[i + 1]] += np.uint32(1)
        counts[2, values[i + 2]] += np.uint32(1)
        counts[3, values[i + 3]] += np.uint32(1)
    for i in range(whole, values.size):
        counts[0, values[i]] += np.uint32(1)


@_compiled
def count_inside(
    values: NDArray[Any],
    pixels: NDArray[np.int32],
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
) -> None:
    """Move these pixels' values from the counts `outside`, which may be owed yet, to `inside`."""
    for pixel in pixels:
        inside[values[pixel]] += 1
        outside[values[pixel]] -= 1


@_compiled
def order_key(bits: np.uint64, sign: np.uint64) -> Any:
    """IEEE 754 bits to an unsigned integer in the order of the numbers; -0 and +0 are one."""
    if bits < sign:
        return bits + sign
    return sign - (bits - sign)


@_compiled
def order_keys(bits: NDArray[Any], keys: NDArray[Any], sign: np.uint64) -> None:
    """`order_key` of each element."""
    for i in range(bits.size):
        keys[i] = order_key(np.uint64(bits[i]), sign)


@_compiled
def count_sorted(
    values: NDArray[Any], thresholds: NDArray[Any], counts: NDArray[np.uint32]
) -> None:
    """Count ascending values into the cells around ascending thresholds (see CellIndex)."""
    at, end = np.int64(0), np.int64(values.size)
    for i in range(thresholds.size):
        start = at
        while at < end and values[at] < thresholds[i]:
            at += 1
        counts[2 * i] += np.uint32(at - start)
        start = at
        while at < end and values[at] == thresholds[i]:
            at += 1
        counts[2 * i + 1] += np.uint32(at - start)
    counts[2 * thresholds.size] += np.uint32(end - at)


@_compiled
def count_each(cells: NDArray[np.int64], counts: NDArray[np.uint32]) -> None:
    """Add one for each of the cells."""
    for cell in cells:
        counts[cell] += np.uint32(1)


@_compiled
def add_small_gains(
    values: NDArray[Any],
    pixels: NDArray[np.int32],
    saturation: int,
    scale: float,
    gain: NDArray[np.int64],
) -> None:
    """`add_gains` of a map of bytes: few values, so that counting them spares the sorting."""
    counts = np.zeros(256, np.int64)
    for pixel in pixels:
        counts[values[pixel]] += 1
    reached, before = np.int64(0), np.int64(0)
    for value in range(255, -1, -1):
        if counts[value] and reached < saturation:
            reached = min(reached + counts[value], np.int64(saturation))
            now = np.int64(np.rint(reached / saturation * scale))
            gain[value] += now - before
            before = now


@_compiled
def add_gains(values: NDArray[Any], saturation: int, scale: float, gain: NDArray[np.int64]) -> None:
    """Add a region's rise in saturated overlap to `gain`, by value.

    `values` (integers, ascending) are the map's values in the region. The c-th highest of them
    takes the overlap from (c - 1) / saturation to c / saturation, until it is 1.
    """
    before = np.int64(0)
    for c in range(1, saturation + 1):
        now = np.int64(np.rint(c / saturation * scale))
        gain[values[values.size - c]] += now - before
        before = now
