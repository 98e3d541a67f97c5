"""A request's body as it comes, block by block, never the whole in memory."""

from __future__ import annotations

import hmac
import tempfile
from collections.abc import Iterator
from typing import IO, Protocol

from django.conf import settings

from leaderboard.submissions.tus.protocol import Checksum, TusError

BLOCK = 64 * 1024


class Interrupted(Exception):
    """The connection ended before the body did."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


def blocks(source: Readable, length: int) -> Iterator[bytes]:
    """``length`` bytes of a body; raises Interrupted, after what came, where they do not come."""
    while length:
        try:
            block = source.read(min(BLOCK, length))
        except OSError as error:
            raise Interrupted from error
        if not block:
            raise Interrupted
        length -= len(block)
        yield block


def verified(body: Iterator[bytes], checksum: Checksum) -> Iterator[bytes]:
    """The blocks of a body once all of them are there and hash to ``checksum``.

    They wait in a file without a name, which goes with the process. Raises
    TusError 460 before the first block where the hash is another one.
    """
    found = checksum.begin()
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool:
        for block in body:
            found.update(block)
            spool.write(block)
        if not hmac.compare_digest(found.digest(), checksum.digest):
            raise TusError(460, f"The piece does not have the {checksum.algorithm} that was told.")
        spool.seek(0)
        yield from _read(spool)


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
