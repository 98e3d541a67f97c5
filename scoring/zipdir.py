"""A strict reader of zip directories, for archives made by strangers.

Python's `zipfile` accepts what must not pass here: entries that overlap (20 KB that declare
2 GB), names cut at a NUL byte, a directory of any length held in memory. This reader takes plain
zip files only and checks that each byte belongs to one entry.
Sections are those of PKWARE's APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass

from scoring.errors import ArchiveError
from scoring.limits import Limits

STORED, DEFLATED = 0, 8

_LOCAL = struct.Struct("<4s5H3I2H")  # 4.3.7
_CENTRAL = struct.Struct("<4s6H3I5H2I")  # 4.3.12
_END = struct.Struct("<4s4H2IH")  # 4.3.16
_END64_LOCATOR = struct.Struct("<4sIQI")  # 4.3.15
_END64 = struct.Struct("<4sQ2H2I4Q")  # 4.3.14
_CENTRAL_ENTRY_MIN = 46
_MAX_COMMENT = 0xFFFF
_ENCRYPTED, _STRONG, _UTF8, _MASKED = 1, 1 << 6, 1 << 11, 1 << 13


@dataclass(frozen=True)
class ZipEntry:
    """One entry of the central directory, checked against its local header."""

    name: bytes
    utf8: bool
    method: int
    crc: int
    compressed: int
    size: int
    header_offset: int
    data_offset: int
    is_folder: bool
    problem: str | None
    """Why this entry cannot be taken, or None."""


def read_directory(fd: int, limits: Limits) -> list[ZipEntry]:
    """All entries of the zip file, in directory order.

    Raises `ArchiveError` if the file is cut, has more entries than the limit, or if entries
    overlap one another or the directory.
    """
    file_size = os.fstat(fd).st_size
    count, size, offset, end = _find_directory(fd, file_size)
    _check_directory_size(count, size, offset, end, limits)
    raw = os.pread(fd, size, offset)
    entries, position = [], 0
    for _ in range(count):
        entry, position = _read_entry(fd, raw, position, offset)
        entries.append(entry)
    if position != len(raw):
        raise ArchiveError(f"the zip directory holds more than the {count} entries announced")
    _check_overlaps(entries, offset)
    return entries


def _find_directory(fd: int, file_size: int) -> tuple[int, int, int, int]:
    tail_size = min(file_size, _END.size + _MAX_COMMENT)
    tail = os.pread(fd, tail_size, file_size - tail_size)
    at = len(tail) - _END.size
    while at >= 0:
        at = tail.rfind(b"PK\x05\x06", 0, at + 4)
        if at < 0:
            break
        fields = _END.unpack_from(tail, at)
        if at + _END.size + fields[7] == len(tail):
            return _directory_from_end(fd, fields, file_size - tail_size + at)
        at -= 1
    raise ArchiveError("the zip file has no directory at its end (cut short?)")


def _directory_from_end(fd: int, fields: tuple[int, ...], end: int) -> tuple[int, int, int, int]:
    _, disk, directory_disk, _, count, size, offset, _ = fields
    if 0xFFFF in (disk, count) or 0xFFFFFFFF in (size, offset):
        disk, directory_disk, count, size, offset, end = _read_end64(fd, end)
    if disk or directory_disk:
        raise ArchiveError("the zip file is one part of several; expected a single file")
    return count, size, offset, end


def _read_end64(fd: int, end: int) -> tuple[int, int, int, int, int, int]:
    locator = os.pread(fd, _END64_LOCATOR.size, max(0, end - _END64_LOCATOR.size))
    if len(locator) < _END64_LOCATOR.size or locator[:4] != b"PK\x06\x07":
        raise ArchiveError("the zip64 end record cannot be found")
    _, _, at, _ = _END64_LOCATOR.unpack(locator)
    record = os.pread(fd, _END64.size, at) if at < end else b""
    if len(record) < _END64.size or record[:4] != b"PK\x06\x06":
        raise ArchiveError("the zip64 end record cannot be found")
    _, _, _, _, disk, directory_disk, _, count, size, offset = _END64.unpack(record)
    return disk, directory_disk, count, size, offset, at


def _check_directory_size(count: int, size: int, offset: int, end: int, limits: Limits) -> None:
    if count > limits.members:
        raise ArchiveError(
            f"the archive announces {count} entries; at most {limits.members} are taken"
        )
    largest = limits.members * 2 * _CENTRAL_ENTRY_MIN + limits.all_names
    if size > largest:
        raise ArchiveError(
            f"the zip directory announces {size:,} bytes; at most {largest:,} are taken"
        )
    if offset + size != end:
        raise ArchiveError("the zip directory does not end where its end record begins")


def _read_entry(fd: int, raw: bytes, position: int, directory: int) -> tuple[ZipEntry, int]:
    if len(raw) - position < _CENTRAL.size or raw[position : position + 4] != b"PK\x01\x02":
        raise ArchiveError("the zip directory is damaged or cut short")
    fields = _CENTRAL.unpack_from(raw, position)
    _, made_by, _, flags, method, _, _, crc, compressed, size = fields[:10]
    name_length, extra_length, comment_length, disk, _, attributes, offset = fields[10:]
    start = position + _CENTRAL.size
    name = raw[start : start + name_length]
    extra = raw[start + name_length : start + name_length + extra_length]
    after = start + name_length + extra_length + comment_length
    if after > len(raw):
        raise ArchiveError("the zip directory is damaged or cut short")
    if 0xFFFFFFFF in (size, compressed, offset):
        size, compressed, offset = _zip64_sizes(extra, size, compressed, offset)
    is_folder = name.endswith(b"/")
    problem = _entry_problem(
        flags, method, disk, _unix_type(made_by, attributes), is_folder, size, compressed
    )
    data_offset = _data_offset(fd, offset, name, directory)
    entry = ZipEntry(
        name,
        bool(flags & _UTF8),
        method,
        crc,
        compressed,
        size,
        offset,
        data_offset,
        is_folder,
        problem,
    )
    return entry, after


def _zip64_sizes(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int, int]:
    """Replace the fields that hold 2**32 - 1 by those of the zip64 extra field (4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            wanted = [value == 0xFFFFFFFF for value in (size, compressed, offset)]
            if length < 8 * sum(wanted) or at + 4 + length > len(extra):
                break
            found = iter(struct.unpack_from(f"<{sum(wanted)}Q", extra, at + 4))
            values = (size, compressed, offset)
            size, compressed, offset = (
                next(found) if want else value for want, value in zip(wanted, values, strict=True)
            )
            return size, compressed, offset
        at += 4 + length
    raise ArchiveError("an entry's zip64 sizes are missing")


def _unix_type(made_by: int, attributes: int) -> int:
    return stat.S_IFMT(attributes >> 16) if made_by >> 8 == 3 else 0


def _entry_problem(
    flags: int, method: int, disk: int, unix_type: int, is_folder: bool, size: int, compressed: int
) -> str | None:
    if flags & (_ENCRYPTED | _STRONG | _MASKED):
        return "is encrypted; expected a plain file"
    if stat.S_ISLNK(unix_type):
        return "is a symbolic link; expected a plain file"
    if unix_type not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a device or another special file; expected a plain file"
    if is_folder:
        return "is a folder that holds data" if size or compressed else None
    if stat.S_ISDIR(unix_type):
        return "is marked as a folder but named as a file; expected a plain file"
    if method not in (STORED, DEFLATED):
        return f"is compressed by zip method {method}; expected stored (0) or deflate (8)"
    if method == STORED and size != compressed:
        return "is stored but announces two different sizes"
    return "lies on another disk" if disk else None


def _data_offset(fd: int, offset: int, name: bytes, directory: int) -> int:
    header = os.pread(fd, _LOCAL.size, offset) if offset < directory else b""
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise ArchiveError(f"the zip directory points at {offset}, where no entry begins")
    *_, name_length, extra_length = _LOCAL.unpack(header)
    if os.pread(fd, name_length, offset + _LOCAL.size) != name:
        raise ArchiveError("an entry is named otherwise in the zip directory than where it lies")
    return offset + _LOCAL.size + name_length + extra_length


def _check_overlaps(entries: list[ZipEntry], directory: int) -> None:
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise ArchiveError("entries of the zip file overlap")
        end = entry.data_offset + entry.compressed
    if end > directory:
        raise ArchiveError("an entry of the zip file runs into the directory (cut short?)")
