"""A stranger's archive, as a list of checked members that are read one at a time.

Nothing is ever extracted to a path that the archive names. What an archive is, is told by its
first bytes and not by its name: zip, tar, gzip-compressed tar, or (on the command line) a folder.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from imagecodecs import deflate_crc32  # fifteen times as fast as zlib's

from scoring import tardir, zipdir
from scoring.errors import ArchiveError, MapError, Problems, printable
from scoring.limits import DEFAULT_LIMITS, KIB, Limits

IGNORED_NAMES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
IGNORED_FOLDERS = frozenset({"__MACOSX"})
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # Unicode categories Cc and Cs
_GZIP = b"\x1f\x8b"
_CHUNK = 64 * KIB
_MAX_MARKS = 30  # as in text that is safe to normalise: UAX #15, section 13
_PACKED_SLACK = 64 * KIB  # deflate adds a few bytes to what it cannot pack


@dataclass(frozen=True)
class Member:
    """One file of an archive: where its bytes lie, and how to check them.

    `path` is set for a folder's file; otherwise the bytes lie at `offset` of the open archive.
    """

    name: str
    size: int
    offset: int = 0
    compressed: int = 0
    method: int = zipdir.STORED
    crc: int | None = None
    path: str | None = None

    def read(self, fd: int, limit: int) -> bytes:
        """The member's bytes, unpacked, at most `limit` of them.

        Raises `MapError` if it is larger, cut short or does not match its checksum.
        """
        if self.size > limit:
            raise MapError(f"unpacks to {self.size:,} bytes; at most {limit:,} are taken")
        if self.compressed > limit + _PACKED_SLACK:
            raise MapError(f"takes {self.compressed:,} bytes packed; expected fewer than unpacked")
        raw = self._raw(fd)
        data = raw if self.method == zipdir.STORED else _inflate(raw, self.size)
        if len(data) != self.size:
            raise MapError(
                f"holds {len(data):,} bytes where {self.size:,} were announced (cut short?)"
            )
        if self.crc is not None and deflate_crc32(data) != self.crc:
            raise MapError("does not match the archive's checksum (damaged?)")
        return data

    def _raw(self, fd: int) -> bytes:
        if self.path is None:
            return os.pread(fd, self.compressed, self.offset)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:
                return file.read(self.size + 1)
        except OSError as error:
            raise MapError(f"cannot be read ({error.strerror})") from error


def _inflate(raw: bytes, size: int) -> bytes:
    try:
        data = zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(raw, size + 1)
    except zlib.error as error:
        raise MapError(f"cannot be unpacked ({error})") from error
    if len(data) > size:
        raise MapError(f"unpacks to more than the {size:,} bytes announced")
    return data


class Archive:
    """An open archive. Use as a context manager; `fd` stays valid until it closes."""

    def __init__(
        self, fd: int | None, members: tuple[Member, ...], temporary: IO[bytes] | None = None
    ) -> None:
        self._fd = fd
        self._temporary = temporary
        self.members = members

    @property
    def fd(self) -> int:
        """The descriptor that members' offsets refer to; -1 for a folder."""
        return -1 if self._fd is None else self._fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive; the temporary file of an unpacked tar disappears with it."""
        if self._temporary is not None:
            self._temporary.close()
        elif self._fd is not None:
            os.close(self._fd)
        self._fd = self._temporary = None


def open_archive(
    path: Path, limits: Limits = DEFAULT_LIMITS, problems: Problems | None = None
) -> Archive:
    """Open a zip, tar, compressed tar or folder and check every name in it.

    Members that cannot be taken are left out and added to `problems`. Where no `problems` are
    given, the archive is refused if there are any.

    Raises `Refused` with the one reason why the whole cannot be read.
    """
    noted = Problems(Path(path).name) if problems is None else problems
    try:
        archive = _open(Path(path), limits, noted)
    except ArchiveError as error:
        noted.add(noted.archive, error)
        noted.raise_if_any()
        raise
    if problems is None and noted:
        archive.close()
        noted.raise_if_any()
    return archive


def _open(path: Path, limits: Limits, problems: Problems) -> Archive:
    if path.is_dir():
        return Archive(None, _bounded(_folder_members(path, limits, problems), limits))
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or a named pipe would be waited for
    except OSError as error:
        raise ArchiveError(f"cannot be opened: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ArchiveError("is no plain file; expected a .zip, .tar or .tar.gz file")
        head = os.pread(fd, 512, 0)
        if head[:2] == _GZIP:
            archive = _open_compressed_tar(fd, limits, problems)
            os.close(fd)
            return archive
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            members = _bounded(_zip_members(fd, limits, problems), limits)
        elif head[257:262] == b"ustar" or (len(head) == 512 and not any(head)):
            members = _bounded(_tar_members(fd, limits, problems), limits)
        else:
            raise ArchiveError("is no archive; expected a .zip, .tar or .tar.gz file")
    except BaseException:
        os.close(fd)
        raise
    return Archive(fd, members)


def _bounded(members: Iterable[Member], limits: Limits) -> tuple[Member, ...]:
    """All members, unless their names alone would fill the memory."""
    kept, characters = [], 0
    for member in members:
        characters += len(member.name)
        if characters > limits.all_names:
            raise ArchiveError(f"holds names of more than {limits.all_names:,} characters together")
        kept.append(member)
    return tuple(kept)


def _folder_members(root: Path, limits: Limits, problems: Problems) -> Iterator[Member]:
    count = 0
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
        links = [name for name in subfolders if Path(folder, name).is_symlink()]
        for name in sorted(files + links):
            path = Path(folder, name)
            raw = os.fsencode(path.relative_to(root).as_posix())
            relative, problem = _decode_name(raw, limits, utf8=True)
            count += 1
            if count > limits.members:
                raise ArchiveError(f"holds more than {limits.members} files")
            if problem is None and _ignored(relative):
                continue
            if path.is_symlink() or not path.is_file():
                problem = problem or "is a link or a special file; expected a plain file"
            if problem is not None:
                problems.add(relative, problem)
                continue
            size = path.stat().st_size
            yield Member(relative, size, compressed=size, path=str(path))


def _zip_members(fd: int, limits: Limits, problems: Problems) -> Iterator[Member]:
    for entry in zipdir.read_directory(fd, limits):
        name, problem = _decode_name(entry.name, limits, utf8=entry.utf8)
        problem = problem or entry.problem
        if problem is None and (entry.is_folder or _ignored(name)):
            continue
        if problem is not None:
            problems.add(name, problem)
            continue
        yield Member(name, entry.size, entry.data_offset, entry.compressed, entry.method, entry.crc)


def _open_compressed_tar(fd: int, limits: Limits, problems: Problems) -> Archive:
    spool = tempfile.TemporaryFile(prefix="autovi-")  # noqa: SIM115 - lives as long as the archive
    try:
        with open(fd, "rb", closefd=False) as source:
            gunzip(source, spool, limits)
        members = _bounded(_tar_members(spool.fileno(), limits, problems), limits)
    except BaseException:
        spool.close()
        raise
    return Archive(spool.fileno(), members, spool)


def is_compressed(path: Path) -> bool:
    """Whether this is a gzip file, by its first bytes."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


class Sink(Protocol):
    """Where unpacked bytes go."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


def gunzip(
    source: IO[bytes], spool: Sink, limits: Limits = DEFAULT_LIMITS, folder: Path | None = None
) -> None:
    """Unpack all gzip members (RFC 1952) into `spool`, at most `limits.spool_bytes`.

    Half of what is free where `folder` lies, by default that of temporary files, is left free.

    Raises
    ------
    ArchiveError
        If there is more, or the data is damaged or cut short.
    OSError
        If the disk has no room.
    """
    limit, free = limits.spool_bytes, shutil.disk_usage(folder or tempfile.gettempdir()).free // 2
    written, count, inflater = 0, 1, zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    pending = source.read(_CHUNK)
    while pending:
        try:
            data = inflater.decompress(pending, _CHUNK)
        except zlib.error as error:
            raise ArchiveError(f"the gzip data is damaged ({error})") from error
        written += len(data)
        if written > limit:
            raise ArchiveError(f"unpacks to more than {limit:,} bytes; send a zip file instead")
        if written > free:
            raise OSError("the disk has no room to unpack a compressed tar")
        spool.write(data)
        pending = inflater.unconsumed_tail
        if inflater.eof:
            pending = inflater.unused_data.lstrip(b"\0") or source.read(_CHUNK).lstrip(b"\0")
            if pending:
                count += 1
                if count > limits.members:
                    raise ArchiveError(f"holds more than {limits.members} gzip members")
                inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        elif not pending:
            pending = source.read(_CHUNK)
    if not inflater.eof:
        raise ArchiveError("the gzip data is cut short")
    spool.flush()


def _tar_members(fd: int, limits: Limits, problems: Problems) -> Iterator[Member]:
    for entry in tardir.read_entries(fd, limits):
        name, problem = _decode_name(entry.name, limits, utf8=True)
        problem = problem or entry.problem
        if problem is None and (entry.is_folder or _ignored(name)):
            continue
        if problem is not None:
            problems.add(name, problem)
            continue
        yield Member(name, entry.size, entry.data_offset, entry.size)


def _decode_name(raw: bytes, limits: Limits, *, utf8: bool) -> tuple[str, str | None]:
    """The member's name without a leading ``./``, and what is wrong with it or None."""
    shown = raw.decode("utf-8", "surrogateescape") if utf8 or raw.isascii() else raw.decode("cp437")
    if len(raw) > limits.name_bytes:
        return shown, f"has a name of {len(raw):,} bytes; at most {limits.name_bytes:,} are taken"
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        return shown, "has a name that is not UTF-8"
    return _normal(name), _name_problem(name)


def _normal(name: str) -> str:
    while name.startswith("./"):
        name = name[2:]
    return name


def _name_problem(name: str) -> str | None:
    if _CONTROLS.search(name):
        return "has control characters in its name"
    if not name.isascii() and _unsafe_to_normalise(name):
        return f"has more than {_MAX_MARKS} combining marks in a row in its name"
    if "\\" in name:
        return "has a backslash in its name; expected / between folders"
    if name.startswith("/") or re.match(r"[A-Za-z]:", _normal(name)):
        return "has an absolute path; expected one relative to the archive"
    parts = _normal(name).rstrip("/").split("/")
    if ".." in parts:
        return "has .. in its path; expected a plain relative path"
    if name.strip("./") and any(part in ("", ".") for part in parts):
        return "has an empty part in its path; expected a plain relative path"
    return None


def _unsafe_to_normalise(name: str) -> bool:
    """Whether marks follow one another so long that sorting them takes long."""
    marks = 0
    for character in name:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > _MAX_MARKS:
            return True
    return False


def _ignored(name: str) -> bool:
    *folders, last = name.split("/")
    return last in IGNORED_NAMES or not IGNORED_FOLDERS.isdisjoint(folders)


def same_file_key(name: str) -> str:
    """What two names share that a careless file system would take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


__all__ = [
    "Archive",
    "Member",
    "Sink",
    "gunzip",
    "is_compressed",
    "open_archive",
    "printable",
    "same_file_key",
]
