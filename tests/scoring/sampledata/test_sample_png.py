"""The small PNG writer gives files that other readers read back to the pixel."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from scoring.sampledata.png import encode_png

SHAPES = [(1, 1), (5, 3), (40, 33), (1, 1, 3), (7, 2, 3), (31, 50, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_eight_bit_pictures_survive(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        image.load()
        assert image.mode == ("L" if len(shape) == 2 else "RGB")
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("shape", SHAPES[:3], ids=str)
def test_sixteen_bit_grey_survives(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    with Image.open(io.BytesIO(encode_png(pixels, level=6))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8), np.zeros((4, 4), np.float32)],
    ids=["RGBA", "one-dimensional", "float"],
)
def test_other_pictures_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8 or uint16"):
        encode_png(pixels)
