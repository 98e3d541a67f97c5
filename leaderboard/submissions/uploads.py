"""Receiving an archive: hashed while it streams to disk, never in memory."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class HashingUploadHandler(TemporaryFileUploadHandler):
    """Write an upload to a temporary file and hash it on the way.

    The finished file carries ``sha256`` (hexadecimal) and ``too_large``: past
    ``settings.MAX_UPLOAD_BYTES`` the rest of the body is read but not kept.
    """

    file: TemporaryUploadedFile

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.MAX_UPLOAD_BYTES:
            self.file.too_large = True  # type: ignore[attr-defined]
            return
        self._digest.update(raw_data)
        super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> TemporaryUploadedFile:
        file: Any = super().file_complete(file_size)
        file.sha256 = self._digest.hexdigest()
        file.too_large = getattr(file, "too_large", False)
        return file
