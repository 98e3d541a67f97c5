"""Archives and images put together byte by byte, so that each byte can be a lie."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import tifffile

MAX32 = 0xFFFFFFFF


@dataclass
class Entry:
    """One zip entry. What is None is filled in truthfully."""

    name: bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    size: int | None = None
    crc: int | None = None
    packed: bytes | None = None
    compressed: int | None = None
    extra: bytes = b""
    local_name: bytes | None = None
    attributes: int = 0
    made_by: int = 20
    at: int | None = None
    after: bytes = b""


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def deflate_zeros(mebibytes: int) -> bytes:
    """A deflate stream of so many MiB of zeros, made without unpacking them anywhere."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return one * mebibytes + packer.flush()


def local_header(entry: Entry) -> bytes:
    name = entry.name if entry.local_name is None else entry.local_name
    return (
        struct.pack(
            "<4s5H3I2H",
            *(b"PK\3\4", 20, entry.flags, entry.method, 0, 0x21),
            *(entry.crc, min(entry.compressed or 0, MAX32), min(entry.size or 0, MAX32)),
            *(len(name), 0),
        )
        + name
    )


def central_header(entry: Entry) -> bytes:
    return (
        struct.pack(
            "<4s6H3I5H2I",
            *(b"PK\1\2", entry.made_by, 20, entry.flags, entry.method, 0, 0x21, entry.crc),
            *(entry.compressed, entry.size, len(entry.name), len(entry.extra), 0, 0, 0),
            *(entry.attributes, entry.at),
        )
        + entry.name
        + entry.extra
    )


def end_record(count: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    return (
        struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, offset, len(comment)) + comment
    )


def end64(count: int, size: int, offset: int, at: int) -> bytes:
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)


def zip_body(entries: Iterable[Entry]) -> tuple[bytes, bytes]:
    """The entries' local headers with their data, and the directory; fills in what is None."""
    body, directory = io.BytesIO(), []
    for entry in entries:
        packed = entry.packed
        if packed is None:
            packed = deflate(entry.data) if entry.method == 8 else entry.data
        entry.size = len(entry.data) if entry.size is None else entry.size
        entry.crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        entry.compressed = len(packed) if entry.compressed is None else entry.compressed
        if entry.at is None:
            entry.at = body.tell()
            body.write(local_header(entry) + packed + entry.after)
        directory.append(central_header(entry))
    return body.getvalue(), b"".join(directory)


def zip_file(entries: Sequence[Entry], comment: bytes = b"", count: int | None = None) -> bytes:
    body, directory = zip_body(entries)
    count = len(entries) if count is None else count
    return body + directory + end_record(count, len(directory), len(body), comment)


def entries(files: dict[str, bytes]) -> list[Entry]:
    return [Entry(name.encode(), data) for name, data in files.items()]


def tar_header(
    name: bytes,
    size: int | bytes = 0,
    kind: bytes = b"0",
    *,
    link: bytes = b"",
    magic: bytes = b"ustar\00000",
    prefix: bytes = b"",
) -> bytes:
    """One 512-byte header with the right checksum; `size` as bytes is taken as it is."""
    field = size if isinstance(size, bytes) else b"%011o\0" % size
    block = bytearray(
        struct.pack(
            "100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x",
            *(name, b"0000644\0", b"0000000\0", b"0000000\0", field, b"00000000000\0", b" " * 8),
            *(kind, link, magic, b"", b"", b"", b"", prefix),
        )
    )
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def tar_entry(name: bytes, data: bytes = b"", kind: bytes = b"0", **options: bytes) -> bytes:
    return tar_header(name, len(data), kind, **options) + data + bytes(-len(data) % 512)


def pax(records: dict[bytes, bytes], kind: bytes = b"x") -> bytes:
    """An extended header."""
    lines = []
    for key, value in records.items():
        length = len(key) + len(value) + 3
        while length != len(line := b"%d %s=%s\n" % (length, key, value)):
            length = len(line)
        lines.append(line)
    return tar_entry(b"PaxHeaders/x", b"".join(lines), kind)


def tar_file(*parts: bytes) -> bytes:
    return b"".join(parts) + bytes(1024)


def plain_tar(files: dict[str, bytes]) -> bytes:
    return b"".join(tar_entry(name.encode(), data) for name, data in files.items())


def gzip_member(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def chunk(kind: bytes, body: bytes = b"", crc: int | None = None) -> bytes:
    """A PNG chunk."""
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png_file(
    width: int = 20,
    height: int = 12,
    depth: int = 8,
    colour: int = 0,
    *,
    interlace: int = 0,
    scanlines: bytes | None = None,
    before: bytes = b"",
    idat: bytes | None = None,
    after: bytes = b"",
) -> bytes:
    """A PNG of the given scanlines (by default black), with chunks before and after its data."""
    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, interlace)
    if scanlines is None:
        channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
        scanlines = bytes(height * (1 + -(-width * channels * depth // 8)))
    if idat is None:
        idat = chunk(b"IDAT", zlib.compress(scanlines))
    parts = (chunk(b"IHDR", header), before, idat, after, chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_rows(array: np.ndarray) -> bytes:
    """Unfiltered scanlines of a grey image."""
    return b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in array)


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))


def png_interlaced(array: np.ndarray) -> bytes:
    """An interlaced PNG (PNG specification, section 8.2)."""
    passes = [array[y::dy, x::dx] for x, y, dx, dy in (*ADAM7, (0, 1, 1, 2))]
    rows = b"".join(png_rows(part) for part in passes if part.size)
    height, width = array.shape
    depth = 8 * array.dtype.itemsize
    return png_file(width, height, depth, interlace=1, scanlines=rows)


SHORT, LONG, LONG8 = 3, 4, 16
TIFF_TAGS = {
    256: (LONG, 20),
    257: (LONG, 12),
    258: (SHORT, 8),
    259: (SHORT, 1),
    262: (SHORT, 1),
    273: (LONG, 1024),
    277: (SHORT, 1),
    278: (LONG, 12),
    279: (LONG, 240),
}


def tiff_file(
    changes: dict[int, tuple[int, int] | None] | None = None,
    *,
    data: bytes = bytes(240),
    more: Sequence[tuple[int, int, int]] = (),
    following: int = 0,
) -> bytes:
    """A little-endian TIFF of one strip at byte 1024: tag -> (type, value), None leaves it out.

    `more` are further tags (tag, type, value), in any order and as often as wanted.
    """
    tags = {**TIFF_TAGS, **(changes or {})}
    rows = [(tag, *spec) for tag, spec in tags.items() if spec is not None] + list(more)
    out = struct.pack("<2sHIH", b"II", 42, 8, len(rows))
    for tag, kind, value in sorted(rows, key=lambda row: row[0]):
        out += struct.pack("<HHII", tag, kind, 1, value)
    return (out + struct.pack("<I", following)).ljust(1024, b"\0") + data


def npy_file(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """An NPY file with this text for its header."""
    text = header.encode("latin-1") + b"\n"
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text + data


def npy_header(descr: str = "'|u1'", shape: str = "(12, 20)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def tiff(array: np.ndarray, **options: object) -> bytes:
    """A TIFF as tifffile writes it."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def npy(array: np.ndarray, **options: object) -> bytes:
    """An NPY file as numpy writes it."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()
