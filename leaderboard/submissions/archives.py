"""A stored archive as a file of this machine, for those who have to read it.

Where archives lie in a folder that is the archive itself. Of an object store
a copy is taken, named by the archive's SHA-256: the jobs of a submission share
it, and it goes when no job on that archive is left (`drop_copies`). All copies
together stay below ``settings.ARCHIVE_COPIES_BYTES``, but for those in use.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState

logger = logging.getLogger(__name__)

CHUNK = 1024 * 1024
PARTIAL = ".partial"


class ArchiveDamaged(Exception):
    """What the storage gave is not what was stored."""


@dataclass(frozen=True)
class LocalArchive:
    """An archive's ``path`` on this machine, and its SHA-256 where it was found on the way."""

    path: Path
    sha256: str = ""


@contextmanager
def local(submission: Submission) -> Iterator[LocalArchive]:
    """The archive on this machine, for as long as the context lasts.

    Raises FileNotFoundError where it is not stored, ArchiveDamaged where the
    storage gives other bytes than were stored, and what the storage raises.
    """
    if isinstance(submission.archive.storage, FileSystemStorage):
        yield LocalArchive(submission.archive_file)
        return
    with ExitStack() as held:
        yield _found(submission, held) or _fetched(submission, held)


def confirm(submission: Submission) -> None:
    """Check that the storage gives what was received, before somebody is blamed for it.

    Raises ArchiveDamaged where it gives other bytes, and OSError where it gives
    none. Copies from an object store were compared when they were made.
    """
    if not isinstance(submission.archive.storage, FileSystemStorage):
        return
    with submission.archive_file.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != submission.sha256:
        expected = submission.sha256
        raise ArchiveDamaged(f"{submission.pk}: SHA-256 {found}; expected {expected}")


def drop_copies() -> int:
    """Remove the copies on this machine that no job waits for and nobody reads."""
    dropped = 0
    for path in _copies():
        waiting = Job.objects.filter(
            submission__sha256=path.stem, state__in=[JobState.QUEUED, JobState.RUNNING]
        )
        if path.suffix == PARTIAL or not waiting.exists():
            dropped += _remove(path)
    return dropped


def _found(submission: Submission, held: ExitStack) -> LocalArchive | None:
    """The copy that is here already; held against removal until ``held`` ends."""
    if not submission.sha256:
        return None
    path = _folder() / submission.sha256
    try:
        file = held.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    if not path.exists():  # removed between the two: this file has no name any more
        return None
    os.utime(path)
    return LocalArchive(path, submission.sha256)


def _fetched(submission: Submission, held: ExitStack) -> LocalArchive:
    """A new copy, made under another name and held from its first byte on."""
    _folder().mkdir(parents=True, exist_ok=True)
    _make_room(submission.size)
    partial = _folder() / f"{uuid.uuid4().hex}{PARTIAL}"
    file = held.enter_context(partial.open("w+b"))
    fcntl.flock(file, fcntl.LOCK_SH)
    held.callback(partial.unlink, missing_ok=True)
    digest = hashlib.sha256()
    for chunk in _chunks(submission):
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    found = digest.hexdigest()
    if file.tell() != submission.size or found != (submission.sha256 or found):
        raise ArchiveDamaged(
            f"{submission.pk}: {file.tell()} bytes with SHA-256 {found}; expected "
            f"{submission.size} bytes" + f" with {submission.sha256}" * bool(submission.sha256)
        )
    path = _folder() / found
    partial.replace(path)
    return LocalArchive(path, found)


def _chunks(submission: Submission) -> Iterator[bytes]:
    """The stored bytes. An S3Storage's file would read the whole into memory before the first."""
    with submission.archive.storage.open(str(submission.archive.name)) as stored:
        if not hasattr(stored, "obj"):
            yield from stored.chunks(CHUNK)
            return
        body = stored.obj.get()["Body"]
        while chunk := body.read(CHUNK):
            yield chunk


def _make_room(size: int) -> None:
    """Remove the copies that were not read for longest, until ``size`` more bytes fit."""
    copies = sorted(_copies(), key=_modified)
    total = sum(_size(path) for path in copies)
    for path in copies:
        if total + size <= settings.ARCHIVE_COPIES_BYTES:
            return
        freed = _size(path)
        total -= freed * _remove(path)


def _remove(path: Path) -> bool:
    """Remove a file unless somebody reads or writes it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def _copies() -> list[Path]:
    return [path for path in _folder().glob("*") if path.is_file()]


def _folder() -> Path:
    return Path(settings.VAR_DIR) / "archive-copies"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
