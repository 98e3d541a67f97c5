"""The only way a submission's state changes."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Event, Submission
from leaderboard.submissions.notices import notify
from leaderboard.submissions.states import TERMINAL, TRANSITIONS, State

logger = logging.getLogger(__name__)


class IllegalTransition(Exception):
    """The table of transitions has no such step."""


class Stale(Exception):
    """Somebody else moved the submission since it was read."""


def move(
    submission: Submission, to: State, text: str, *, actor: User | None = None, **fields: Any
) -> None:
    """Move ``submission`` to state ``to`` by one compare-and-set on (state, attempt).

    ``text`` goes into the submission's events, ``fields`` are written in the
    same UPDATE. Going back to the queue begins another attempt. Raises
    IllegalTransition where the table has no such step and Stale where the row
    is no longer as it was read; nothing is written then.
    """
    was = State(submission.state)
    if to not in TRANSITIONS[was]:
        raise IllegalTransition(f"{submission.pk}: {was} -> {to}")
    again = to == State.QUEUED and was != State.UPLOADING
    fields["attempt"] = submission.attempt + again
    fields["finished"] = Now() if to in TERMINAL else None
    row = Submission.objects.filter(pk=submission.pk, state=was, attempt=submission.attempt)
    with transaction.atomic():
        if not row.update(state=to, **fields):
            raise Stale(f"{submission.pk} is not {was} (attempt {submission.attempt}) any more")
        Event.objects.create(submission=submission, actor=actor, kind=to.value, text=text)
        submission.refresh_from_db()
        notify(submission)
    logger.info("submission moved", extra={"submission": submission.pk, "was": was, "now": to})
