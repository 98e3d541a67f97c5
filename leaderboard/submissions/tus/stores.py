"""Where the bytes of uploads in pieces go: what a store does, and which one there is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage

from leaderboard.submissions.models import Submission, Upload
from leaderboard.submissions.tus.folder import Folder


class Writer(Protocol):
    """Takes bytes; ``offset`` is how far the upload's row is."""

    offset: int

    def write(self, block: bytes) -> None:
        """Take a block."""


class Store(Protocol):
    """Keeps the bytes of uploads until they are whole archives."""

    def room(self) -> int | None:
        """Free bytes; None where nobody knows."""

    def writer(self, upload: Upload, offset: int) -> AbstractContextManager[Writer]:
        """Take bytes from ``offset`` on; all that were taken are durable at its end."""

    def complete(self, upload: Upload) -> None:
        """Make a whole upload the archive under its name. Doing it twice does no harm."""

    def discard(self, upload: Upload) -> None:
        """Remove all that is stored of it. Doing it twice does no harm."""


def store() -> Store:
    """The store beside the storage of archives."""
    storage = Submission._meta.get_field("archive").storage
    if isinstance(storage, FileSystemStorage):
        return Folder(storage)
    if hasattr(storage, "bucket_name"):
        # Here, because its driver takes a while to load, and is installed where it is needed.
        from leaderboard.submissions.tus.objects import Objects

        return Objects(storage)
    raise ImproperlyConfigured(
        f"{type(storage).__name__}: takes no uploads in pieces; expected folders or S3Storage"
    )
