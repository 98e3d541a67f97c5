"""Uploads in pieces that end: whole, expired, or taken back by their owners."""

from __future__ import annotations

import logging
from contextlib import suppress
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from leaderboard.submissions.jobs import Gone, lock
from leaderboard.submissions.models import Upload
from leaderboard.submissions.services.finish_upload import finish_upload
from leaderboard.submissions.states import State
from leaderboard.submissions.transitions import move
from leaderboard.submissions.tus.stores import store

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 50
EXPIRED = "The upload was not continued in time and has expired."


def end_uploads() -> None:
    """One round for the sweep; a storage that is out of order leaves the rest for the next one."""
    try:
        finish_whole_uploads()
        expire_uploads()
        discard_ended_uploads()
    except OSError:
        logger.exception("uploads could not be ended")


def finish_whole_uploads() -> int:
    """Finish those whose process died between the last byte and the queue."""
    whole = Upload.objects.unfinished().filter(offset=F("length"))[:MOST_AT_ONCE]
    for upload in whole:
        finish_upload(upload)
    return len(whole)


def expire_uploads() -> int:
    """Withdraw submissions whose upload rested for too long; that gives the quota back."""
    late = Upload.objects.unfinished().filter(offset__lt=F("length"), expires__lt=Now())
    expired = 0
    for pk in list(late.values_list("pk", flat=True)[:MOST_AT_ONCE]):
        with suppress(Gone), transaction.atomic():
            submission = lock(pk)
            if submission.state == State.UPLOADING and late.filter(pk=pk).exists():
                move(submission, State.WITHDRAWN, EXPIRED, failure=EXPIRED)
                expired += 1
    return expired


def discard_ended_uploads() -> int:
    """Remove what is stored of uploads that ended before they were whole."""
    ended = Upload.objects.filter(
        submission__state__in=[State.WITHDRAWN, State.FAILED],
        submission__archive="",
        discarded=None,
    )
    pks = list(ended.values_list("pk", flat=True)[:MOST_AT_ONCE])
    for pk in pks:
        discard(pk)
    return len(pks)


def discard(pk: UUID) -> None:
    """Remove what is stored of an upload that has ended; a late piece of it finds it so."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update().get(pk=pk)
        store().discard(upload)
        Upload.objects.filter(pk=pk).update(discarded=Now(), parts={})
