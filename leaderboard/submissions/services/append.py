"""Bytes of an upload arrive."""

from __future__ import annotations

from collections.abc import Iterable

from leaderboard.submissions.models import Upload
from leaderboard.submissions.tus.stores import store


def append(upload: Upload, offset: int, body: Iterable[bytes]) -> int:
    """Take the bytes of ``body`` from ``offset`` on; the offset that the upload has then.

    What arrived before the body raises Interrupted is kept; anything else that
    it raises keeps what was recorded until then. Raises Elsewhere where the
    upload is not at ``offset`` and Ended where it takes no bytes any more.
    """
    with store().writer(upload, offset) as writer:
        for block in body:
            writer.write(block)
    return writer.offset
