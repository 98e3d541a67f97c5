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
def first_not_below(keys: NDArray[Any], start: np.int64, key: np.uint64) -> Any:
    """The first index from `start` on whose key is at least `key`; the last key always is.

    Mostly that is `start` itself or the next. Where many thresholds crowd into one slot, steps
    double and the rest is halved, so that no values can make this slow.
    """
    if keys[start] >= key:
        return start
    last = np.int64(keys.size - 1)
    low, step = start, np.int64(1)
    while low + step < last and keys[low + step] < key:
        low += step
        step *= 2
    high = min(low + step, last)
    low += 1
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@_compiled
def find(
    key: np.uint64,
    keys: NDArray[Any],
    starts: NDArray[np.int32],
    bases: NDArray[np.int64],
    shifts: NDArray[np.uint64],
    width: np.uint64,
) -> Any:
    """The cell of `key`: 2 i + 1 if it is keys[i], 2 i if it lies just below it (see CellIndex)."""
    n = keys.size - 1
    if n == 0 or key < keys[0]:
        return 0
    if key > keys[n - 1]:
        return 2 * n
    above = key - keys[0]
    bucket = np.int64(above >> width)
    within = above - (np.uint64(bucket) << width)
    start = np.int64(starts[bases[bucket] + np.int64(within >> shifts[bucket])])
    i = first_not_below(keys, start, key)
    return 2 * i + np.int64(keys[i] == key)


@_compiled
def find_cells(
    wanted: NDArray[Any],
    cells: NDArray[np.int32],
    keys: NDArray[Any],
    starts: NDArray[np.int32],
    bases: NDArray[np.int64],
    shifts: NDArray[np.uint64],
    width: np.uint64,
) -> None:
    """`find` of each of the `wanted` keys."""
    for i in range(wanted.size):
        cells[i] = find(np.uint64(wanted[i]), keys, starts, bases, shifts, width)


@_compiled
def count_bucket(
    waiting: NDArray[Any],
    low: np.uint64,
    keys: NDArray[Any],
    starts: NDArray[np.int32],
    shift: np.uint64,
    counts: NDArray[np.uint32],
) -> None:
    """Count keys of one bucket, which begins at `low`; `starts` begins at the bucket's first."""
    for p in range(waiting.size):
        key = np.uint64(waiting[p])
        i = np.int64(starts[np.int64((key - low) >> shift)])
        if keys[i] < key:
            i += 1
            if keys[i] < key:
                i = first_not_below(keys, i, key)
        counts[2 * i + np.int64(keys[i] == key)] += np.uint32(1)


@_compiled
def scatter(
    bits: NDArray[Any],
    sign: np.uint64,
    waiting: NDArray[Any],
    fill: NDArray[np.int32],
    counts: NDArray[np.uint32],
    keys: NDArray[Any],
    starts: NDArray[np.int32],
    bases: NDArray[np.int64],
    shifts: NDArray[np.uint64],
    width: np.uint64,
) -> None:
    """Put each float (given as its bits) into its bucket; count a bucket whenever it is full.

    `waiting` has shape (buckets, room). Counting a bucketful at a time touches a small part of the
    tables over and over, where counting in the maps' own order would miss the caches.
    """
    n, room = keys.size - 1, waiting.shape[1]
    low, high = np.uint64(keys[0]), np.uint64(keys[n - 1])
    for p in range(bits.size):
        key = order_key(np.uint64(bits[p]), sign)
        if key < low:
            counts[0] += np.uint32(1)
        elif key > high:
            counts[2 * n] += np.uint32(1)
        else:
            bucket = np.int64((key - low) >> width)
            at = fill[bucket]
            waiting[bucket, at] = key
            at += 1
            if at == room:
                begin = low + (np.uint64(bucket) << width)
                local = starts[bases[bucket] :]
                count_bucket(waiting[bucket], begin, keys, local, shifts[bucket], counts)
                at = 0
            fill[bucket] = at


@_compiled
def count_waiting(
    waiting: NDArray[Any],
    fill: NDArray[np.int32],
    counts: NDArray[np.uint32],
    keys: NDArray[Any],
    starts: NDArray[np.int32],
    bases: NDArray[np.int64],
    shifts: NDArray[np.uint64],
    width: np.uint64,
) -> None:
    """Count what still waits in the buckets, and empty them."""
    low = np.uint64(keys[0])
    for bucket in range(fill.size):
        if fill[bucket]:
            begin = low + (np.uint64(bucket) << width)
            local = starts[bases[bucket] :]
            rest = waiting[bucket, : fill[bucket]]
            count_bucket(rest, begin, keys, local, shifts[bucket], counts)
            fill[bucket] = 0


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
