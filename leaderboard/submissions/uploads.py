"""Receiving archives: on one page, one file, hashed while it streams to disk, never in memory."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    StopUpload,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest

FIELD = "archive"
"""The form field of the one file that the site takes."""


def is_too_long(request: HttpRequest) -> bool:
    """Whether a request announces more than the largest archive and the form around it."""
    most = settings.MAX_UPLOAD_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > most
    except ValueError:
        return True


class NoUploadHandler(FileUploadHandler):
    """Takes no file: reading the request ends where one begins. The rule of the whole site."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        raise StopUpload(connection_reset=True)

    def file_complete(self, file_size: int) -> None:
        return None


class ArchiveUploadHandler(TemporaryFileUploadHandler):
    """Writes the one archive to a temporary file and hashes it on the way.

    The finished file carries ``sha256`` (hexadecimal). A file in another field,
    a second file and the first byte past ``settings.MAX_UPLOAD_BYTES`` end the
    reading, and nothing is kept; ``too_large`` then holds the file's name.
    """

    file: TemporaryUploadedFile
    too_large = ""
    _begun = False

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        if field_name != FIELD or self._begun:
            raise StopUpload(connection_reset=True)
        self._begun = True
        super().new_file(field_name, file_name, *args, **kwargs)
        self._digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.MAX_UPLOAD_BYTES:
            self.too_large = str(self.file_name)
            raise StopUpload(connection_reset=True)
        self._digest.update(raw_data)
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> TemporaryUploadedFile:
        file: Any = super().file_complete(file_size)
        file.sha256 = self._digest.hexdigest()
        return file
