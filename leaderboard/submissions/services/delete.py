"""A submission is deleted with everything of it; that it was made still counts."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError
from kombu.exceptions import OperationalError

from leaderboard.accounts.models import User
from leaderboard.celery import app
from leaderboard.submissions.jobs import lock
from leaderboard.submissions.models import DeletedSubmission, Method, Upload
from leaderboard.submissions.services.end_uploads import discard
from leaderboard.submissions.services.withdraw import withdraw

logger = logging.getLogger(__name__)


class NotDeleted(Exception):
    """It is still there; the message says why."""


def delete(submission_id: UUID | str, actor: User) -> None:
    """Delete a submission: its rows, its archive, its results, and with its last one a method.

    What still goes on is withdrawn first. The quota stays as it is: a row
    remembers when it was made and what came of it, and that a worker looks
    once more for files that were written meanwhile. What private storage keeps
    of a board with hidden labels is removed by a worker. Raises NotDeleted
    where the storage does not take an unfinished upload away; it is withdrawn then.
    """
    _end(submission_id, actor)
    with transaction.atomic():
        submission = lock(submission_id)
        DeletedSubmission.objects.create(
            id=submission.pk,
            owner=submission.owner,
            team=submission.team,
            dataset_version=submission.dataset_version,
            state=submission.state,
            created=submission.created,
            scoring_began=submission.scoring_began,
        )
        has_private_files = submission.dataset_version.has_opaque_ids
        method = submission.method
        submission.delete()
        _drop_unused(method)
        if has_private_files:
            transaction.on_commit(_ask_to_drop)
    logger.info("submission deleted", extra={"submission": submission_id})


def _end(submission_id: UUID | str, actor: User) -> None:
    """Withdraw what goes on. The pieces of an upload go while its row still says where they are."""
    with transaction.atomic():
        submission = lock(submission_id)
        if submission.is_active:
            withdraw(submission_id, actor)
    unfinished = Upload.objects.filter(pk=submission.pk, discarded=None, submission__archive="")
    if unfinished.exists():
        try:
            discard(submission.pk)
        except OSError as error:
            raise NotDeleted(
                "The storage is out of order. The submission is withdrawn; delete it later."
            ) from error


def _drop_unused(method: Method) -> None:
    """Free the name of a method that nothing is left of; a paper's stays."""
    if method.submissions.exists() or not (method.owner_id or method.team_id):
        return
    try:
        with transaction.atomic():
            method.delete()
    except ProtectedError:
        return  # it has reported scores too


def _ask_to_drop() -> None:
    try:
        app.send_task("submissions.drop_kept", retry=False)
    except (OperationalError, OSError) as error:
        # Beat sends the same each hour.
        logger.warning("broker unreachable", extra={"error": error})
