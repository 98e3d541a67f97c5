"""Send a stored file over HTTP: validators, one byte range, constant memory (RFC 9110)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TypeVar
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import Storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import (
    content_disposition_header,
    http_date,
    parse_http_date_safe,
)

CHUNK = 256 * 1024
LINK_SECONDS = 3600
Response = TypeVar("Response", bound=HttpResponseBase)
_ONE_RANGE = re.compile(
    r"bytes\s*=\s*(?P<first>\d{0,18})\s*-\s*(?P<last>\d{0,18})\s*", re.ASCII | re.I
)
"""A number of thousands of digits makes no sense, and Python refuses to read it."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a storage with what was recorded of it: ``size`` in bytes, its SHA-256 in hex."""

    storage: Storage
    path: str
    name: str
    size: int
    sha256: str
    modified: datetime
    content_type: str = "application/zip"

    @property
    def etag(self) -> str:
        """A strong validator: equal bytes, equal tag, on every machine."""
        return f'"{self.sha256}"'

    @property
    def disposition(self) -> str:
        """Content-Disposition; a category may have a name that only RFC 6266's long form takes."""
        return str(content_disposition_header(True, self.name))


class Unsatisfiable(Exception):
    """A range that begins behind the last byte."""


def serve(request: HttpRequest, file: StoredFile) -> HttpResponseBase:
    """Answer a GET or HEAD for ``file``.

    An object store's signed link, or the web server by X-Accel-Redirect, takes
    over where there is one. Otherwise the file is streamed: 200, 206 for one
    range, 304, 412 or 416; several ranges at once are answered with the whole.
    Raises FileNotFoundError where the storage does not hold the recorded bytes.
    """
    if getattr(file.storage, "querystring_auth", False):
        return _redirect(file, request.method or "GET")
    if settings.X_ACCEL:
        return _hand_over(file)
    if not file.storage.exists(file.path) or file.storage.size(file.path) != file.size:
        raise FileNotFoundError(f"{file.path}: expected a file of {file.size} bytes")
    whole = _with_headers(HttpResponse(), file)
    conditional = get_conditional_response(
        request, file.etag, int(file.modified.timestamp()), whole
    )
    if conditional is not whole and conditional is not None:
        return conditional
    try:
        part = _asked_for(request, file)
    except Unsatisfiable:
        headers = {"Content-Range": f"bytes */{file.size}", "Accept-Ranges": "bytes"}
        return HttpResponse(status=416, headers=headers)
    return _answer(request, file, part)


def parse_range(header: str, size: int) -> range | None:
    """The bytes that a Range header asks for, of a file of ``size`` bytes.

    None where the header is to be ignored: another unit, several ranges, no
    sense (RFC 9110, 14.2). Raises Unsatisfiable where no byte lies in it.
    """
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        first, last = max(0, size - int(match["last"])), size - 1
    else:
        first = int(match["first"])
        last = min(int(match["last"]), size - 1) if match["last"] else size - 1
        if match["last"] and int(match["last"]) < first:
            return None
    if first >= size:
        raise Unsatisfiable
    return range(first, last + 1)


class FilePart:
    """Some bytes of an open file, chunk by chunk; closing it closes the file."""

    def __init__(self, file: IO[bytes], part: range) -> None:
        self._file, self._left = file, len(part)
        file.seek(part.start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self._file.read(min(CHUNK, self._left))
        if not chunk:
            raise StopIteration
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        self._file.close()


def _asked_for(request: HttpRequest, file: StoredFile) -> range | None:
    """The range of a GET, unless If-Range says that the reader's part is of another file."""
    header, condition = request.headers.get("Range"), request.headers.get("If-Range", "").strip()
    if header is None or request.method != "GET":
        return None
    if condition and condition != file.etag:
        same = parse_http_date_safe(condition) == int(file.modified.timestamp())
        if condition.startswith(('"', "W/")) or not same:
            return None
    return parse_range(header, file.size)


def _answer(request: HttpRequest, file: StoredFile, part: range | None) -> HttpResponseBase:
    asked = range(file.size) if part is None else part
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse()
    else:
        response = StreamingHttpResponse(FilePart(file.storage.open(file.path), asked))
    _with_headers(response, file)
    response["Content-Length"] = str(len(asked))
    if part is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    return response


def _with_headers(response: Response, file: StoredFile) -> Response:
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    response["Content-Type"] = file.content_type
    response["Content-Disposition"] = file.disposition
    response["ETag"] = file.etag
    response["Last-Modified"] = http_date(file.modified.timestamp())
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-transform"
    response["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530
    return response


def _hand_over(file: StoredFile) -> HttpResponse:
    """The web server sends the file itself, ranges and validators included."""
    return HttpResponse(
        headers={
            "X-Accel-Redirect": settings.X_ACCEL.rstrip("/") + "/" + quote(file.path),
            "Content-Type": file.content_type,
            "Content-Disposition": file.disposition,
            "Cache-Control": "private, no-transform",
        }
    )


def _redirect(file: StoredFile, method: str) -> HttpResponse:
    """A link of the object store that holds for an hour, and for the method it was asked by."""
    link = file.storage.url(  # type: ignore[call-arg]
        file.path,
        parameters={"ResponseContentDisposition": file.disposition},
        expire=LINK_SECONDS,
        http_method=method,
    )
    return HttpResponseRedirect(link, headers={"Cache-Control": "private, no-store"})
