"""TIFF maps that lie, and odd ones that are as good as plain ones."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from tests.hostile import craft
from tests.hostile.corpus import Corpus, Room, large
from tests.hostile.craft import LONG, SHORT

corpus = Corpus()
refused, odd = corpus.refused_map, corpus.odd
TYPES = "expected uint8, uint16, float16, float32, float64"
PIXELS = "at most 960 pixels are taken for an image of 20x12"
BLACK = np.zeros((12, 20), np.uint8)
BOMB = "part/test/good/0001.tiff"


def bomb(width: int, height: int) -> bytes:
    """A TIFF of 1.6 MB whose one strip holds 1.6 GB of zeros."""
    packed = b"\x78\xda" + craft.deflate_zeros(1600)
    changes = {256: width, 257: height, 278: height, 279: len(packed)}
    tags = {tag: (LONG, value) for tag, value in changes.items()}
    return craft.tiff_file({**tags, 258: (SHORT, 8), 259: (SHORT, 8)}, data=packed)


OTHER_SIZE = "cannot be decoded (a strip or tile is damaged or of another size than announced)"


@refused(".tiff", f"is 20000x20000 pixels; {PIXELS}")
def tiff_announcing_four_hundred_million_pixels() -> bytes:
    sizes = dict.fromkeys((256, 257, 278), (LONG, 20_000))
    return craft.tiff_file({**sizes, 259: (SHORT, 8)})


@refused(".tiff", "holds the TIFF tag 256 twice")
def tiff_with_two_widths() -> bytes:
    return craft.tiff_file(more=[(256, LONG, 40_000)])


@refused(".tiff", "has TIFF tiles of 65536x65536 pixels; at most 4,194,304 pixels are taken")
def tiff_with_a_huge_tile() -> bytes:
    tiles = {322: (LONG, 65_536), 323: (LONG, 65_536), 324: (LONG, 1024), 325: (LONG, 240)}
    return craft.tiff_file({273: None, 278: None, 279: None, **tiles})


@refused(
    ".tiff",
    "has 12 TIFF tiles of 4194304x1 pixels, most of them outside its 20x12 pixels",
)
def tiff_with_tiles_mostly_outside() -> bytes:
    """Each is unpacked whole: many of them keep a decoder busy for hours."""
    tiles = {322: (LONG, 1 << 22), 323: (LONG, 1), 324: (LONG, 1024), 325: (LONG, 240)}
    return craft.tiff_file({273: None, 278: None, 279: None, **tiles})


@refused(".tiff", "cannot be decoded (*")
def tiff_with_a_tile_of_no_size() -> bytes:
    tiles = {322: (LONG, 0), 323: (LONG, 0), 324: (LONG, 1024), 325: (LONG, 240)}
    return craft.tiff_file({273: None, 278: None, 279: None, **tiles})


@refused(".tiff", "is a TIFF volume; expected a flat image")
def tiff_with_depth() -> bytes:
    return craft.tiff_file(more=[(32997, LONG, 1_000_000)])


@refused(".tiff", "is cut short: its TIFF strips hold fewer bytes than its pixels need")
def tiff_with_more_rows_than_data() -> bytes:
    return craft.tiff_file({257: (LONG, 40)})


@refused(".tiff", "is cut short: a TIFF strip lies beyond the end of the file")
def tiff_with_a_strip_beyond_the_end() -> bytes:
    return craft.tiff_file({273: (LONG, 2**32 - 2)})


@refused(".tiff", "cannot be decoded (*")
def tiff_with_damaged_deflate() -> bytes:
    return craft.tiff_file({259: (SHORT, 8)}, data=b"\xff" * 240)


@refused(".tiff", "cannot be decoded (*")
def tiff_with_damaged_lzw() -> bytes:
    return craft.tiff_file({259: (SHORT, 5)}, data=b"\xff" * 240)


@refused(".tiff", "cannot be decoded (*")
def tiff_whose_zstd_wants_terabytes() -> bytes:
    """A frame that announces a window of 2 TB."""
    frame = b"\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00"
    return craft.tiff_file({259: (SHORT, 50_000), 279: (LONG, len(frame))}, data=frame)


@refused(".tiff", "cannot be decoded (*")
def tiff_with_damaged_zstd() -> bytes:
    return craft.tiff_file({259: (SHORT, 50_000)}, data=b"\xff" * 240)


@refused(
    ".tiff",
    "uses TIFF compression 9999 (unknown); expected none, deflate, LZW, PackBits or zstd",
)
def tiff_of_unknown_compression() -> bytes:
    return craft.tiff_file({259: (SHORT, 9999)})


@refused(".tiff", "uses TIFF compression 7 (JPEG); expected none, deflate, LZW, PackBits or zstd")
def tiff_holding_a_jpeg() -> bytes:
    return craft.tiff_file({259: (SHORT, 7)})


@refused(".tiff", "has a TIFF predictor without a compression that goes with it")
def tiff_with_a_predictor_that_decoders_pass_over() -> bytes:
    ramp = np.arange(240, dtype=np.uint8).reshape(12, 20)
    return craft.tiff(ramp, compression="packbits", predictor=True)


@refused(".tiff", "holds several pages; expected one")
def tiff_with_two_pages() -> bytes:
    return craft.tiff(np.zeros((2, 12, 20), np.uint8), photometric="minisblack")


@refused(".tiff", "holds several pages; expected one")
def tiff_whose_pages_go_round() -> bytes:
    return craft.tiff_file(following=8)


@refused(".tiff", "has 3 samples a pixel; expected one (grey)")
def tiff_in_colour() -> bytes:
    return craft.tiff(np.zeros((12, 20, 3), np.uint8), photometric="rgb")


@refused(".tiff", "has photometric interpretation 0; expected 1 (higher is brighter)")
def tiff_where_white_is_zero() -> bytes:
    return craft.tiff(BLACK, photometric="miniswhite")


@refused(".tiff", f"holds int32 values; {TYPES}")
def tiff_of_int32() -> bytes:
    return craft.tiff(BLACK.astype(np.int32))


@refused(".tiff", f"holds uint1 values; {TYPES}")
def tiff_of_one_bit() -> bytes:
    return craft.tiff_file({258: (SHORT, 1)})


@refused(".tiff", "has photometric interpretation 3; expected 1 (higher is brighter)")
def tiff_with_a_palette() -> bytes:
    return craft.tiff_file({262: (SHORT, 3)})


@refused(".tiff", "has 2 samples a pixel; expected one (grey)")
def tiff_with_alpha() -> bytes:
    return craft.tiff(
        np.zeros((12, 20, 2), np.uint8), photometric="minisblack", extrasamples=["unassalpha"]
    )


@refused(".tiff", f"holds complex64 values; {TYPES}")
def tiff_of_complex_numbers() -> bytes:
    return craft.tiff(BLACK.astype(np.complex64))


@refused(".tiff", "announces 60000 TIFF tags; at most 512 are taken")
def tiff_with_many_tags() -> bytes:
    return struct.pack("<2sHIH", b"II", 42, 8, 60_000) + bytes(2000)


@refused(".tiff", "has a TIFF tag that is longer than the file")
def tiff_with_a_tag_of_gigabytes() -> bytes:
    data = bytearray(craft.tiff_file())
    at = data.index(struct.pack("<HH", 273, LONG))
    data[at + 4 : at + 8] = struct.pack("<I", 2**31)
    return bytes(data)


@refused(".tiff", "the file is cut short or damaged")
def tiff_whose_tags_lie_beyond_the_end() -> bytes:
    return struct.pack("<2sHI", b"II", 42, 2**32 - 1)


@refused(".tiff", "the file is cut short or damaged")
def bigtiff_whose_tags_lie_beyond_every_file() -> bytes:
    return struct.pack("<2sHHHQ", b"II", 43, 8, 0, 2**64 - 1)


@refused(".tiff", "holds 1 values that are NaN or infinite; expected finite numbers")
def one_pixel_of_minus_infinity_in_half_precision() -> bytes:
    array = BLACK.astype(np.float16)
    array[3, 4] = -np.inf
    return craft.tiff(array)


@corpus.refused(
    f"{BOMB}: is 40000x40000 pixels; at most 3,000,000 pixels are taken for an image of 1000x750"
)
def tiff_of_a_megabyte(room: Room) -> Path:
    return large(room, bomb(40_000, 40_000))


@corpus.refused(
    f"{BOMB}: has TIFF tiles of 1000x4000000 pixels; at most 4,194,304 pixels are taken"
)
def tiff_with_a_tile_of_gigabytes(room: Room) -> Path:
    data = bomb(1000, 750)
    for old, new, value in ((273, 324, 1024), (278, 322, 1000), (277, 323, 4_000_000)):
        at = data.index(struct.pack("<H", old), 8)
        data = data[:at] + struct.pack("<HHII", new, LONG, 1, value) + data[at + 12 :]
    return large(room, data.replace(struct.pack("<HHI", 279, LONG, 1), b"\x45\1\4\0\1\0\0\0"))


@corpus.refused(f"{BOMB}: has 262,144 TIFF strips or tiles; at most 65,536 are taken")
def tiff_of_a_quarter_of_a_million_strips(room: Room) -> Path:
    data = craft.tiff_file({256: (LONG, 1000), 257: (LONG, 750)}, data=bytes(4 << 18))
    strips = struct.pack("<HHI", 273, LONG, 1)
    return large(room, data.replace(strips, struct.pack("<HHI", 273, LONG, 1 << 18)))


@corpus.refused(f"{BOMB}: {OTHER_SIZE}")
def tiff_with_gigabytes_behind_its_pixels(room: Room) -> Path:
    return large(room, bomb(1000, 750))


@refused(".tiff", OTHER_SIZE)
def tiff_with_a_pixel_too_many() -> bytes:
    return craft.tiff_file({259: (SHORT, 8), 279: (LONG, 12)}, data=zlib.compress(bytes(241)))


@refused(".tiff", "has both TIFF strips and tiles; expected one of them")
def tiff_in_strips_and_tiles() -> bytes:
    return craft.tiff_file(
        {322: (LONG, 16), 323: (LONG, 16), 324: (LONG, 1024), 325: (LONG, 240)},
    )


@refused(".tiff", "is cut short: it holds fewer TIFF strips or tiles than its pixels need")
def tiff_with_too_few_strips() -> bytes:
    return craft.tiff_file({259: (SHORT, 8), 278: (LONG, 3)})


@refused(".tiff", "has the bits of its TIFF data in reverse; expected fill order 1")
def tiff_with_its_bits_in_reverse() -> bytes:
    return craft.tiff_file({259: (SHORT, 8), 266: (SHORT, 2)})


@odd(".tif")
def tiff_in_tiles(array: np.ndarray) -> bytes:
    return craft.tiff(array, tile=(16, 16), compression="deflate")


@odd(".tiff", "uint16")
def tiff_big_endian(array: np.ndarray) -> bytes:
    return craft.tiff(array, byteorder=">")


@odd(".tiff", "float32")
def bigtiff_big_endian_in_tiles(array: np.ndarray) -> bytes:
    return craft.tiff(array, byteorder=">", bigtiff=True, tile=(16, 32), compression="lzw")


@odd(".tiff", "float16")
def tiff_of_half_precision(array: np.ndarray) -> bytes:
    return craft.tiff(array, compression="zstd")


@odd(".tiff", "float64")
def tiff_of_double_precision(array: np.ndarray) -> bytes:
    return craft.tiff(array, rowsperstrip=5)


@odd(".tiff", "uint16")
def tiff_with_horizontal_differences(array: np.ndarray) -> bytes:
    return craft.tiff(array, predictor=2, compression="deflate")


@odd(".tiff", "float32")
def tiff_with_floating_point_differences(array: np.ndarray) -> bytes:
    return craft.tiff(array, predictor=3, compression="deflate")


@odd(".tiff")
def tiff_packed_in_many_strips(array: np.ndarray) -> bytes:
    return craft.tiff(array, rowsperstrip=1, compression="packbits")


@odd(".tiff")
def tiff_with_strips_of_endless_rows(array: np.ndarray) -> bytes:
    return craft.tiff_file({278: (LONG, 2**32 - 1)}, data=array.tobytes())


@odd(".tiff", "float64")
def zeros_with_a_sign_in_double_precision(array: np.ndarray) -> bytes:
    return craft.tiff(np.where(array == 0, -0.0, array))
