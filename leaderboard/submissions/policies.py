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
MONTH = timedelta(days=30)

FAILED_PER_DAY = 20
"""Failures are ours and cost nothing, but whoever can cause them must not do so without end."""


@dataclass(frozen=True)
class Quota:
    """How many submissions a person has left on a board within any 24 hours.

    Where labels are hidden there is a second limit, within any 30 days.
    """

    limit: int
    used: int
    next_at: datetime | None
    """When the next one is possible beyond those left; None while none is used up."""
    too_many_rejected: bool = False
    too_many_failed: bool = False
    month_limit: int = 0
    """0: there is no such limit."""
    month_used: int = 0

    @property
    def left(self) -> int:
        if self.too_many_rejected or self.too_many_failed:
            return 0
        today = max(0, self.limit - self.used)
        return min(today, self.month_left) if self.month_limit else today

    @property
    def month_left(self) -> int:
        return max(0, self.month_limit - self.month_used)


def quota(user: User, version: DatasetVersion, now: datetime | None = None) -> Quota:
    """Count the submissions of the last 24 hours that use up the quota.

    `rejected` and `failed` ones give it back, `withdrawn` ones only where
    scoring had not begun. So that what is free cannot be used without end, the
    numbers of rejected (or withdrawn) and of failed ones are limited too.
    """
    now = now or timezone.now()
    used, month, rejected, failed = _count(user, version, now)
    many_rejected = len(rejected) >= version.rejected_per_day
    many_failed = not many_rejected and len(failed) >= FAILED_PER_DAY
    if many_rejected:
        next_at = _next(rejected, version.rejected_per_day, WINDOW)
    elif many_failed:
        next_at = _next(failed, FAILED_PER_DAY, WINDOW)
    else:
        next_at = _next_at(used, month, version)
    return Quota(
        limit=version.submissions_per_day,
        used=len(used),
        next_at=next_at,
        too_many_rejected=many_rejected,
        too_many_failed=many_failed,
        month_limit=version.submissions_per_month,
        month_used=len(month),
    )


def _count(user: User, version: DatasetVersion, now: datetime) -> tuple[list[datetime], ...]:
    """When the submissions were made that use up the day and the month (empty where it has no
    limit), and the day's that were given back: rejected (or withdrawn), failed. One query."""
    monthly = version.submissions_per_month > 0
    since, today = now - (MONTH if monthly else WINDOW), now - WINDOW
    mine = Submission.objects.filter(owner=user, dataset_version=version, created__gt=since)
    used, rejected, failed = [], [], []
    rows = mine.order_by("created").values_list("created", "state", "scoring_began")
    for created, state, scoring_began in rows:
        if state == State.FAILED:
            failed.append(created)
        elif state == State.REJECTED or (state == State.WITHDRAWN and scoring_began is None):
            rejected.append(created)
        else:
            used.append(created)
    day = [[at for at in moments if at > today] for moments in (used, rejected, failed)]
    return day[0], used if monthly else [], day[1], day[2]


def _next_at(
    used: list[datetime], month: list[datetime], version: DatasetVersion
) -> datetime | None:
    """When the next one is possible beyond those left, by the day's and the month's limit."""
    by_day = _next(used, version.submissions_per_day, WINDOW)
    if not version.submissions_per_month or len(month) < version.submissions_per_month:
        return by_day
    by_month = _next(month, version.submissions_per_month, MONTH)
    return max(filter(None, (by_day, by_month)))


def _next(used: list[datetime], limit: int, window: timedelta) -> datetime | None:
    """When the next one is possible beyond those left; None while none is used up."""
    # With more used than allowed (a limit that was lowered), the oldest ones do not matter.
    return used[max(0, len(used) - limit)] + window if used and limit else None


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
