"""A strict reader of tar headers, for archives made by strangers.

Python's `tarfile` follows whatever a header says: sizes below zero turn it round in circles, chains
of extended headers exhaust its stack, a sparse map fills the memory, and a long line of digits
keeps its regular expressions busy for seconds. This reader takes what honest archives hold (ustar
and pax of POSIX 1003.1, GNU long names), in time and memory linear in the headers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scoring.errors import ArchiveError
from scoring.limits import KIB, Limits

_BLOCK = 512
_MAX_EXTENDED = 64 * KIB
_HEADERS_PER_MEMBER = 4  # pax, long name, long link, and the member's own
_FILES = (b"0", b"\0", b"7")
_LINKS = (b"1", b"2")
_FOLDER = b"5"
_WITHOUT_DATA = (*_LINKS, b"3", b"4", b"6")
_GNU_SPARSE = b"S"
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_EXTENDED = (_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK)
_OCTAL = re.compile(rb" *([0-7]*) *")
_MAX_DIGITS = 18


@dataclass(frozen=True)
class TarEntry:
    """One entry, with the name and size that its extended headers give it."""

    name: bytes
    size: int
    data_offset: int
    is_folder: bool
    problem: str | None
    """Why this entry cannot be taken, or None."""


@dataclass(frozen=True)
class _Header:
    kind: bytes
    name: bytes
    size: int
    data_offset: int


@dataclass(frozen=True)
class _Extended:
    """What extended headers say of the entry that follows them."""

    name: bytes | None = None
    size: int | None = None
    sparse: bool = False


def read_entries(fd: int, limits: Limits) -> Iterator[TarEntry]:
    """All entries of the tar file, in order.

    Raises `ArchiveError` if it is cut, damaged, or has more entries than the limit.
    """
    file_size = os.fstat(fd).st_size
    position = entries = headers = 0
    extended = _Extended()
    while (header := _read_header(fd, position, file_size)) is not None:
        headers += 1
        if entries == limits.members or headers > _HEADERS_PER_MEMBER * limits.members:
            raise ArchiveError(f"holds more than {limits.members} entries")
        if header.kind in _EXTENDED:
            extended = _extend(extended, header, _extended_data(fd, header))
            position = header.data_offset + _padded(header.size)
            continue
        entry = _entry(header, extended, file_size)
        entries, extended = entries + 1, _Extended()
        yield entry
        if header.kind == _GNU_SPARSE:
            return  # what follows is a map of its holes; the archive is refused anyway
        position = entry.data_offset
        if header.kind not in _WITHOUT_DATA:
            position += _padded(entry.size)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _read_header(fd: int, position: int, file_size: int) -> _Header | None:
    """The header at this position, or None at the archive's end."""
    if position >= file_size:
        return None
    block = os.pread(fd, _BLOCK, position)
    if not any(block):
        return None
    if len(block) < _BLOCK:
        raise ArchiveError("the tar file is cut short")
    expected = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if _number(block[148:156]) != expected:
        raise ArchiveError("the tar file is damaged (a header does not match its checksum)")
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return _Header(
        kind=block[156:157],
        name=prefix + b"/" + name if prefix else name,
        size=_number(block[124:136]),
        data_offset=position + _BLOCK,
    )


def _number(field: bytes) -> int:
    """An octal number, or GNU's base 256 where its first bit is set."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field.partition(b"\0")[0])
    if match is None:
        raise ArchiveError("the tar file is damaged (a header holds no number where one belongs)")
    return int(match[1] or b"0", 8)


def _extended_data(fd: int, header: _Header) -> bytes:
    if header.size > _MAX_EXTENDED:
        raise ArchiveError(
            f"the tar file holds a header of {header.size:,} bytes; "
            f"at most {_MAX_EXTENDED:,} are taken"
        )
    data = os.pread(fd, header.size, header.data_offset)
    if len(data) < header.size:
        raise ArchiveError("the tar file is cut short")
    return data


def _extend(extended: _Extended, header: _Header, data: bytes) -> _Extended:
    if header.kind == _LONG_LINK:
        return extended
    if header.kind == _LONG_NAME:
        return replace(extended, name=data.rstrip(b"\0"))
    records = _pax_records(data)
    if header.kind == _PAX_GLOBAL:
        if not records.keys().isdisjoint((b"path", b"size")):
            raise ArchiveError("the tar file gives one name or size to all its entries")
        return extended
    size = records.get(b"size")
    if size is not None and not _is_number(size):
        raise ArchiveError("the tar file is damaged (an extended header)")
    return _Extended(
        name=records.get(b"path", extended.name),
        size=extended.size if size is None else int(size),
        sparse=extended.sparse or any(key.startswith(b"GNU.sparse.") for key in records),
    )


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """Records "<length> <key>=<value>\\n" (POSIX 1003.1, pax, "pax Extended Header")."""
    records, at = {}, 0
    while at < len(data):
        digits = data[at : at + _MAX_DIGITS].partition(b" ")[0]
        end = at + int(digits) if _is_number(digits) else 0
        key, equals, value = data[at + len(digits) + 1 : end].partition(b"=")
        if end > len(data) or not equals or not value.endswith(b"\n"):
            raise ArchiveError("the tar file is damaged (an extended header)")
        records[key] = value[:-1]
        at = end
    return records


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _MAX_DIGITS


def _entry(header: _Header, extended: _Extended, file_size: int) -> TarEntry:
    name = header.name if extended.name is None else extended.name
    size = header.size if extended.size is None else extended.size
    folder = header.kind == _FOLDER or (header.kind in _FILES and name.endswith(b"/"))
    problem = None
    if header.kind in _LINKS:
        problem = "is a link; expected a plain file"
    elif extended.sparse or header.kind not in (*_FILES, _FOLDER):
        problem = "is a device or another special file; expected a plain file"
    elif folder and size:
        problem = "is a folder that holds data"
    elif size > file_size - header.data_offset:
        problem = "announces more bytes than the archive holds (cut short?)"
    return TarEntry(name, size, header.data_offset, folder, problem)
