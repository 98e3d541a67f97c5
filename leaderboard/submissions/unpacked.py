"""Compressed tars, unpacked once a machine and not once a job.

A compressed tar cannot be read from the middle. The first job that scores one keeps it as a plain
tar under ``var/unpacked``, named by the hash of the archive, for the jobs that follow. Everything
here may be deleted at any time; whatever cannot be kept is read as it came.

A file that is being made or read is locked, so what is not locked is left over or not in use.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from scoring import Limits
from scoring.archive import gunzip, is_compressed
from scoring.errors import ArchiveError

logger = logging.getLogger(__name__)

KEPT_SECONDS = 15 * 60
"""A copy that nobody used for this long is dropped by the sweeper."""

_LOOK_AFTER = 16 * 2**20  # bytes: others write, too
_PARTIAL = ".partial"


class NoRoom(OSError):
    """All unpacked archives together would be larger than one may be."""


def folder() -> Path:
    """Where the copies lie."""
    return Path(settings.VAR_DIR) / "unpacked"


@contextmanager
def plain(archive: Path, sha256: str, limits: Limits) -> Iterator[Path]:
    """An archive that was checked before, in a form that can be read from the middle.

    That is the archive itself, unless it is a compressed tar. Its copy is not dropped inside this
    context.
    """
    copy = _kept(archive, sha256, limits) if is_compressed(archive) else None
    if copy is None:
        yield archive
        return
    with copy:
        os.utime(copy.fileno())
        yield Path(copy.name)
        os.utime(copy.fileno())


def drop_unused() -> int:
    """Delete copies that nobody used for a while and what killed workers left; how many."""
    oldest = time.time() - KEPT_SECONDS
    return sum(_drop(path) for path, used, _ in _copies() if used < oldest)


def _kept(archive: Path, sha256: str, limits: Limits) -> IO[bytes] | None:
    """The copy, open and locked; made if it is not there, None if it cannot be."""
    path = folder() / f"{sha256}.tar"
    try:
        return _locked(path, "rb", fcntl.LOCK_SH) or _made(archive, path, limits)
    except (ArchiveError, OSError) as error:
        logger.warning("not kept unpacked", extra={"archive": sha256, "why": str(error)})
        return None


def _made(archive: Path, path: Path, limits: Limits) -> IO[bytes] | None:
    """Unpack to a partial file, which one process at a time may do, and give it its name."""
    partial, file = path.with_suffix(_PARTIAL), None
    while file is None:  # others may have given it its name, or dropped it, before we had the lock
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _locked(partial, "ab", fcntl.LOCK_EX)
    with file, archive.open("rb") as source:
        if not path.exists():
            file.truncate(0)
            try:
                gunzip(source, _Bounded(file, limits.spool_bytes), limits, path.parent)
                os.fsync(file.fileno())
            except BaseException:
                partial.unlink()
                raise
            partial.rename(path)
        else:
            partial.unlink()
    return _locked(path, "rb", fcntl.LOCK_SH)


def _locked(path: Path, mode: str, how: int) -> IO[bytes] | None:
    """The file under a lock; None if it is not there by then, or is held and `how` waits not."""
    try:
        file = path.open(mode)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, how)
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        file.close()
        raise
    file.close()
    return None


class _Bounded:
    """Writes to a file as long as all copies together stay within a bound."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most = file, most
        self._room = 0

    def write(self, data: bytes) -> int:
        """Write, after others were dropped if that was needed; raises NoRoom."""
        if len(data) > self._room:
            self._file.flush()
            self._room = min(_make_room(self._most, len(data)), _LOOK_AFTER)
        self._room -= len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _make_room(most: int, wanted: int) -> int:
    """Drop copies, those first that were not used for longest, until `wanted` bytes fit in; how
    many do. Raises NoRoom."""
    copies = sorted(_copies(), key=lambda copy: copy[1])
    room = most - sum(size for *_, size in copies)
    for path, _, size in copies:
        if room >= wanted:
            break
        room += size * _drop(path)
    if room < wanted:
        raise NoRoom(f"unpacked archives would take more than {most:,} bytes together")
    return room


def _copies() -> list[tuple[Path, float, int]]:
    """Path, time of last use and bytes of all copies, whole and partial."""
    found = []
    for path in folder().glob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # dropped by another process
        found.append((path, status.st_mtime, status.st_size))
    return found


def _drop(path: Path) -> bool:
    """Delete a copy unless somebody holds it."""
    file = _locked(path, "rb", fcntl.LOCK_EX | fcntl.LOCK_NB)
    if file is None:
        return False
    with file:
        path.unlink()
    return True
