"""A category's regions, read once into a compact form and cached beside the dataset.

Only scoring opens this: checking an upload never does.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.errors import DatasetError
from scoring.manifest import GOOD, CategoryManifest, files_below

CACHE_FOLDER = ".autovi-cache"
_CACHE_FORMAT = "regions-1"


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
    regions : dict of str to tuple of Region
        By image key ``<folder>/<image_id>``, sorted; images without a region are absent.
    anomalous : tuple of str
        Keys of all images outside `good`, sorted.
    good : tuple of str
    """

    name: str
    sizes: dict[str, tuple[int, int]]
    regions: dict[str, tuple[Region, ...]]
    anomalous: tuple[str, ...]
    good: tuple[str, ...]

    @property
    def n_regions(self) -> int:
        return sum(len(regions) for regions in self.regions.values())


def folder_of(key: str) -> str:
    """The defect folder of an image key."""
    return key.partition("/")[0]


def read_truth(category: CategoryManifest, *, cache: bool = True) -> CategoryTruth:
    """Read, or take from the cache, a category's regions.

    The cache lies in the dataset's folder under a name made from the hash of all ground-truth
    bytes, so a changed file is never missed. A folder that cannot be written is not an error.

    Raises `DatasetError`, naming the file, if the ground truth is not as docs/submitting.md says.
    """
    if category.flat:
        raise DatasetError(
            f"{category.root}: test images have opaque ids; their ground truth is not here"
        )
    files = _region_files(category)
    path = _cache_path(category, files)
    arrays = _load(path) if cache else None
    if arrays is None:
        arrays = _pack(_read_regions(category, files))
        if cache:
            _save(path, arrays)
    keys = sorted(category.images)
    return CategoryTruth(
        category.name,
        category.images,
        _unpack(arrays),
        tuple(key for key in keys if folder_of(key) != GOOD),
        tuple(key for key in keys if folder_of(key) == GOOD),
    )


def _region_files(category: CategoryManifest) -> list[str]:
    """Region files, relative to `ground_truth`."""
    return files_below(category.root / "ground_truth", (".png",))


def _cache_path(category: CategoryManifest, files: list[str]) -> Path:
    digest = hashlib.sha256(_CACHE_FORMAT.encode())
    for name in ("defects_config.json", *(f"ground_truth/{name}" for name in files)):
        try:
            data = (category.root / name).read_bytes()
        except FileNotFoundError:
            data = b""
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    digest.update(json.dumps(category.images, sort_keys=True).encode())
    return category.root / CACHE_FOLDER / f"{category.name}-{digest.hexdigest()[:32]}.npz"


def _read_regions(category: CategoryManifest, files: list[str]) -> Iterator[tuple[str, Region]]:
    config = read_defects_config(category.root / "defects_config.json") if files else {}
    for name in files:
        path = category.root / "ground_truth" / name
        key = name.rpartition("/")[0]
        if key not in category.images or folder_of(key) == GOOD:
            raise DatasetError(f"{path}: there is no anomalous test image {key}")
        yield key, _read_region(path, category.images[key], config)


def read_defects_config(path: Path) -> dict[int, tuple[float, bool]]:
    """`defects_config.json` as pixel value -> (saturation threshold, relative).

    Raises `DatasetError` for anything but a list of entries with distinct pixel values 1..255.
    """
    try:
        entries = json.loads(path.read_text("utf-8"))
        config = {int(e["pixel_value"]): _saturation(e) for e in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: cannot be used ({error}); expected a list of defect_name, pixel_value, "
            "saturation_threshold, relative_saturation"
        ) from error
    if len(config) != len(entries) or not all(1 <= value <= 255 for value in config):
        raise DatasetError(f"{path}: expected distinct pixel values 1..255")
    return config


def _saturation(entry: dict[str, Any]) -> tuple[float, bool]:
    threshold, relative = entry["saturation_threshold"], entry["relative_saturation"]
    if not isinstance(relative, bool) or not isinstance(threshold, int | float):
        raise ValueError("saturation_threshold is a number, relative_saturation true or false")
    if not (0 < threshold <= 1 if relative else threshold >= 1):
        raise ValueError(f"saturation_threshold {threshold} is out of range")
    return threshold, relative


def _read_region(
    path: Path, size: tuple[int, int], config: dict[int, tuple[float, bool]]
) -> Region:
    with Image.open(path) as image:
        if image.mode not in ("L", "LA", "RGB", "RGBA"):
            raise DatasetError(f"{path}: has mode {image.mode}; expected grey or RGB, 8 bits")
        if image.size != size:
            raise DatasetError(
                f"{path}: is {image.size} pixels (width, height); its image is {size}"
            )
        red = np.asarray(image)
    red = red if red.ndim == 2 else red[..., 0]
    pixels = np.flatnonzero(red).astype(np.int32)
    values = np.unique(red.reshape(-1)[pixels])
    if len(values) != 1:
        raise DatasetError(
            f"{path}: holds the values {values.tolist()} above 0; expected exactly one"
        )
    if int(values[0]) not in config:
        raise DatasetError(
            f"{path}: the value {values[0]} stands for no defect in defects_config.json"
        )
    return Region(pixels, saturation_area(len(pixels), *config[int(values[0])]))


def saturation_area(area: int, threshold: float, relative: bool) -> int:
    """Pixels of a region that suffice: min(threshold, area), or int(threshold x area); at least 1.

    The product is the double product, so 0.7 x 90 gives 62, as in the published evaluation.
    """
    wanted = int(threshold * area) if relative else min(int(threshold), area)
    return max(1, wanted)


def _pack(regions: Iterator[tuple[str, Region]]) -> dict[str, NDArray[Any]]:
    keys, areas, saturations, pixels = [], [], [], []
    for key, region in regions:
        keys.append(key)
        areas.append(len(region.pixels))
        saturations.append(region.saturation_area)
        pixels.append(region.pixels)
    return {
        "keys": np.array(keys, dtype=np.str_),
        "areas": np.array(areas, dtype=np.int64),
        "saturations": np.array(saturations, dtype=np.int64),
        "pixels": np.concatenate(pixels) if pixels else np.empty(0, np.int32),
    }


def _unpack(arrays: dict[str, NDArray[Any]]) -> dict[str, tuple[Region, ...]]:
    ends = np.cumsum(arrays["areas"])
    found: dict[str, list[Region]] = {}
    for key, start, end, saturation in zip(
        arrays["keys"], ends - arrays["areas"], ends, arrays["saturations"], strict=True
    ):
        found.setdefault(str(key), []).append(Region(arrays["pixels"][start:end], int(saturation)))
    return {key: tuple(regions) for key, regions in sorted(found.items())}


def _load(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in ("keys", "areas", "saturations", "pixels")}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None  # absent, or half-written by something other than us: made anew


def _save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    temporary = None
    try:
        path.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = file.name
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(temporary, path)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
