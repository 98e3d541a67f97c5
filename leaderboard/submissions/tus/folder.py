"""Uploads in pieces into a folder of this machine: each is the archive's file, as far as it is."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from leaderboard.submissions.models import Upload
from leaderboard.submissions.tus.body import Interrupted
from leaderboard.submissions.tus.progress import Elsewhere, advance, held

PIECE = 4 * 1024 * 1024
"""Bytes that are written at a time, each time with the row's lock."""
SECONDS = 3.0
"""The longest that bytes of a slow sender wait for being written."""


class Folder:
    """The store of uploads under a FileSystemStorage's folder."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def room(self) -> int:
        """Bytes that are free."""
        Path(self._storage.location).mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._storage.location).free

    @contextmanager
    def writer(self, upload: Upload, offset: int) -> Iterator[Writer]:
        """Take bytes from ``offset`` on; what came before an interruption is kept.

        Raises Elsewhere and Ended (`progress.held`), OSError where they cannot be written.
        """
        writer = Writer(self._path(upload), upload, offset)
        try:
            yield writer
            writer.flush()
        except Interrupted:
            writer.flush()
            raise
        finally:
            writer.close()

    def complete(self, upload: Upload) -> None:
        """Nothing to do: the last byte made the file whole. Raises OSError where it is not."""
        size = self._path(upload).stat().st_size
        if size != upload.length:
            raise OSError(f"{upload.name}: {size} bytes; expected {upload.length}")

    def discard(self, upload: Upload) -> None:
        """Remove the file and its folder; both may be gone already."""
        path = self._path(upload)
        path.unlink(missing_ok=True)
        with suppress(OSError):  # gone, or something else lies there
            path.parent.rmdir()

    def _path(self, upload: Upload) -> Path:
        return Path(self._storage.path(upload.name))


class Writer:
    """Appends to one upload. ``offset`` is how far its row is, by this writer's doing."""

    def __init__(self, path: Path, upload: Upload, offset: int) -> None:
        self.offset = offset
        self._pk = upload.pk
        self._waiting = bytearray()
        self._flushed = time.monotonic()
        with held(self._pk, offset):
            self._file = _open(path)
            # What a killed process wrote, and did not record, is sent again.
            size = os.fstat(self._file).st_size
            if size > offset:
                os.ftruncate(self._file, offset)
        if size < offset:
            self._lost(size)

    def write(self, block: bytes) -> None:
        """Take a block, and write what waits once it is enough or waits for long."""
        self._waiting += block
        late = time.monotonic() - self._flushed > SECONDS
        if late or len(self._waiting) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Write what waits; the row says so once it is on the disk."""
        if not self._waiting:
            return
        with held(self._pk, self.offset) as upload:
            try:
                self._append()
                os.fdatasync(self._file)
            except OSError:
                with suppress(OSError):  # the next writer does it
                    os.ftruncate(self._file, self.offset)
                raise
            advance(upload, self.offset + len(self._waiting))
        self.offset += len(self._waiting)
        self._waiting.clear()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Let the file go; what waits is dropped."""
        os.close(self._file)

    def _append(self) -> None:
        left, at = memoryview(self._waiting), self.offset
        while left:
            written = os.pwrite(self._file, left, at)
            left, at = left[written:], at + written

    def _lost(self, size: int) -> None:
        """Say truly how much there is where the file is shorter than the row says."""
        self.close()
        with held(self._pk, self.offset) as upload:
            advance(upload, size)
        raise Elsewhere(size)


def _open(path: Path) -> int:
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, settings.FILE_UPLOAD_PERMISSIONS or 0o666)
    if new:
        _sync_folder(path.parent)
    return file


def _sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as its bytes will be."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
