"""Bytes of a stranger's file to one checked 2-D anomaly map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.errors import MapError
from scoring.headers import Header, npy_layout, read_header
from scoring.limits import DEFAULT_LIMITS, Limits

Map = (
    NDArray[np.uint8]
    | NDArray[np.uint16]
    | NDArray[np.float16]
    | NDArray[np.float32]
    | NDArray[np.float64]
)


@dataclass(frozen=True)
class CheckedMap:
    """One map, fit for scoring.

    Attributes
    ----------
    values : ndarray, shape (height, width) of the image
        In the file's type, or float32 if the map was resized. Finite.
    maximum : float
        The highest value before any resize: the image score. Every accepted type fits exactly.
    dtype : str
        The file's own data type.
    resized : bool
    """

    values: Map
    maximum: float
    dtype: str
    resized: bool


def check_map(
    data: bytes,
    extension: str,
    size: tuple[int, int],
    limits: Limits = DEFAULT_LIMITS,
    room: NDArray[np.uint8] | None = None,
) -> CheckedMap:
    """Decode one map and check it against its image.

    Parameters
    ----------
    data : bytes
        The file: PNG, TIFF or NPY.
    extension : str
        Lower case, with the dot.
    size : (int, int)
        (width, height) of the image in pixels.
    room : ndarray of uint8, optional
        At least 8 bytes a pixel of the image: where a map of the image's size is decoded to.

    Raises
    ------
    MapError
        If it is not one grey image of an accepted type, is too large, cannot be decoded, or holds
        a value that is not finite (also as float32).
    """
    header = read_header(data, extension)
    allowed = limits.map_pixels(size)
    if header.width * header.height > allowed:
        raise MapError(
            f"is {header.width}x{header.height} pixels; at most {allowed:,} pixels are taken "
            f"for an image of {size[0]}x{size[1]}"
        )
    resized = (header.width, header.height) != size
    values = _decode(data, header, None if resized else room)
    maximum = _finite_maximum(values)
    if resized:
        values = resize(values, size)
        _finite_maximum(values)
    return CheckedMap(values, maximum, header.dtype, resized)


def _decode(data: bytes, header: Header, room: NDArray[np.uint8] | None) -> Map:
    if header.format == "npy":
        return _decode_npy(data)
    out = None
    if room is not None:
        dtype, shape = np.dtype(header.dtype), (header.height, header.width)
        out = room[: dtype.itemsize * shape[0] * shape[1]].view(dtype).reshape(shape)
    try:
        if header.format == "png":
            values = imagecodecs.png_decode(header.essential(data), out=out)
        else:
            values = _decode_tiff(data, header, out)
    except MemoryError:
        raise
    except Exception as error:  # whatever a decoder raises, it is the file's fault
        raise MapError(f"cannot be decoded ({_reason(error, header)})") from error
    if values.shape != (header.height, header.width) or values.dtype != np.dtype(header.dtype):
        raise MapError(
            f"decodes to {values.dtype.name} of shape {values.shape}; its header announced "
            f"{header.dtype} of shape {(header.height, header.width)}"
        )
    return values


def _decode_tiff(data: bytes, header: Header, out: Map | None) -> Map:
    """Deflate streams are unpacked here, or once more here where libtiff has more to do than that.

    libtiff takes a stream that gives too much, and leaves the last pixels of its strip unwritten:
    they would be whatever lay there before.
    """
    if not header.as_stored:
        for begin, end, size in header.streams:
            _unpack(data, begin, end, np.empty(size, np.uint8))
        return imagecodecs.tiff_decode(data, out=out)
    if out is None:
        out = np.empty((header.height, header.width), header.dtype)
    pixels, at = out.reshape(-1).view(np.uint8), 0
    for begin, end, size in header.streams:
        _unpack(data, begin, end, pixels[at : at + size])
        at += size
    return out


def _unpack(data: bytes, begin: int, end: int, pixels: NDArray[np.uint8]) -> None:
    try:
        given = len(imagecodecs.deflate_decode(data[begin:end], out=pixels.data))
    except imagecodecs.DeflateError:
        given = -1
    if given != pixels.size:
        raise ValueError("a strip or tile is damaged or of another size than announced")


def _decode_npy(data: bytes) -> Map:
    shape, fortran, dtype, offset = npy_layout(data)
    flat = np.frombuffer(data, dtype, offset=offset)
    values = flat.reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(values, dtype=dtype.newbyteorder("="))


def _finite_maximum(values: Map) -> float:
    """The highest value; raises MapError if any is not finite. NaN shows in both extremes."""
    if values.dtype.kind == "u":
        return float(values.max())
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        n = int(values.size - np.count_nonzero(np.isfinite(values)))
        raise MapError(f"holds {n} values that are NaN or infinite; expected finite numbers")
    if max(-low, high) > np.finfo(np.float32).max:
        raise MapError("holds values beyond the range of float32")
    return high


def resize(values: Map, size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize to (width, height) with Pillow's bicubic filter on 32-bit floats."""
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _reason(error: Exception, header: Header) -> str:
    if header.format == "png":
        return "damaged image data"  # libpng's own words may lie in memory that it freed
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:120]
