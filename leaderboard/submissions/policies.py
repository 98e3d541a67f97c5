"""Who may do what, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils import timezone

from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Submission
from leaderboard.submissions.states import TRANSITIONS, State

WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Quota:
    """How many submissions a person has left on a board within any 24 hours."""

    limit: int
    used: int
    next_at: datetime | None
    """When the next one is possible beyond those left; None while none is used up."""
    too_many_rejected: bool = False

    @property
    def left(self) -> int:
        return 0 if self.too_many_rejected else max(0, self.limit - self.used)


def quota(user: User, version: DatasetVersion, now: datetime | None = None) -> Quota:
    """Count the submissions of the last 24 hours that use up the quota.

    `rejected` and `failed` ones give it back, `withdrawn` ones only where
    scoring had not begun. So that free rejections cannot be used without end,
    their number is limited too.
    """
    since = (now or timezone.now()) - WINDOW
    recent = Submission.objects.filter(owner=user, dataset_version=version, created__gt=since)
    given_back = Q(state__in=[State.REJECTED, State.FAILED]) | Q(
        state=State.WITHDRAWN, scoring_began=None
    )
    used = list(recent.exclude(given_back).order_by("created").values_list("created", flat=True))
    rejected = list(
        recent.filter(given_back & ~Q(state=State.FAILED))
        .order_by("created")
        .values_list("created", flat=True)
    )
    limit = version.submissions_per_day
    too_many = len(rejected) >= version.rejected_per_day
    if too_many:
        return Quota(limit, len(used), rejected[-version.rejected_per_day] + WINDOW, True)
    # With more used than allowed (a limit that was lowered), the oldest ones do not matter.
    next_at = used[max(0, len(used) - limit)] + WINDOW if used and limit else None
    return Quota(limit, len(used), next_at)


def may_withdraw(user: User | AnonymousUser, submission: Submission) -> bool:
    """The owner, as long as there is something to withdraw."""
    return (
        submission.owner_id == user.pk and State.WITHDRAWN in TRANSITIONS[State(submission.state)]
    )


def may_choose(user: User | AnonymousUser, submission: Submission) -> bool:
    """The owner, where a method has several results on a board and another one stands there."""
    if submission.owner_id != user.pk or submission not in Submission.objects.on_boards():
        return False
    standing = Submission.objects.standing(submission.dataset_version)
    return submission not in standing


def sees_problems(user: User | AnonymousUser, submission: Submission) -> bool:
    """Problems, events and progress are the owner's and the staff's matter."""
    return user.is_staff or submission.owner_id == user.pk
