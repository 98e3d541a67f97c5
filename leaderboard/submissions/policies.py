"""Who may do what, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Method, Submission
from leaderboard.submissions.states import TRANSITIONS, State

WINDOW = timedelta(hours=24)

FAILED_PER_DAY = 20
"""Failures are ours and cost nothing, but whoever can cause them must not do so without end."""


@dataclass(frozen=True)
class Quota:
    """How many submissions a person has left on a board within any 24 hours."""

    limit: int
    used: int
    next_at: datetime | None
    """When the next one is possible beyond those left; None while none is used up."""
    too_many_rejected: bool = False
    too_many_failed: bool = False

    @property
    def left(self) -> int:
        stopped = self.too_many_rejected or self.too_many_failed
        return 0 if stopped else max(0, self.limit - self.used)


def quota(user: User, version: DatasetVersion, now: datetime | None = None) -> Quota:
    """Count the submissions of the last 24 hours that use up the quota.

    `rejected` and `failed` ones give it back, `withdrawn` ones only where
    scoring had not begun. So that what is free cannot be used without end, the
    numbers of rejected (or withdrawn) and of failed ones are limited too.
    """
    since = (now or timezone.now()) - WINDOW
    recent = Submission.objects.filter(owner=user, dataset_version=version, created__gt=since)
    used, rejected, failed = [], [], []
    rows = recent.order_by("created").values_list("created", "state", "scoring_began")
    for created, state, scoring_began in rows:
        if state == State.FAILED:
            failed.append(created)
        elif state == State.REJECTED or (state == State.WITHDRAWN and scoring_began is None):
            rejected.append(created)
        else:
            used.append(created)
    limit = version.submissions_per_day
    if len(rejected) >= version.rejected_per_day:
        again = rejected[-version.rejected_per_day] + WINDOW
        return Quota(limit, len(used), again, too_many_rejected=True)
    if len(failed) >= FAILED_PER_DAY:
        again = failed[-FAILED_PER_DAY] + WINDOW
        return Quota(limit, len(used), again, too_many_failed=True)
    # With more used than allowed (a limit that was lowered), the oldest ones do not matter.
    next_at = used[max(0, len(used) - limit)] + WINDOW if used and limit else None
    return Quota(limit, len(used), next_at)


def may_use(user: User, method: Method) -> bool:
    """One's own methods; for maintainers also the ownerless ones, which a paper reports."""
    return method.owner_id == user.pk or (user.is_staff and method.owner_id is None)


def may_withdraw(user: User | AnonymousUser, submission: Submission) -> bool:
    """The owner, as long as there is something to withdraw."""
    return (
        submission.owner_id == user.pk and State.WITHDRAWN in TRANSITIONS[State(submission.state)]
    )


def may_choose(user: User | AnonymousUser, submission: Submission) -> bool:
    """The owner, where a method has several results on a board and another one stands there."""
    if submission.owner_id != user.pk or not submission.may_stand:
        return False
    standing = Submission.objects.stands(submission.method, submission.dataset_version)
    return standing != submission


def sees_problems(user: User | AnonymousUser, submission: Submission) -> bool:
    """Problems, events and progress are the owner's and the staff's matter."""
    return user.is_staff or submission.owner_id == user.pk
