"""Valid maps and archives, and what random changes make of them."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from collections.abc import Callable
from itertools import islice

import numpy as np

from tests.hostile import craft
from tests.hostile.craft import npy, tiff


class Random(random.Random):
    """Random numbers, and the names of all changes that were made with them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.kinds: set[str] = set()

    def forget(self) -> None:
        """What follows is another mutant."""
        self.kinds = set()

    def note(self, kind: str) -> None:
        self.kinds.add(kind)


Mutation = Callable[[bytearray, Random], None]
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63)


def flip_a_bit(data: bytearray, rng: Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def set_a_byte(data: bytearray, rng: Random) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def set_a_number(data: bytearray, rng: Random) -> None:
    size = rng.choice((2, 4, 8))
    at = rng.randrange(max(1, len(data) - size))
    value = (rng.choice(EDGES) + rng.choice((-1, 0, 0, 1))) % 256**size
    data[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))


def cut_out(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randrange(1, 65)]


def cut_off(data: bytearray, rng: Random) -> None:
    del data[rng.randrange(len(data)) :]


def double(data: bytearray, rng: Random) -> None:
    at, size = rng.randrange(len(data)), rng.randrange(1, 129)
    data[at:at] = data[at : at + size]


def insert(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.randrange(1, 33))


def swap(data: bytearray, rng: Random) -> None:
    size = rng.randrange(1, 33)
    one, other = rng.randrange(len(data)), rng.randrange(len(data))
    data[one : one + size], data[other : other + size] = (
        data[other : other + size],
        data[one : one + size],
    )


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_a_bit, set_a_byte, set_a_number, set_a_number),
    *(cut_out, cut_off, double, insert, swap),
)


def mutate(data: bytes, rng: Random) -> bytes:
    """One to four random changes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if changed:
            mutation = rng.choice(MUTATIONS)
            mutation(changed, rng)
            rng.note(mutation.__name__)
    return bytes(changed)


def mutate_in_place(data: bytes, rng: Random) -> bytes:
    """A few bytes set, the length kept."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        set_a_byte(changed, rng)
    return bytes(changed)


def _ramp(dtype: str) -> np.ndarray:
    return (np.arange(240).reshape(12, 20) % 97).astype(dtype)


def seeds() -> dict[str, list[tuple[str, bytes]]]:
    """Valid maps with their extension, by data type."""
    kinds = ("uint8", "uint16", "float16", "float32", "float64")
    byte, short, half, single, double_ = (_ramp(kind) for kind in kinds)
    tiles = {"tile": (16, 16)}
    found = {
        "uint8": [
            (".png", craft.png_file(scanlines=craft.png_rows(byte))),
            (".png", craft.png_file(before=craft.chunk(b"tEXt", b"a\0b"))),
            (".tiff", tiff(byte)),
            (".tiff", tiff(byte, rowsperstrip=3, compression="packbits")),
        ],
        "uint16": [
            (".png", craft.png_interlaced(short)),
            (".tiff", tiff(short, compression="lzw", byteorder=">")),
            (".tiff", tiff(short, compression="deflate", predictor=2, **tiles)),
            (".npy", npy(short.astype(">u2"))),
        ],
        "float16": [
            (".tiff", tiff(half, bigtiff=True, rowsperstrip=3, compression="packbits")),
            (".npy", npy(np.asfortranarray(half))),
        ],
        "float32": [
            (".tiff", tiff(single, compression="deflate", predictor=3)),
            (".tiff", tiff(single, compression="lzw", byteorder=">", **tiles)),
        ],
        "float64": [(".tiff", tiff(double_, compression="zstd", **tiles))],
    }
    for kind, many in found.items():
        many.append((".npy", npy(_ramp(kind))))
    return found


SEEDS = seeds()
FORMS = {
    *(".png", "png chunk", ".tiff", ".npy", "pixels"),
    *("zip", "zip64", "tar", "gzip", "image_scores.csv", "submission.json"),
}
"""What is changed, as mutants are counted by it."""


def mutated_map(rng: Random, dtype: str) -> tuple[str, bytes]:
    """The extension and the bytes of a map that was valid, and of this type."""
    extension, data = rng.choice(SEEDS[dtype])
    rng.note(extension)
    if extension == ".png" and rng.random() < 0.75:
        return extension, mutate_chunks(data, rng)
    if rng.random() < 0.25:  # pixels, most of which may have any value
        half = len(data) // 2
        rng.note("pixels")
        return extension, data[:half] + mutate_in_place(data[half:], rng)
    if rng.random() < 0.6:  # most of what there is to break lies in a header
        head = 80 if extension == ".npy" else rng.choice((16, 300, len(data)))
        return extension, mutate(data[:head], rng) + data[head:]
    return extension, mutate(data, rng)


def mutate_chunks(data: bytes, rng: Random) -> bytes:
    """Change a PNG chunk, or the pixels before they are packed, and put the checksum right."""
    rng.note("png chunk")
    at, chunks = 8, []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunks.append([kind, data[at + 8 : at + 8 + length]])
        at += 12 + length
    chosen = rng.choice(chunks)
    if chosen[0] == b"IDAT" and rng.random() < 0.5:
        chosen[1] = zlib.compress(mutate(zlib.decompress(chosen[1]), rng))
    elif chosen[1] and rng.random() < 0.8:
        chosen[1] = mutate(chosen[1], rng)
    else:
        chosen[0] = mutate(chosen[0], rng).ljust(4, b"a")[:4]
    if rng.random() < 0.2:
        rng.shuffle(chunks)
    return data[:8] + b"".join(craft.chunk(kind, body) for kind, body in chunks)


def mutated_archive(files: dict[str, bytes], rng: Random) -> bytes:
    """A zip, tar or compressed tar of these maps, changed where its structure lies."""
    return rng.choice((mutated_zip, mutated_zip, mutated_tar, mutated_tar_gz))(files, rng)


def mutated_zip(files: dict[str, bytes], rng: Random) -> bytes:
    rng.note("zip")
    body, directory = craft.zip_body(craft.entries(files))
    end = craft.end_record(len(files), len(directory), len(body))
    kind = rng.randrange(4)
    if kind == 0:
        return body + mutate(directory + end, rng)
    if kind == 1:
        directory = mutate(directory, rng)
        return body + directory + craft.end_record(len(files), len(directory), len(body))
    if kind == 2:
        rng.note("zip64")
        return (
            body
            + directory
            + craft.end64(len(files), len(directory), len(body), len(body) + len(directory))
            + mutate(craft.end_record(0xFFFF, craft.MAX32, craft.MAX32), rng)
        )
    return mutate(body + directory + end, rng)


def mutated_tar(files: dict[str, bytes], rng: Random) -> bytes:
    """Headers changed, mostly with their checksum put right, between sound ones."""
    rng.note("tar")
    parts = [craft.tar_entry(name.encode(), data) for name, data in files.items()]
    name, data = next(islice(files.items(), 1, None))
    size = b"%d" % len(data)
    extended = rng.choice(
        (b"", craft.pax({b"path": name.encode(), b"size": size}), _long_name(name.encode()))
    )
    whole = parts[0] + extended + b"".join(parts[1:])
    at = len(parts[0]) if extended and rng.random() < 0.7 else 0
    size = len(extended) or 512
    changed = mutate(whole[at : at + size], rng).ljust(size, b"\0")[:size]
    if rng.random() < 0.8:
        block = bytearray(changed[:512])
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        changed = bytes(block) + changed[512:]
    return whole[:at] + changed + whole[at + size :] + bytes(1024)


def _long_name(name: bytes) -> bytes:
    return craft.tar_entry(b"././@LongLink", name + b"\0", b"L")


def mutated_tar_gz(files: dict[str, bytes], rng: Random) -> bytes:
    rng.note("gzip")
    if rng.random() < 0.5:
        return gzip.compress(mutated_tar(files, rng), 1)
    return mutate(gzip.compress(craft.plain_tar(files) + bytes(1024), 1), rng)


def mutated_texts(texts: dict[str, bytes], rng: Random) -> dict[str, bytes]:
    """One of these members changed."""
    name = rng.choice(sorted(texts))
    rng.note(name)
    change = rng.choice((mutate, another_digit))
    return {**texts, name: change(texts[name], rng)}


def another_digit(text: bytes, rng: Random) -> bytes:
    """As a person's slip would: mostly another sound text."""
    places = [at for at, byte in enumerate(text) if byte in b"0123456789"]
    at = rng.choice(places)
    return text[:at] + b"%d" % rng.randrange(10) + text[at + 1 :]
