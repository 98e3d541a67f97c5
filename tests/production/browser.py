"""A visitor over HTTPS with the standard library alone: cookies, forms, one archive."""

from __future__ import annotations

import http.cookiejar
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Answer:
    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode()


class Visitor:
    """Somebody with cookies at ``address``, whose certificate ``authority`` signed."""

    def __init__(self, address: str, authority: Path) -> None:
        self.address = address
        context = ssl.create_default_context(cafile=str(authority))
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(self.cookies),
            urllib.request.ProxyHandler({}),
        )

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask(urllib.request.Request(f"{self.address}{path}", headers=headers))

    def post(self, path: str, values: Mapping[str, str], archive: Path | None = None) -> Answer:
        """Send the form of a page; its token is read from the page first."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        assert found is not None
        values = {"csrfmiddlewaretoken": found[1], **values}
        if archive is None:
            body, kind = urllib.parse.urlencode(values).encode(), "x-www-form-urlencoded"
            kind = f"application/{kind}"
        else:
            body, kind = _multipart(values, archive)
        headers = {"Content-Type": kind, "Origin": self.address}
        return self._ask(urllib.request.Request(f"{self.address}{path}", body, headers))

    def json(self, path: str) -> Any:
        return json.loads(self.get(path).body)

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=120) as found:
                return Answer(found.status, found.url, found.headers, found.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url, error.headers, error.read())


def _multipart(values: Mapping[str, str], archive: Path) -> tuple[bytes, str]:
    line = uuid.uuid4().hex
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values.items()
    ]
    about = f'name="archive"; filename="{archive.name}"\r\nContent-Type: application/zip'
    parts.append(f"--{line}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode())
    parts += [archive.read_bytes(), f"\r\n--{line}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={line}"
