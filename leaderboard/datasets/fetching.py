"""Fetch one large file over HTTP, taken up again where a connection or a process ended.

RFC 9110: Range (14.2), If-Range (13.1.5), Content-Range (14.4).
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

Progress = Callable[[int, int], None]
"""Called with (bytes here, bytes in all, or 0 where that is not known)."""

TIMEOUT_SECONDS = 60.0
ATTEMPTS = 5
"""Connections in a row that may end without a single new byte."""
_CHUNK = 1 << 18
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class FetchFailed(Exception):
    """The file could not be fetched; the message says why."""


class Unreachable(FetchFailed):
    """The server cannot be reached at all."""


def fetch(
    url: str,
    target: Path,
    sha256: str,
    progress: Progress | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Download ``url`` to ``target``, which appears only with the expected ``sha256``.

    What is here already is kept in ``<target>.part``: a later call asks for
    the rest, and starts anew where the server's file has changed. Raises
    FetchFailed, and Unreachable where no connection was possible.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchFailed(f"{url}: expected an http or https address")
    part = _Part(target)
    idle = 0
    while True:
        before = part.size
        try:
            _take(url, part, progress or (lambda done, total: None))
            break
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500:
                raise FetchFailed(
                    f"{url}: the server answers {error.code} {error.reason}"
                ) from error
            reason: Exception = error
        except (OSError, http.client.HTTPException) as error:
            reason = error
        idle = 0 if part.size > before else idle + 1
        if idle >= ATTEMPTS:
            raise _failure(url, reason) from reason
        pause(min(0.5 * 2**idle, 8.0))
    part.finish(sha256)


def _failure(url: str, reason: Exception) -> FetchFailed:
    if isinstance(reason, urllib.error.URLError) and not isinstance(reason, urllib.error.HTTPError):
        return Unreachable(f"{url}: cannot be reached ({reason.reason})")
    return FetchFailed(f"{url}: the connection ended {ATTEMPTS} times without a byte ({reason})")


class _Part:
    """The part of a file that is here, and the tag of the file that it is of."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        target.parent.mkdir(parents=True, exist_ok=True)

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def etag(self) -> str:
        """The strong tag that the server gave, or nothing: then a rest cannot be asked for."""
        try:
            return str(json.loads(self._note.read_text())["etag"])
        except (OSError, ValueError, KeyError):
            return ""

    def begin(self, etag: str) -> None:
        """Forget what is here: the file begins anew."""
        self.path.write_bytes(b"")
        self._note.write_text(json.dumps({"etag": etag}))

    def finish(self, sha256: str) -> None:
        """Make it the target; raises FetchFailed, and forgets it, where its bytes are others."""
        with self.path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            self.path.unlink()
            self._note.unlink(missing_ok=True)
            raise FetchFailed(
                f"{self.target.name}: what was fetched has the SHA-256 {found}; expected {sha256}"
            )
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)


def _take(url: str, part: _Part, progress: Progress) -> None:
    """One connection: append what it gives; raises OSError or HTTPException where it ends early."""
    request = urllib.request.Request(url, headers=_headers(part))  # noqa: S310 - checked by fetch
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and part.size:
            whole = error.headers.get("Content-Range", "").rpartition("/")[2]
            error.close()
            if whole == str(part.size):
                return  # all of it was here already
            part.begin("")
            raise OSError("what was here is no part of the server's file") from error
        raise
    with response:
        total = _position(response, part)
        with part.path.open("ab") as file:
            while chunk := response.read1(_CHUNK):
                file.write(chunk)
                progress(file.tell(), total)
        if total and part.size < total:
            raise http.client.IncompleteRead(b"", total - part.size)


def _headers(part: _Part) -> dict[str, str]:
    headers = {"User-Agent": "autovi-board", "Accept-Encoding": "identity"}
    if part.size and part.etag:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.etag}
    return headers


def _position(response: http.client.HTTPResponse, part: _Part) -> int:
    """Get the part ready for the response's body; the size of the whole, or 0."""
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != part.size:
            part.begin("")
            raise OSError("the server sent another range than asked for")
        return 0 if match[3] == "*" else int(match[3])
    etag = response.headers.get("ETag", "")
    part.begin("" if etag.startswith("W/") else etag)
    return int(response.headers.get("Content-Length") or 0)
