"""A person begins an upload in pieces: the submission is there, its archive is to follow."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.db import transaction
from django.template.defaultfilters import filesizeformat

from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Upload, archive_path
from leaderboard.submissions.services.name_method import SubmitRefused
from leaderboard.submissions.services.submit import About, begin, stored_name
from leaderboard.submissions.tus.progress import idle_until
from leaderboard.submissions.tus.stores import store


class NoRoom(Exception):
    """The storage has not got the room for the archive; the message says how much is missing."""


@dataclass(frozen=True)
class Announced:
    """What the client says of the file: ``length`` in bytes, and what it wants to find again."""

    length: int
    metadata: str = ""
    fingerprint: str = ""
    sha256: str = ""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    """By which a request that is sent again is known."""


def begin_upload(
    owner: User, version: DatasetVersion, about: About, announced: Announced
) -> Upload:
    """Begin a submission in ``uploading`` and the upload of its archive; this takes the quota.

    The same request again (by its key) gives the upload that it began. Raises
    SubmitRefused as `submit` does, and NoRoom; nothing is begun then.
    """
    key = f"{owner.pk}:{announced.key}"
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        known = Upload.objects.filter(key=key).first()
        if known is not None:
            return _same(known, announced)
        _check_room(announced.length)
        submission = begin(owner, version, about)
        Upload.objects.create(
            submission=submission,
            key=key,
            name=archive_path(submission, stored_name(about.archive_name)),
            length=announced.length,
            metadata=announced.metadata,
            fingerprint=announced.fingerprint,
            told_sha256=announced.sha256,
            expires=idle_until(),
        )
    return Upload.objects.select_related("submission").get(pk=submission.pk)


def _same(known: Upload, announced: Announced) -> Upload:
    if (known.length, known.metadata) != (announced.length, announced.metadata):
        raise SubmitRefused("This Idempotency-Key began another upload; expected a new one.")
    return known


def _check_room(length: int) -> None:
    room = store().room()
    if room is not None and room < length:
        raise NoRoom(
            f"The server has room for {filesizeformat(room)} and the archive takes "
            f"{filesizeformat(length)}. Nothing was begun; please try again later."
        )
