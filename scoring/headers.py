"""What a map's file says of itself, read before a single pixel is decoded.

Tiny parsers for the three formats, each checking exactly what the decoder will be asked to do.
They touch a few hundred bytes and allocate nothing that the file could choose the size of.
"""

from __future__ import annotations

import io
import struct
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np
from imagecodecs import deflate_crc32
from numpy.lib import format as npy_format

from scoring.errors import MapError

ACCEPTED_DTYPES = ("uint8", "uint16", "float16", "float32", "float64")


@dataclass(frozen=True)
class Header:
    """Format, size in pixels and data type of one map."""

    format: str
    width: int
    height: int
    dtype: str
    extras: tuple[tuple[int, int], ...] = ()
    """Where bytes begin and end that are no part of the image, and that no decoder need see."""
    streams: tuple[tuple[int, int, int], ...] = ()
    """Deflate streams of a TIFF: where each begins and ends, and how many bytes it has to give."""
    as_stored: bool = False
    """Whether what the streams give are the pixels, row by row and in this machine's order."""

    def essential(self, data: bytes) -> bytes:
        """The file's bytes without the extras."""
        if not self.extras:
            return data
        ends, starts = zip(*self.extras, strict=True)
        spans = zip((0, *starts), (*ends, len(data)), strict=True)
        return b"".join(data[start:end] for start, end in spans)


def read_header(data: bytes, extension: str) -> Header:
    """Read the header of a map, by its extension (``.png``, ``.tif``, ``.tiff`` or ``.npy``).

    Raises `MapError` for anything but one 2-D grey image of an accepted type.
    """
    reader = {".png": _png, ".tif": _tiff, ".tiff": _tiff, ".npy": _npy}[extension]
    try:
        header = reader(data)
    except (struct.error, IndexError, OverflowError) as error:
        raise MapError("the file is cut short or damaged") from error
    if header.width < 1 or header.height < 1:
        raise MapError(f"is {header.width}x{header.height} pixels; expected at least one pixel")
    return header


_MAX_CHUNKS = 2**16
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_COLOURS = {2: "RGB", 3: "a palette", 4: "grey with alpha", 6: "RGB with alpha"}


def _png(data: bytes) -> Header:
    """PNG (third edition): signature 5.2, chunk layout 5.3, IHDR 11.2.1."""
    if data[:8] != _PNG_SIGNATURE:
        raise MapError("is no PNG file")
    header, kind, at, count, kinds, extras = None, b"", 8, 0, set(), []
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if deflate_crc32(body, deflate_crc32(kind)) != crc:
            raise MapError(f"has a damaged {kind.decode('latin-1')!r} chunk (wrong checksum)")
        if header is None:
            header = _png_header(kind, body)
        elif kind in (b"acTL", b"fcTL", b"fdAT"):
            raise MapError("is an animated PNG; expected one image")
        elif kind == b"tRNS":
            raise MapError("has transparency; expected plain grey")
        elif kind == b"IHDR":
            raise MapError("has a second header chunk")
        elif kind not in (b"IDAT", b"IEND"):
            extras.append((at, at + 12 + length))
        kinds.add(kind)
        at += 12 + length
        count += 1
        if count > _MAX_CHUNKS:
            raise MapError(f"holds more than {_MAX_CHUNKS:,} PNG chunks")
    if at != len(data):
        raise MapError(f"has {len(data) - at:,} bytes after the image's end")
    _check_critical(kinds)
    assert header is not None
    return replace(header, extras=tuple(extras))


def _check_critical(kinds: set[bytes]) -> None:
    """Chunks in capitals are those without which the image cannot be understood (5.4)."""
    if b"IDAT" not in kinds:
        raise MapError("holds no image data")
    for kind in sorted(kinds - {b"IHDR", b"PLTE", b"IDAT", b"IEND"}):
        if kind[:1].isupper():
            raise MapError(f"has an unknown chunk {kind.decode('latin-1')!r}; expected plain grey")


def _png_header(kind: bytes, body: bytes) -> Header:
    if kind != b"IHDR" or len(body) != 13:
        raise MapError("does not begin with a PNG header chunk")
    width, height, depth, colour = struct.unpack_from(">IIBB", body)
    if colour != 0:
        raise MapError(
            f"is {_PNG_COLOURS.get(colour, 'of unknown colour')}; expected 8- or 16-bit grey"
        )
    if depth not in (8, 16):
        raise MapError(f"has {depth} bits a pixel; expected 8- or 16-bit grey")
    return Header("png", width, height, f"uint{depth}")


_TIFF_SIZES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_TIFF_COMPRESSIONS = {
    1,
    5,
    8,
    32773,
    32946,
    50000,
}  # none, LZW, deflate, PackBits, old deflate, zstd
_TIFF_NAMES = {
    6: "old JPEG",
    7: "JPEG",
    2: "CCITT",
    3: "CCITT",
    4: "CCITT",
    34925: "LZMA",
    50001: "WebP",
}
_SUB_IFDS, _EXTRA_SAMPLES = 330, 338
_STRIPS, _TILES = (273, 279), (324, 325)  # their offsets, their sizes
_TILE_WIDTH, _TILE_HEIGHT, _PREDICTOR, _IMAGE_DEPTH, _TILE_DEPTH = 322, 323, 317, 32997, 32998
_FILL_ORDER, _ROWS_PER_STRIP = 266, 278
_PREDICTABLE = {5, 8, 32946, 50000}
_DEFLATE = {8, 32946}
_TIFF_READ = {
    *(256, 257, 258, 259, 262, 277, 339, _FILL_ORDER, _ROWS_PER_STRIP),
    *(*_STRIPS, *_TILES, _TILE_WIDTH, _TILE_HEIGHT, _PREDICTOR, _IMAGE_DEPTH, _TILE_DEPTH),
}
_MAX_TAGS = 512
_MAX_VALUES = 2**16
_MAX_TILE_PIXELS = 2**22


def _tiff(data: bytes) -> Header:
    """TIFF 6.0, section 2; BigTIFF as in libtiff's description of it."""
    tags = _tiff_tags(data)

    def one(tag: int, default: int | None = None) -> int:
        values = tags.get(tag, ())
        if not values and default is None:
            raise MapError("lacks a required TIFF tag (damaged?)")
        return values[0] if values else int(default or 0)

    width, height = one(256), one(257)
    if one(277, 1) != 1 or len(tags.get(258, ())) > 1 or _EXTRA_SAMPLES in tags:
        raise MapError(f"has {one(277, 1)} samples a pixel; expected one (grey)")
    if one(262) != 1:
        raise MapError(
            f"has photometric interpretation {one(262)}; expected 1 (higher is brighter)"
        )
    if one(259, 1) not in _TIFF_COMPRESSIONS:
        name = _TIFF_NAMES.get(one(259), "unknown")
        raise MapError(
            f"uses TIFF compression {one(259)} ({name}); "
            "expected none, deflate, LZW, PackBits or zstd"
        )
    kind = {1: "uint", 2: "int", 3: "float", 5: "complex int", 6: "complex"}.get(
        one(339, 1), "unknown"
    )
    dtype = f"{kind}{one(258, 1)}"
    if dtype not in ACCEPTED_DTYPES:
        raise MapError(f"holds {dtype} values; expected {', '.join(ACCEPTED_DTYPES)}")
    if one(_PREDICTOR, 1) != 1 and one(259, 1) not in _PREDICTABLE:
        raise MapError("has a TIFF predictor without a compression that goes with it")
    if one(_IMAGE_DEPTH, 1) != 1 or one(_TILE_DEPTH, 1) != 1:
        raise MapError("is a TIFF volume; expected a flat image")
    if one(_TILE_WIDTH, 1) * one(_TILE_HEIGHT, 1) > _MAX_TILE_PIXELS:
        raise MapError(
            f"has TIFF tiles of {one(_TILE_WIDTH, 1)}x{one(_TILE_HEIGHT, 1)} pixels; "
            f"at most {_MAX_TILE_PIXELS:,} pixels are taken"
        )
    _check_tiling(width, height, one(_TILE_WIDTH, 0), one(_TILE_HEIGHT, 0))
    _check_strips(tags, len(data))
    if one(259, 1) == 1 and not _holds(tags, width * height * one(258, 1) // 8):
        raise MapError("is cut short: its TIFF strips hold fewer bytes than its pixels need")
    header = Header("tiff", width, height, dtype)
    if one(259, 1) not in _DEFLATE:
        return header
    if one(_FILL_ORDER, 1) != 1:
        raise MapError("has the bits of its TIFF data in reverse; expected fill order 1")
    if _TILE_WIDTH in tags or _TILE_HEIGHT in tags:
        pixels = _tile_pixels(header, one(_TILE_WIDTH, 0), one(_TILE_HEIGHT, 0))
        return replace(header, streams=_streams(tags, header, pixels))
    pixels = _strip_pixels(header, one(_ROWS_PER_STRIP, 0) or height)
    native = dtype == "uint8" or data[:2] == (b"II" if sys.byteorder == "little" else b"MM")
    as_stored = native and one(_PREDICTOR, 1) == 1
    return replace(header, streams=_streams(tags, header, pixels), as_stored=as_stored)


def _tiff_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    magic = struct.unpack_from(f"{order}H", data, 2)[0] if order else 0
    if magic not in (42, 43):
        raise MapError("is no TIFF file")
    big = magic == 43
    (first,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, 8 if big else 4)
    (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", data, first)
    if count > _MAX_TAGS:
        raise MapError(f"announces {count} TIFF tags; at most {_MAX_TAGS} are taken")
    at, step = first + (8 if big else 2), 20 if big else 12
    tags = {}
    for index in range(count):
        tag, values = _tiff_tag(data, at + index * step, f"{order}", big)
        if tag in tags:
            raise MapError(f"holds the TIFF tag {tag} twice")
        tags[tag] = values
    (following,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, at + count * step)
    if following or _SUB_IFDS in tags:
        raise MapError("holds several pages; expected one")
    return tags


def _tiff_tag(data: bytes, at: int, order: str, big: bool) -> tuple[int, tuple[int, ...]]:
    tag, kind = struct.unpack_from(f"{order}HH", data, at)
    (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, at + 4)
    letter = _TIFF_SIZES.get(kind)
    if letter is None or tag not in _TIFF_READ:
        return tag, ()  # nothing that matters here
    size = struct.calcsize(f"={letter}") * count
    inline, field = (8, at + 12) if big else (4, at + 8)
    if size > len(data):
        raise MapError("has a TIFF tag that is longer than the file")
    if count > _MAX_VALUES:
        raise MapError(f"has {count:,} TIFF strips or tiles; at most {_MAX_VALUES:,} are taken")
    if size > inline:
        (field,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, field)
    return tag, struct.unpack_from(f"{order}{count}{letter}", data, field)


def _check_strips(tags: dict[int, tuple[int, ...]], size: int) -> None:
    for offsets, counts in (_STRIPS, _TILES):
        if len(tags.get(offsets, ())) != len(tags.get(counts, ())):
            raise MapError("has TIFF strips without sizes")
        for offset, count in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=True):
            if offset + count > size:
                raise MapError("is cut short: a TIFF strip lies beyond the end of the file")
    if not tags.get(_STRIPS[0]) and not tags.get(_TILES[0]):
        raise MapError("has no TIFF strips or tiles")
    if tags.get(_STRIPS[0]) and tags.get(_TILES[0]):
        raise MapError("has both TIFF strips and tiles; expected one of them")


def _check_tiling(width: int, height: int, tile_width: int, tile_height: int) -> None:
    """Refuse tiles that lie mostly outside the image: each is unpacked whole."""
    if tile_width < 1 or tile_height < 1:
        return
    tiles = -(-width // tile_width) * -(-height // tile_height)
    if tiles * tile_width * tile_height > _MAX_TILE_PIXELS + 4 * width * height:
        raise MapError(
            f"has {tiles:,} TIFF tiles of {tile_width}x{tile_height} pixels, most of them outside "
            f"its {width}x{height} pixels"
        )


def _strip_pixels(header: Header, rows: int) -> Iterator[int]:
    for top in range(0, header.height, rows):
        yield min(rows, header.height - top) * header.width


def _tile_pixels(header: Header, width: int, height: int) -> Iterator[int]:
    if width < 1 or height < 1:
        raise MapError("has TIFF tiles of no size")
    return repeat(width * height, -(-header.width // width) * -(-header.height // height))


def _streams(
    tags: dict[int, tuple[int, ...]], header: Header, pixels: Iterator[int]
) -> tuple[tuple[int, int, int], ...]:
    """Begin, end and unpacked size of each strip or tile that the image needs."""
    offsets, counts = (tags.get(a) or tags[b] for a, b in zip(_STRIPS, _TILES, strict=True))
    item = np.dtype(header.dtype).itemsize
    places = zip(offsets, counts, strict=True)
    found = tuple((at, at + n, item * next(pixels, 0)) for at, n in places)
    if next(pixels, None) is not None:
        raise MapError("is cut short: it holds fewer TIFF strips or tiles than its pixels need")
    return tuple(stream for stream in found if stream[2])


def _holds(tags: dict[int, tuple[int, ...]], size: int) -> bool:
    return any(sum(tags.get(counts, ())) >= size for _, counts in (_STRIPS, _TILES))


# The header is a Python literal: reading it may fail in as many ways as Python has.
_NPY_ERRORS = (
    ValueError,
    TypeError,
    EOFError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,
    OverflowError,
)
_NPY_HEADERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
    (3, 0): npy_format.read_array_header_2_0,  # differs in the names of fields, and none are taken
}
_MAX_NPY_LENGTH = 2**31


def npy_layout(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, Fortran order, dtype and offset of the data of an NPY file (NEP 1)."""
    stream = io.BytesIO(data[: 12 + 10_000])
    try:
        read = _NPY_HEADERS.get(npy_format.read_magic(stream))
        if read is None:
            raise ValueError("unknown version")
        shape, fortran, dtype = read(stream)
        if not all(0 <= length <= _MAX_NPY_LENGTH for length in shape):
            raise ValueError("a length that no array has")
    except _NPY_ERRORS as error:
        raise MapError("is no readable NPY file") from error
    return shape, fortran, dtype, stream.tell()


def _npy(data: bytes) -> Header:
    shape, _, dtype, offset = npy_layout(data)
    if dtype.name not in ACCEPTED_DTYPES or dtype.hasobject or dtype.shape:
        raise MapError(f"holds {dtype.name} values; expected {', '.join(ACCEPTED_DTYPES)}")
    if len(shape) != 2:
        raise MapError(f"has shape {shape}; expected two dimensions (height, width)")
    height, width = shape
    expected = height * width * dtype.itemsize
    if expected != len(data) - offset:
        raise MapError(
            f"holds {len(data) - offset:,} bytes of data; expected {expected:,} for its shape"
        )
    return Header("npy", width, height, dtype.name)
