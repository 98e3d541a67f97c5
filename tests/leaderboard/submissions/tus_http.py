"""A person who sends archives in pieces to a real web process, over real connections."""

from __future__ import annotations

import hashlib
import http.client
import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from tests.leaderboard.submissions.tus_client import BODY, FIELDS, encoded
from tests.stack import Stack

MIB = 1024 * 1024
BOARD = "small"
_TOKEN = "abcdefghijklmnopqrstuvwxyz012345"
_SESSION = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from leaderboard.accounts.models import User
user, _ = User.objects.get_or_create(username="demo")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""


class Data:
    """``length`` bytes, any of which can be had again: each MiB of them is another one."""

    def __init__(self, length: int) -> None:
        self.length = length

    def blocks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` to ``end``, a MiB at a time."""
        while start < end:
            number, skipped = divmod(start, MIB)
            block = random.Random(number).randbytes(4096) * 256
            yield block[skipped : skipped + end - start]
            start += min(MIB - skipped, end - start)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks(0, self.length):
            digest.update(block)
        return digest.hexdigest()


class Remote:
    """Somebody signed in, and one upload of theirs; ``url`` is the web process."""

    def __init__(self, stack: Stack, url: str) -> None:
        self.url = url
        session = stack.python(_SESSION).strip()
        self._headers = {
            "Cookie": f"sessionid={session}; csrftoken={_TOKEN}",
            "X-CSRFToken": _TOKEN,
            "Tus-Resumable": "1.0.0",
        }
        self.at = ""

    def begin(self, length: int, **fields: str) -> None:
        """Begin an upload of so many bytes."""
        told = {"Upload-Length": str(length), "Upload-Metadata": encoded(FIELDS | fields)}
        status, headers = self._ask("POST", f"/submit/{BOARD}/uploads/", told)
        assert status == 201
        self.at = headers["Location"]

    @property
    def submission(self) -> str:
        return self.at.split("/")[2]

    def offset(self) -> int:
        """How far the server says that it is."""
        status, headers = self._ask("HEAD", self.at, {})
        assert status == 200
        return int(headers["Upload-Offset"])

    def send(self, data: Data, offset: int) -> int:
        """Send all the rest; the status."""
        with closing(self.begin_piece(data.length - offset, offset)) as connection:
            for block in data.blocks(offset, data.length):
                connection.send(block)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def begin_piece(self, length: int, offset: int) -> http.client.HTTPConnection:
        """A connection on which the server waits for a piece."""
        connection = self._connect()
        connection.putrequest("PATCH", self.at)
        told = {"Upload-Offset": str(offset), "Content-Type": BODY, "Content-Length": str(length)}
        for name, value in (self._headers | told).items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection

    def _ask(self, method: str, path: str, told: dict[str, str]) -> tuple[int, Any]:
        """The status and the header fields of a request without a body."""
        with closing(self._connect()) as connection:
            connection.request(method, path, headers=self._headers | told)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=300)
