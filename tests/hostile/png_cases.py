"""PNG maps that lie, and odd ones that are as good as plain ones."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tests.hostile import craft
from tests.hostile.corpus import KEYS, Corpus, Room, large

corpus = Corpus()
refused, odd = corpus.refused_map, corpus.odd
DAMAGED = "cannot be decoded (damaged image data)"
PIXELS = "at most 960 pixels are taken for an image of 20x12"
BLACK = np.zeros((12, 20), np.uint8)


@refused(".png", f"is 100000x100000 pixels; {PIXELS}")
def png_announcing_ten_billion_pixels() -> bytes:
    return craft.png_file(100_000, 100_000, scanlines=b"")


@refused(".png", f"is 2147483647x2147483647 pixels; {PIXELS}")
def png_of_the_largest_size() -> bytes:
    return craft.png_file(2**31 - 1, 2**31 - 1, scanlines=b"")


@refused(".png", f"is 961x1 pixels; {PIXELS}")
def png_of_one_pixel_more_than_the_limit() -> bytes:
    return craft.png_file(961, 1)


@refused(".png", "is 0x12 pixels; expected at least one pixel")
def png_without_width() -> bytes:
    return craft.png_file(0, 12, scanlines=bytes(12))


@refused(".png", "has a damaged 'IDAT' chunk (wrong checksum)")
def png_with_a_wrong_crc() -> bytes:
    return craft.png_file(idat=craft.chunk(b"IDAT", zlib.compress(bytes(252)), crc=1))


@refused(".png", "has an unknown chunk 'FAKE'; expected plain grey")
def png_with_an_unknown_critical_chunk() -> bytes:
    return craft.png_file(before=craft.chunk(b"FAKE", b"data"))


@refused(".png", "has a second header chunk")
def png_with_two_headers() -> bytes:
    header = struct.pack(">2I5B", 30_000, 30_000, 8, 0, 0, 0, 0)
    return craft.png_file(before=craft.chunk(b"IHDR", header))


@refused(".png", "the file is cut short or damaged")
def png_with_a_chunk_longer_than_the_file() -> bytes:
    return craft.png_file(before=struct.pack(">I4s", 2**32 - 1, b"tEXt"))


@refused(".png", "holds no image data")
def png_without_data() -> bytes:
    return craft.png_file(idat=b"")


@refused(".png", DAMAGED)
def png_with_too_little_data() -> bytes:
    return craft.png_file(scanlines=bytes(100))


@refused(".png", DAMAGED)
def png_with_data_that_is_no_zlib() -> bytes:
    return craft.png_file(idat=craft.chunk(b"IDAT", b"\xff" * 100))


@refused(".png", DAMAGED)
def png_with_an_unknown_filter() -> bytes:
    return craft.png_file(scanlines=b"\x09" * 252)


@refused(".png", DAMAGED)
def png_with_an_unknown_interlace() -> bytes:
    return craft.png_file(interlace=2)


@refused(".png", "has 4 bytes after the image's end")
def png_with_more_behind_it() -> bytes:
    return craft.png_file() + b"more"


@refused(".png", "is a palette; expected 8- or 16-bit grey")
def png_with_a_palette() -> bytes:
    return craft.png_file(colour=3, before=craft.chunk(b"PLTE", bytes(3)))


@refused(".png", "is grey with alpha; expected 8- or 16-bit grey")
def png_with_alpha() -> bytes:
    return craft.png_file(colour=4)


@refused(".png", "is RGB; expected 8- or 16-bit grey")
def png_in_colour() -> bytes:
    return craft.png_file(colour=2)


@refused(".png", "is RGB with alpha; expected 8- or 16-bit grey")
def png_in_colour_with_alpha() -> bytes:
    return craft.png_file(colour=6, depth=16)


@refused(".png", "has transparency; expected plain grey")
def png_with_a_transparent_grey() -> bytes:
    return craft.png_file(before=craft.chunk(b"tRNS", bytes(2)))


@refused(".png", "has 1 bits a pixel; expected 8- or 16-bit grey")
def png_of_one_bit() -> bytes:
    return craft.png_file(depth=1)


@refused(".png", "is an animated PNG; expected one image")
def png_animated() -> bytes:
    stream = io.BytesIO()
    frames = [Image.fromarray(BLACK + value) for value in (1, 2)]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


@refused(".png", "is no PNG file")
def tiff_named_as_a_png() -> bytes:
    return craft.tiff(BLACK)


@refused(".tiff", "is no TIFF file")
def png_named_as_a_tiff() -> bytes:
    return craft.png_file()


@corpus.refused("part/test/good/0001.png: holds more than 65,536 PNG chunks")
def png_of_two_million_empty_chunks(room: Room) -> Path:
    empty = craft.chunk(b"tEXt") * 2_000_000
    return large(room, craft.png_file(1000, 750, before=empty), ".png")


@corpus.refused(f"part/test/good/0001.png: {DAMAGED}")
def png_with_gigabytes_behind_its_pixels(room: Room) -> Path:
    data = craft.chunk(b"IDAT", b"\x78\xda" + craft.deflate_zeros(1600))
    return large(room, craft.png_file(1000, 750, idat=data), ".png")


@odd(".png")
def png_interlaced(array: np.ndarray) -> bytes:
    return craft.png_interlaced(array)


@odd(".png", "uint16", 257)
def png_of_16_bits_interlaced(array: np.ndarray) -> bytes:
    return craft.png_interlaced(array * 257)


@odd(".png")
def png_in_chunks_of_one_byte(array: np.ndarray) -> bytes:
    packed = zlib.compress(craft.png_rows(array))
    chunks = (craft.chunk(b"IDAT", packed[at : at + 1]) for at in range(len(packed)))
    return craft.png_file(idat=b"".join(chunks))


@odd(".png")
def png_with_chunks_that_change_how_it_looks(array: np.ndarray) -> bytes:
    before = craft.chunk(b"gAMA", struct.pack(">I", 10_000)) + craft.chunk(b"sBIT", b"\3")
    before += craft.chunk(b"bKGD", b"\0\3") + craft.chunk(b"PLTE", bytes(3))
    return craft.png_file(scanlines=craft.png_rows(array), before=before)


@odd(".png")
def png_with_texts_that_unpack_to_gigabytes(array: np.ndarray) -> bytes:
    text = craft.chunk(b"zTXt", b"c\0\0" + zlib.compress(bytes(7_900_000), 9))
    return craft.png_file(scanlines=craft.png_rows(array), before=text * 3, after=text * 3)


OTHERS = "holds uint8 values; expected uint16, as in the other maps of part"


@corpus.refused(*(f"part/test/{key}.png: {OTHERS}" for key in sorted(KEYS)[1:]))
def first_map_of_another_type(room: Room) -> Path:
    """Which type is the odd one is told by the order of names, and not by that of labels."""
    return room.zip({**room.files(), "part/test/good/0000.png": craft.png_file(depth=16)})


@corpus.refused(
    f"part/test/{min(KEYS)}.png: is no PNG file", f"part/test/{max(KEYS)}.png: is no PNG file"
)
def good_and_anomalous_maps_that_are_none(room: Room) -> Path:
    bad = {f"part/test/{key}.png": b"x" for key in (max(KEYS), min(KEYS))}
    return room.zip({**room.files(), **bad})
