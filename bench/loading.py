"""Maps and regions as plain arrays: what every evaluator but ours is given.

Imports nothing of the scorer, so that the peers' environment needs none of it. Maps are decoded by
the decoders that the scorer uses, the fastest we know for these files.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

DECODERS = {"png": imagecodecs.png_decode, "tiff": imagecodecs.tiff_decode}
_LOCAL_HEADER = 30


@dataclass(frozen=True)
class RegionMask:
    """One ground-truth file: a boolean image, and how many of its pixels suffice."""

    mask: NDArray[np.bool_]
    saturation_area: int


def read_maps(archive: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Image key ``<folder>/<id>`` and map, in the archive's order."""
    for name, extension, data in _members(archive):
        yield "/".join(name.split("/")[-2:]), DECODERS[extension](data)


def read_and_decode(archive: Path) -> int:
    """The bare loop: read and decode every map, do nothing with it; returns how many.

    All maps of a category, which have one size, are decoded into the same array: fresh memory for
    each would cost up to a third more.
    """
    count, rooms = 0, dict[str, NDArray[Any]]()
    for name, extension, data in _members(archive):
        category = name.partition("/")[0]
        rooms[category] = DECODERS[extension](data, out=rooms.get(category))
        count += 1
    return count


def _members(archive: Path) -> Iterator[tuple[str, str, bytes]]:
    """Name, extension and bytes of every map, read from where they lie (members are stored).

    Neither a checksum nor anything else is looked at.
    """
    with zipfile.ZipFile(archive) as listing:
        members = listing.infolist()
    with archive.open("rb") as file:
        fd = file.fileno()
        for member in members:
            name, _, extension = member.filename.rpartition(".")
            if extension in DECODERS:
                header = os.pread(fd, _LOCAL_HEADER, member.header_offset)
                extra = sum(struct.unpack_from("<HH", header, 26))
                at = member.header_offset + _LOCAL_HEADER + extra
                yield name, extension, os.pread(fd, member.file_size, at)


def read_regions(category: Path) -> dict[str, list[RegionMask]]:
    """Regions by image key, for the images that have one."""
    entries = json.loads((category / "defects_config.json").read_text())
    config = {entry["pixel_value"]: entry for entry in entries}
    regions: dict[str, list[RegionMask]] = {}
    for path in sorted((category / "ground_truth").glob("*/*/*.png")):
        with Image.open(path) as image:
            pixels = np.asarray(image)
        pixels = pixels if pixels.ndim == 2 else pixels[..., 0]
        entry = config[int(pixels.max())]
        key = f"{path.parent.parent.name}/{path.parent.name}"
        regions.setdefault(key, []).append(_region(pixels > 0, entry))
    return regions


def _region(mask: NDArray[np.bool_], entry: dict[str, Any]) -> RegionMask:
    area, threshold = int(np.count_nonzero(mask)), entry["saturation_threshold"]
    wanted = int(threshold * area) if entry["relative_saturation"] else min(int(threshold), area)
    return RegionMask(mask, max(1, wanted))
