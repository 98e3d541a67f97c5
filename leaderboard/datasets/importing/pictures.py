"""Pictures as pixels, and pixels as PNG files that tell nothing but them."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.ground_truth import UNREADABLE, reason, saturation_area
from scoring.truth import Region

MAX_PIXELS = 89_000_000
"""Fewer than Pillow would take without a warning."""
FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
_LEVEL = 2
"""Effort of deflate; files of equal pixels are equal as long as it is not changed."""


class PictureError(ValueError):
    """A file is no usable picture. Says what is wrong and what is expected, not which file."""


def decode(data: bytes) -> NDArray[Any]:
    """The pixels of an image: uint8 or uint16 (h, w), or uint8 (h, w, 3); no alpha, no palette.

    Raises PictureError.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureError(f"has {image.size} pixels; at most {MAX_PIXELS:,} are taken")
            if image.mode.startswith("I"):
                return np.asarray(image).astype(np.uint16)
            if image.mode in ("L", "RGB"):
                return np.asarray(image)
            return np.asarray(image.convert("L" if image.mode in ("1", "LA") else "RGB"))
    except UNREADABLE as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(f"is no readable image ({reason(error)}); expected a PNG") from error


def depth(pixels: NDArray[Any]) -> int:
    """Bits a channel: 8 or 16."""
    return 8 * pixels.itemsize


def in_colour(pixels: NDArray[Any]) -> NDArray[Any]:
    """Grey pixels (h, w) as the same ones in (h, w, 3); others as they are."""
    return np.stack([pixels] * 3, axis=-1) if pixels.ndim == 2 else pixels


def encode(pixels: NDArray[Any]) -> bytes:
    """The PNG file of some pixels: always the same encoder and settings, and no metadata."""
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=_LEVEL))


def size_of(pixels: NDArray[Any]) -> tuple[int, int]:
    """(width, height)."""
    return int(pixels.shape[1]), int(pixels.shape[0])


def components(data: bytes, size: tuple[int, int]) -> tuple[Region, ...]:
    """The regions of a mask file: the 8-connected components of its pixels above 0.

    Each counts as wholly found when all of it is. Raises PictureError.
    """
    from skimage.measure import label

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            mask = np.asarray(image)  # of a palette, the indices
    except UNREADABLE as error:
        raise PictureError(f"is no readable mask ({reason(error)}); expected a PNG") from error
    mask = mask if mask.ndim == 2 else mask[..., 0]
    if size_of(mask) != size:
        raise PictureError(f"is {size_of(mask)} pixels (width, height); its image is {size}")
    labels = label(mask > 0, connectivity=2).reshape(-1)
    order = np.argsort(labels, kind="stable").astype(np.int32)
    ends = np.cumsum(np.bincount(labels))
    found = [order[start:end] for start, end in pairwise(ends)]
    if not found:
        raise PictureError("is empty; expected pixels above 0 where the anomaly is")
    return tuple(Region(pixels, saturation_area(len(pixels), 1.0, True)) for pixels in found)
