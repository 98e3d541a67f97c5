"""What people are told of their submissions: a row each, which the site shows and mail follows."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Notice, Submission
from leaderboard.submissions.states import State

TOLD = frozenset({State.SCORED, State.REJECTED, State.FAILED})
"""The states that people want to hear of."""


def notify(submission: Submission) -> None:
    """Tell everybody inside that a submission came to the state it has; once a person and time.

    Call it in the transaction that moves the state. Mail goes to who handed it
    in, and leaves later: no transaction waits for a mail server.
    """
    if submission.state not in TOLD:
        return
    people = submission.team.members.all() if submission.team else [submission.owner]
    now = timezone.now()
    notices = [
        Notice(
            user=person,
            submission=submission,
            kind=submission.state,
            attempt=submission.attempt,
            send_at=now if wants_mail(person, submission) else None,
        )
        for person in people
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def wants_mail(person: User, submission: Submission) -> bool:
    """Whether a person is told of a submission by mail: who handed it in, if they like."""
    wanted = person.is_active and person.wants_mail and bool(person.email)
    return wanted and person.pk == submission.owner_id


def read(person: User, notice_id: int | None = None) -> None:
    """Mark a person's notice as read, or all of them."""
    unread = Notice.objects.filter(user=person, read_at=None)
    if notice_id is not None:
        unread = unread.filter(pk=notice_id)
    unread.update(read_at=Now())


def unread(request: Any) -> dict[str, Any]:
    """For templates: how many notices the reader has not read; asked only where it is shown."""

    def count() -> int:
        user = request.user
        return Notice.objects.filter(user=user, read_at=None).count() if user.pk else 0

    return {"unread_notices": SimpleLazyObject(count)}
