"""Counting pixels: what AUsPRO and the pixel metrics are computed from.

One pass over the maps of a category gives tables of counts by threshold (`CountsTable`): pixels
outside every region, pixels inside some region, and how much each threshold adds to the saturated
overlap of all regions. The saturated per-region overlap (sPRO) is that of Bergmann et al., "Beyond
Dents and Scratches", IJCV 130, 2022, section 4.2; here every distinct map value is a threshold.

Maps of 8 and 16 bits (integers, and half floats by their rank) are counted by value. For other
floats the thresholds that matter, the values inside regions, are collected first; then every pixel
is counted into the cell between two of them, which loses nothing: between two such thresholds the
overlap is constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring import _kernels, exact
from scoring.cells import CellIndex
from scoring.ground_truth import CategoryTruth, Region, folder_of
from scoring.manifest import GOOD
from scoring.registry import FPR_LIMITS

_KEPT_BYTES = 24 * 2**20
_MOST_COUNTED = (1 << 32) - 1
"""Pixels that may be counted before 32-bit counters have to be emptied."""


@dataclass
class CountsTable:
    """Counts by threshold, ascending, of a set of images.

    Attributes
    ----------
    outside : ndarray of integers, shape (bins,)
        Pixels in no region of their image.
    inside : ndarray of integers, shape (bins,)
        Pixels in at least one region.
    rise : ndarray of int64, shape (bins,)
        What the threshold adds to the sum over regions of the saturated overlap, in units of
        1 / `scale`.
    n_regions : int
    scale : int
    """

    outside: NDArray[Any]
    inside: NDArray[Any]
    rise: NDArray[np.int64]
    n_regions: int
    scale: int

    def au_spro(self) -> dict[str, float]:
        """AUsPRO at the five limits. There must be a region and a pixel outside regions."""
        limits = [Fraction(limit) for limit in FPR_LIMITS]
        areas = exact.area_under(self.outside, self.rise, self.full, limits)
        return dict(zip(FPR_LIMITS, areas, strict=True))

    def curve(self) -> NDArray[np.float64]:
        """(FPR, sPRO) for plotting, shape (k, 2)."""
        return exact.curve(self.outside, self.rise, self.full)

    @property
    def full(self) -> int:
        return self.n_regions * self.scale

    @property
    def n_outside(self) -> int:
        return int(self.outside.sum(dtype=np.int64))

    @property
    def n_inside(self) -> int:
        return int(self.inside.sum(dtype=np.int64))


def rise_scale(n_regions: int) -> int:
    """The power of two that a region's full overlap counts as: all regions fit into 62 bits."""
    return 1 << min(52, 61 - n_regions.bit_length())


def union_of(regions: Iterable[Region]) -> NDArray[np.int32]:
    """Flat indices of the pixels of any of the regions, sorted."""
    pixels = [region.pixels for region in regions]
    if len(pixels) == 1:
        return pixels[0]
    return np.unique(np.concatenate(pixels)) if pixels else np.empty(0, np.int32)


class ValueCounter:
    """Counts maps of at most 16 bits by value. Memory: O(bins x folders)."""

    second_pass = False

    def __init__(self, truth: CategoryTruth, dtype: str) -> None:
        self._truth = truth
        self._half = dtype == "float16"
        bins = 256 if dtype == "uint8" else 1 << 16
        self._scale = rise_scale(truth.n_regions)
        self._counts = np.zeros((4, bins), np.uint32)
        self._counted = 0
        self._folder = GOOD
        folders = sorted({GOOD, *map(folder_of, truth.anomalous)})
        self._tables = {
            folder: _empty_table(bins, np.dtype(np.int64), self._scale) for folder in folders
        }

    def add(self, key: str, values: NDArray[Any]) -> None:
        """Count one image's map: flat, of the dtype given at the start."""
        values = _half_ranks(values) if self._half else values
        folder = folder_of(key)
        if folder != self._folder or self._counted + values.size > _MOST_COUNTED:
            self._flush()
        self._folder = folder
        self._counted += values.size
        _kernels.histogram(values, self._counts)
        table = self._tables[folder]
        regions = self._truth.regions.get(key, ())
        if regions:
            _kernels.count_inside(values, union_of(regions), table.inside, table.outside)
        scale = float(self._scale)
        for region in regions:
            pixels, saturation = region.pixels, region.saturation_area
            if values.dtype == np.uint8:
                _kernels.add_small_gains(values, pixels, saturation, scale, table.rise)
            else:
                _kernels.add_gains(np.sort(values[pixels]), saturation, scale, table.rise)
            table.n_regions += 1

    def _flush(self) -> None:
        """Add what was counted since the last folder to its table.

        Once a folder and not once a map: with 16 bits a table is as large as a map.
        """
        if self._counted:
            self._tables[self._folder].outside += self._counts.sum(axis=0, dtype=np.int64)
            self._counts[:] = 0
            self._counted = 0

    def folder_areas(self) -> dict[str, dict[str, float] | None]:
        """AUsPRO of each folder's images and all good ones; None where it is undefined."""
        self._flush()
        good = self._tables[GOOD]
        return {
            folder: _areas(_sum([good, table]))
            for folder, table in self._tables.items()
            if folder != GOOD
        }

    def all(self) -> CountsTable:
        """All images."""
        self._flush()
        return _sum(list(self._tables.values()))


def _empty_table(bins: int, dtype: np.dtype, scale: int) -> CountsTable:
    outside, inside = np.zeros(bins, dtype), np.zeros(bins, dtype)
    return CountsTable(outside, inside, np.zeros(bins, np.int64), 0, scale)


def _sum(tables: list[CountsTable]) -> CountsTable:
    return CountsTable(
        reduce(np.add, [t.outside for t in tables]),
        reduce(np.add, [t.inside for t in tables]),
        reduce(np.add, [t.rise for t in tables]),
        sum(t.n_regions for t in tables),
        tables[0].scale,
    )


def _half_ranks(values: NDArray[np.float16]) -> NDArray[np.uint16]:
    ranks = np.empty(values.size, np.uint16)
    _kernels.order_keys(values.view(np.uint16), ranks, np.uint64(1 << 15))
    return ranks


class CellCounter:
    """Counts float32 or float64 maps into the cells between the values found inside regions.

    Memory: O(pixels inside regions), whatever the number of images. The maps of anomalous images
    are needed twice: all of them through `collect`, then, after `freeze`, each map of the category
    through `add`, one folder after the other, good images first. The first maps collected are kept
    as far as a fixed room allows: `add_kept` counts them, and they need not be brought again.
    """

    second_pass = True

    def __init__(self, truth: CategoryTruth, dtype: str) -> None:
        self._truth = truth
        self._dtype = np.dtype(dtype)
        n_pixels = sum(width * height for width, height in truth.sizes.values())
        self._counts = np.dtype(np.uint32 if n_pixels < 1 << 32 else np.uint64)
        self._scale = rise_scale(truth.n_regions)
        self._collected: list[NDArray[Any]] = []
        self._kept: list[tuple[str, NDArray[Any]]] = []
        # Where ids are opaque maps come in another order, and nothing is to depend on labels.
        self._room = 0 if truth.hidden else _KEPT_BYTES
        self._folder = GOOD
        self._areas: dict[str, dict[str, float] | None] = {}

    def collect(self, key: str, values: NDArray[Any]) -> None:
        """Note the values inside the image's regions."""
        self._collected.append(values[union_of(self._truth.regions.get(key, ()))])
        if values.nbytes > self._room:
            self._room = 0  # what is kept is a beginning
        else:
            self._room -= values.nbytes
            self._kept.append((key, values.copy()))

    def freeze(self) -> None:
        """End collecting: all values inside regions are known."""
        found = np.concatenate([np.empty(0, self._dtype), *self._collected])
        self._collected = []
        self._cells = CellIndex(found)
        nothing = np.broadcast_to(np.int64(0), self._cells.n_cells)  # good images have no region
        self._good = self._empty()
        self._good.inside = self._good.rise = nothing
        self._total = self._good
        self._current = self._good

    def _empty(self) -> CountsTable:
        return _empty_table(self._cells.n_cells, self._counts, self._scale)

    def add_kept(self) -> frozenset[str]:
        """Count the maps kept; returns their keys. To be called after the good images."""
        kept, self._kept = self._kept[::-1], []
        keys = frozenset(key for key, _ in kept)
        while kept:
            self.add(*kept.pop())
        return keys

    def add(self, key: str, values: NDArray[Any]) -> None:
        """Count one image's map: flat, of the dtype given at the start. Good images come first."""
        folder = folder_of(key)
        if folder != self._folder:
            self._next_folder(folder)
        table = self._current
        self._cells.count(values, table.outside)
        regions = self._truth.regions.get(key, ())
        within = [self._cells.find(np.sort(values[region.pixels])) for region in regions]
        for region, cells in zip(regions, within, strict=True):
            _kernels.add_gains(cells, region.saturation_area, float(self._scale), table.rise)
            table.n_regions += 1
        if len(regions) > 1:
            within = [self._cells.find(np.sort(values[union_of(regions)]))]
        for cells in within:
            _kernels.count_each(cells, table.inside)

    def _next_folder(self, folder: str) -> None:
        current = self._current
        self._cells.finish(current.outside)
        if current is not self._good:
            current.outside -= current.inside  # all pixels were counted
            outside = self._good.outside + current.outside
            self._areas[self._folder] = _areas(replace(current, outside=outside))
            self._total = _sum([self._total, current])
        self._folder = folder
        self._current = self._empty()

    def folder_areas(self) -> dict[str, dict[str, float] | None]:
        """AUsPRO of each folder's images and all good ones; None where it is undefined."""
        self._next_folder(GOOD)
        return dict(self._areas)

    def all(self) -> CountsTable:
        """All images; after `folder_areas`."""
        return self._total


def _areas(table: CountsTable) -> dict[str, float] | None:
    return table.au_spro() if table.n_regions and table.n_outside else None
