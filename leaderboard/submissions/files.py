"""A submission's files go with its row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete

from leaderboard.submissions.models import Submission, Upload


def connect() -> None:
    """Called once, when the app is ready."""
    post_delete.connect(_remove_files, sender=Submission, dispatch_uid="submission-files")
    post_delete.connect(_remove_pieces, sender=Upload, dispatch_uid="upload-files")


def remove_parts(pk: UUID) -> None:
    """Remove what is stored of an archive that never arrived whole, if anything is."""
    storage = Submission._meta.get_field("archive").storage
    try:
        _, names = storage.listdir(str(pk))
    except FileNotFoundError:
        return
    for name in names:
        storage.delete(f"{pk}/{name}")
    storage.delete(str(pk))


def _remove_files(instance: Submission, **kwargs: Any) -> None:
    # Read now: once its transaction ends, a deleted row has no key any more.
    pk, archive = instance.pk, instance.archive.name
    transaction.on_commit(lambda: _remove(pk, archive))


def _remove_pieces(instance: Upload, **kwargs: Any) -> None:
    from leaderboard.submissions.tus.stores import store

    if not instance.discarded:
        transaction.on_commit(lambda: store().discard(instance))


def _remove(pk: UUID, archive: str | None) -> None:
    # Here, because it loads the scorer, and every process of the site imports this module.
    from leaderboard.submissions import arrays

    if archive:
        Submission._meta.get_field("archive").storage.delete(archive)
    arrays.remove_all(pk)
