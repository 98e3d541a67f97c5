"""What scoring knows of a category's ground truth, wherever it was read from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Region:
    """One ground-truth file.

    Attributes
    ----------
    pixels : ndarray of int32, sorted
        Flat indices (row x width + column) of the region's pixels; never empty.
    saturation_area : int
        Pixels that must be found for the region to count as wholly found, 1..len(pixels).
    """

    pixels: NDArray[np.int32]
    saturation_area: int


@dataclass(frozen=True)
class CategoryTruth:
    """Regions of a category's anomalous images.

    Attributes
    ----------
    sizes : dict of str to (int, int)
        (width, height) in pixels by image key ``<folder>/<image_id>``.
    regions : dict of str to tuple of Region
        By image key, sorted; images without a region are absent.
    anomalous : tuple of str
        Keys of all images outside `good`, sorted.
    good : tuple of str
    public_ids : dict of str to str
        Opaque id by image key where labels are hidden; empty where they are public.
    """

    name: str
    sizes: dict[str, tuple[int, int]]
    regions: dict[str, tuple[Region, ...]]
    anomalous: tuple[str, ...]
    good: tuple[str, ...]
    public_ids: dict[str, str] = field(default_factory=dict)

    @property
    def n_regions(self) -> int:
        return sum(len(regions) for regions in self.regions.values())

    @property
    def hidden(self) -> bool:
        """Whether the images stand under opaque ids."""
        return bool(self.public_ids)

    def public_id(self, key: str) -> str:
        """Under which key submitters know an image."""
        return self.public_ids.get(key, key)


def folder_of(key: str) -> str:
    """The defect folder of an image key."""
    return key.partition("/")[0]


def saturation_area(area: int, threshold: float, relative: bool) -> int:
    """Pixels of a region that suffice: min(threshold, area), or int(threshold x area); at least 1.

    The product is the double product, so 0.7 x 90 gives 62, as in the published evaluation.
    """
    wanted = int(threshold * area) if relative else min(int(threshold), area)
    return max(1, wanted)
