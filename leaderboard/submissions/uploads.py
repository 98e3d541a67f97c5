"""Receiving archives: on one page, one file, hashed while it streams to disk, never in memory."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

logger = logging.getLogger(__name__)

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


class ArchiveUploadHandler(FileUploadHandler):
    """Writes the one archive to a temporary file and hashes it on the way.

    The temporary file has no name, so that a process that dies leaves nothing. The
    finished file carries ``sha256`` (hexadecimal). A file in another field, a second
    file and the first byte past ``settings.MAX_UPLOAD_BYTES`` end the reading, and
    nothing is kept; ``too_large`` then holds the file's name, and ``no_room`` says
    that the disk is full.
    """

    file: IO[bytes]
    too_large = ""
    no_room = False
    _begun = False

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        if field_name != FIELD or self._begun:
            raise StopUpload(connection_reset=True)
        super().new_file(field_name, file_name, *args, **kwargs)
        self._digest = hashlib.sha256()
        try:
            self.file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
        except OSError as error:
            self._stop(error)
        self._begun = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.MAX_UPLOAD_BYTES:
            self.too_large = str(self.file_name)
            raise StopUpload(connection_reset=True)
        self._digest.update(raw_data)
        try:
            self.file.write(raw_data)
        except OSError as error:
            self._stop(error)

    def file_complete(self, file_size: int) -> UploadedFile:
        try:
            self.file.seek(0)  # writes what is still in memory
        except OSError as error:
            self._stop(error)
        told = (self.file_name, self.content_type, file_size, self.charset)
        file: Any = UploadedFile(self.file, *told, self.content_type_extra)
        file.sha256 = self._digest.hexdigest()
        return file

    def upload_interrupted(self) -> None:
        if self._begun:
            self.file.close()

    def _stop(self, error: OSError) -> NoReturn:
        logger.error("an upload found no room", extra={"error": error})
        self.no_room = True
        raise StopUpload(connection_reset=True) from error
