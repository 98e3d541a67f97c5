"""A person who sends archives in pieces, through Django's test client."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from django.test import Client

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Upload

BODY = "application/offset+octet-stream"
FIELDS = {"filename": "maps.zip", "method_name": "In pieces", "visibility": "public",
          "declared": "on"}  # fmt: skip


def encoded(fields: dict[str, str]) -> str:
    """Upload-Metadata."""
    return ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in
                    fields.items())  # fmt: skip


def told_checksum(data: bytes, algorithm: str = "sha256") -> str:
    """Upload-Checksum."""
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


class Sender:
    """Somebody's requests; ``user`` None is somebody who is not signed in."""

    def __init__(self, user: User | None = None, board: str = "small") -> None:
        self.client = Client()
        self.board = board
        if user is not None:
            self.client.force_login(user)

    def ask(self, method: str, address: str, body: bytes = b"", **headers: str | None) -> Any:
        """One request with Tus-Resumable, unless ``headers`` say otherwise (None leaves one out);
        ``upload_offset`` is Upload-Offset."""
        told: dict[str, str | None] = {"tus-resumable": "1.0.0", "content-type": BODY}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in told.items() if value is not None}
        kind = kept["content-type"]
        return self.client.generic(method, address, body, content_type=kind, headers=kept)

    def begin(self, length: int, body: bytes = b"", **headers: str | None) -> Any:
        """Creation, with the fields of the form."""
        told = {"upload_length": str(length), "upload_metadata": encoded(FIELDS)}
        if not body:
            told["content_type"] = "text/plain"
        return self.ask("POST", f"/submit/{self.board}/uploads/", body, **(told | headers))

    def begun(self, length: int, **fields: str) -> Upload:
        """The row of a new upload."""
        answer = self.begin(length, upload_metadata=encoded(FIELDS | fields))
        assert answer.status_code == 201, answer.content
        return Upload.objects.get(pk=answer["Location"].split("/")[2])

    def head(self, upload: Upload) -> Any:
        return self.ask("HEAD", address(upload))

    def patch(self, upload: Upload, offset: int, body: bytes, **headers: str | None) -> Any:
        return self.ask("PATCH", address(upload), body, upload_offset=str(offset), **headers)

    def delete(self, upload: Upload) -> Any:
        return self.ask("DELETE", address(upload))


def address(upload: Upload) -> str:
    return f"/submissions/{upload.pk}/upload"
