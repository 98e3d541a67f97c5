"""A category's ground truth as one small file: the private half of a dataset.

Regions are kept as stretches of consecutive pixels (first flat index, length), images in the order
of their keys. Equal ground truth gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from scoring.errors import DatasetError
from scoring.manifest import GOOD
from scoring.npz import npz_bytes
from scoring.truth import CategoryTruth, Region, folder_of

SCHEMA = 1
_ARRAYS = (
    "schema",
    "name",
    "keys",
    "public_ids",
    "sizes",
    "region_image",
    "region_saturation",
    "region_stretches",
    "stretch_first",
    "stretch_length",
)


def pack_bytes(truth: CategoryTruth) -> bytes:
    """The pack of a category: the bytes that `read_pack` reads."""
    keys = sorted(truth.sizes)
    found = [(i, region) for i, key in enumerate(keys) for region in truth.regions.get(key, ())]
    stretches = [_stretches(region.pixels) for _, region in found]
    empty = np.empty(0, np.int32)
    arrays = {
        "schema": np.array(SCHEMA, np.int32),
        "name": np.array(truth.name, np.str_),
        "keys": np.array(keys, np.str_),
        "public_ids": np.array(
            [truth.public_ids[key] for key in keys] if truth.hidden else [], "U"
        ),
        "sizes": np.array([truth.sizes[key] for key in keys], np.int32).reshape(-1, 2),
        "region_image": np.array([image for image, _ in found], np.int32),
        "region_saturation": np.array([r.saturation_area for _, r in found], np.int64),
        "region_stretches": np.array([len(first) for first, _ in stretches], np.int32),
        "stretch_first": np.concatenate([empty, *(first for first, _ in stretches)]),
        "stretch_length": np.concatenate([empty, *(length for _, length in stretches)]),
    }
    return npz_bytes(arrays, compressed=True)


def read_pack(path: Path) -> CategoryTruth:
    """Read a pack that `pack_bytes` made.

    Raises `DatasetError`, naming the file, if it is no pack or one of another schema.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DatasetError(f"{path}: no ground-truth pack ({error})") from error
    if int(arrays["schema"]) != SCHEMA:
        raise DatasetError(f"{path}: has schema {arrays['schema']}; expected {SCHEMA}")
    return _truth(arrays)


def _stretches(pixels: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First pixels and lengths of the stretches of consecutive flat indices."""
    begins = np.flatnonzero(np.diff(pixels, prepend=pixels[0] - 2) != 1)
    lengths = np.diff(begins, append=len(pixels))
    return pixels[begins].astype(np.int32), lengths.astype(np.int32)


def _truth(arrays: Mapping[str, NDArray[Any]]) -> CategoryTruth:
    keys = [str(key) for key in arrays["keys"]]
    public = [str(key) for key in arrays["public_ids"]]
    return CategoryTruth(
        str(arrays["name"]),
        {key: (int(w), int(h)) for key, (w, h) in zip(keys, arrays["sizes"], strict=True)},
        _regions(keys, arrays),
        tuple(key for key in keys if folder_of(key) != GOOD),
        tuple(key for key in keys if folder_of(key) == GOOD),
        dict(zip(keys, public, strict=True)) if public else {},
    )


def _regions(
    keys: Sequence[str], arrays: Mapping[str, NDArray[Any]]
) -> dict[str, tuple[Region, ...]]:
    length = arrays["stretch_length"]
    pixels = _pixels(arrays["stretch_first"], length)
    ends = np.cumsum(arrays["region_stretches"])  # of each region's stretches, then of its pixels
    ends = np.concatenate([[0], np.cumsum(length, dtype=np.int64)])[ends]
    starts = np.concatenate([[0], ends])[:-1]
    images, saturations = arrays["region_image"], arrays["region_saturation"]
    found: dict[str, list[Region]] = {}
    for image, saturation, start, end in zip(images, saturations, starts, ends, strict=True):
        found.setdefault(keys[image], []).append(Region(pixels[start:end], int(saturation)))
    return {key: tuple(regions) for key, regions in sorted(found.items())}


def _pixels(first: NDArray[np.int32], length: NDArray[np.int32]) -> NDArray[np.int32]:
    """The flat indices of all stretches, in order."""
    before = np.cumsum(length) - length
    within = np.arange(int(length.sum())) - np.repeat(before, length)
    return (np.repeat(first, length) + within).astype(np.int32)
