"""Decoding and resizing one map."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support import encode, random_map

from scoring.errors import MapError
from scoring.maps import check_map, resize

DTYPES = ("uint8", "uint16", "float16", "float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("extension", [".tiff", ".npy", ".png"])
def test_pixels_come_back_as_they_were(dtype: str, extension: str) -> None:
    if extension == ".png" and not dtype.startswith("uint"):
        return
    array = random_map(np.random.default_rng(0), (7, 5), dtype)
    checked = check_map(encode(array, extension), extension, (5, 7))
    assert checked.values.dtype == array.dtype
    assert np.array_equal(checked.values, array)
    assert checked.maximum == array.max()
    assert not checked.resized


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(40, 30), (13, 9), (21, 44)])
def test_another_size_is_resized_as_pillow_does_it(dtype: str, size: tuple[int, int]) -> None:
    array = random_map(np.random.default_rng(1), (22, 21), dtype)
    checked = check_map(encode(array, ".npy"), ".npy", size)
    image = Image.fromarray(array.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    assert checked.resized
    assert checked.values.dtype == np.float32
    assert np.array_equal(checked.values, np.asarray(image))
    assert np.array_equal(checked.values, resize(array, size))
    assert checked.maximum == array.max(), "the image score is taken before the resize"


def decoded(data: bytes, before: int) -> bytes | str:
    """The pixels of 20x12, or why there are none, where the memory was full of this byte."""
    room = np.full(8 * 20 * 12, before, np.uint8)
    try:
        return check_map(data, ".tiff", (20, 12), room=room).values.tobytes()
    except MapError as error:
        return str(error)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "options",
    [{}, {"rowsperstrip": 5}, {"tile": (16, 16)}, {"predictor": 2}, {"byteorder": ">"}],
    ids=["one strip", "strips", "tiles", "differences", "big-endian"],
)
def test_what_lay_in_memory_before_is_never_taken_for_pixels(dtype: str, options: dict) -> None:
    """libtiff leaves pixels unwritten where a damaged deflate stream gives too much."""
    if dtype == "float32" and "predictor" in options:
        options = {"predictor": 3}
    array = (np.arange(240).reshape(12, 20) % 97).astype(dtype)
    sound = encode(array, ".tiff", **options)
    assert decoded(sound, 1) == decoded(sound, 2) == array.tobytes()
    for at in range(len(sound) // 3, len(sound)):
        damaged = bytearray(sound)
        damaged[at] ^= 0xFF
        assert decoded(bytes(damaged), 1) == decoded(bytes(damaged), 2), at


def test_a_map_may_have_four_times_the_pixels_but_not_more() -> None:
    array = np.zeros((20, 20), np.uint8)
    assert check_map(encode(array, ".png"), ".png", (10, 10)).resized
    with pytest.raises(MapError, match="at most 396 pixels"):
        check_map(encode(array, ".png"), ".png", (9, 11))
