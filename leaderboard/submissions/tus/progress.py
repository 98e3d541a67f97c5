"""How far an upload is: the offset in its row, which only ever goes on from where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from leaderboard.submissions.jobs import in_seconds
from leaderboard.submissions.models import Upload
from leaderboard.submissions.states import State


class Ended(Exception):
    """The upload takes no more bytes: it is whole, withdrawn or expired."""


class Elsewhere(Exception):
    """The upload is at another offset, ``offset``: somebody else went on with it."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the upload is at {offset}")
        self.offset = offset


@contextmanager
def held(pk: UUID, offset: int) -> Iterator[Upload]:
    """Hold the row of an upload that waits for the byte at ``offset``, in a transaction.

    Of two that send the same bytes at once, one gets the row first and
    advances it; the other raises Elsewhere and has written nothing. Raises
    Ended where no bytes are taken any more.
    """
    with transaction.atomic():
        rows = Upload.objects.select_for_update(of=("self",)).select_related("submission")
        upload = rows.get(pk=pk)
        if upload.discarded or upload.submission.state != State.UPLOADING:
            raise Ended(str(upload))
        if upload.offset != offset:
            raise Elsewhere(upload.offset)
        yield upload


def advance(upload: Upload, offset: int, **fields: Any) -> None:
    """Write the new offset of an upload that is ``held``, and let it rest as long again."""
    row = Upload.objects.filter(pk=upload.pk)
    row.update(offset=offset, expires=idle_until(), **fields)


def idle_until() -> Any:
    """When an upload that gets no byte from now on expires, by the database's clock."""
    return in_seconds(3600 * settings.UPLOAD_IDLE_HOURS)
