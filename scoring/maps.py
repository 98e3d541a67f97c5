"""Bytes of a stranger's file to one checked 2-D anomaly map."""

from __future__ import annotations

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
    data: bytes, extension: str, size: tuple[int, int], limits: Limits = DEFAULT_LIMITS
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
    values = _decode(data, header)
    _check_finite(values)
    maximum = float(values.max())
    resized = (header.width, header.height) != size
    if resized:
        values = resize(values, size)
        _check_finite(values)
    return CheckedMap(values, maximum, header.dtype, resized)


def _decode(data: bytes, header: Header) -> Map:
    if header.format == "npy":
        return _decode_npy(data)
    try:
        if header.format == "png":
            values = imagecodecs.png_decode(header.essential(data))
        else:
            values = imagecodecs.tiff_decode(data)
    except MemoryError:
        raise
    except Exception as error:  # whatever a decoder raises, it is the file's fault
        raise MapError(f"cannot be decoded ({_reason(error, header)})") from error
    if values.shape != (header.height, header.width) or values.dtype.name != header.dtype:
        raise MapError(
            f"decodes to {values.dtype.name} of shape {values.shape}; its header announced "
            f"{header.dtype} of shape {(header.height, header.width)}"
        )
    return values


def _decode_npy(data: bytes) -> Map:
    shape, fortran, dtype, offset = npy_layout(data)
    flat = np.frombuffer(data, dtype, offset=offset)
    values = flat.reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(values, dtype=dtype.newbyteorder("="))


def _check_finite(values: Map) -> None:
    if values.dtype.kind != "f":
        return
    finite = np.isfinite(values)
    if not finite.all():
        n = int(values.size - np.count_nonzero(finite))
        raise MapError(f"holds {n} values that are NaN or infinite; expected finite numbers")
    if values.dtype.itemsize == 8 and np.abs(values).max() > np.finfo(np.float32).max:
        raise MapError("holds values beyond the range of float32")


def resize(values: Map, size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize to (width, height) with Pillow's bicubic filter on 32-bit floats."""
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _reason(error: Exception, header: Header) -> str:
    if header.format == "png":
        return "damaged image data"  # libpng's own words may lie in memory that it freed
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:120]
