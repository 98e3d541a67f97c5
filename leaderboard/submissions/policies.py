"""Who may do what, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from leaderboard.accounts.models import Role, Team, User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import (
    SHOWN,
    DeletedSubmission,
    Method,
    Submission,
    Visibility,
)
from leaderboard.submissions.states import TRANSITIONS, State

WINDOW = timedelta(hours=24)
MONTH = timedelta(days=30)

FAILED_PER_DAY = 20
"""Failures are ours and cost nothing, but whoever can cause them must not do so without end."""


@dataclass(frozen=True)
class Quota:
    """How many submissions a person, or a team, has left on a board within any 24 hours.

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
    team: str = ""
    """The team's name, where it is a team's."""

    @property
    def left(self) -> int:
        if self.too_many_rejected or self.too_many_failed:
            return 0
        today = max(0, self.limit - self.used)
        return min(today, self.month_left) if self.month_limit else today

    @property
    def month_left(self) -> int:
        return max(0, self.month_limit - self.month_used)

    @property
    def next_in_words(self) -> str:
        """The moment of the next one: its time, and its day where that is not today."""
        return "" if self.next_at is None else moment(self.next_at)


def moment(at: datetime, now: datetime | None = None) -> str:
    """A moment to come, in UTC: "14:05 UTC", "14:05 UTC tomorrow" or "14:05 UTC on 24 November"."""
    days = (at.date() - (now or timezone.now()).date()).days
    day = {0: "", 1: " tomorrow"}.get(days, f" on {at.day} {at:%B}")
    return f"{at:%H:%M} UTC{day}"


def quota(user: User, version: DatasetVersion, now: datetime | None = None) -> Quota:
    """A person's quota on a board: counts what they handed in, in whosever name.

    `rejected` and `failed` ones give it back, `withdrawn` ones only where
    scoring had not begun; deleted ones count as they did before. So that what
    is free cannot be used without end, the numbers of rejected (or withdrawn)
    and of failed ones are limited too.
    """
    limits = (version.submissions_per_day, version.submissions_per_month)
    return _quota({"owner": user.pk}, version, limits, now or timezone.now())


def team_quota(team: Team, version: DatasetVersion, now: datetime | None = None) -> Quota:
    """A team's quota on a board: counts what its members handed in in its name."""
    limits = (version.team_submissions_per_day, version.team_submissions_per_month)
    return _quota({"team": team.pk}, version, limits, now or timezone.now(), team.name)


def quotas(user: User, team: Team | None, version: DatasetVersion) -> list[Quota]:
    """All that a submission needs room in: the person's, then the team's where there is one."""
    own = quota(user, version)
    return [own, team_quota(team, version)] if team else [own]


def _quota(
    whose: dict[str, Any],
    version: DatasetVersion,
    limits: tuple[int, int],
    now: datetime,
    team: str = "",
) -> Quota:
    used, month, rejected, failed = _count(whose, version, limits[1] > 0, now)
    many_rejected = len(rejected) >= version.rejected_per_day
    many_failed = not many_rejected and len(failed) >= FAILED_PER_DAY
    if many_rejected:
        next_at = _next(rejected, version.rejected_per_day, WINDOW)
    elif many_failed:
        next_at = _next(failed, FAILED_PER_DAY, WINDOW)
    else:
        next_at = _next_at(used, month, limits)
    return Quota(
        limit=limits[0],
        used=len(used),
        next_at=next_at,
        too_many_rejected=many_rejected,
        too_many_failed=many_failed,
        month_limit=limits[1],
        month_used=len(month),
        team=team,
    )


def _count(
    whose: dict[str, Any], version: DatasetVersion, monthly: bool, now: datetime
) -> tuple[list[datetime], ...]:
    """When the submissions were made that use up the day and the month (empty where it has no
    limit), and the day's that were given back: rejected (or withdrawn), failed."""
    since, today = now - (MONTH if monthly else WINDOW), now - WINDOW
    used, rejected, failed = [], [], []
    for created, state, scoring_began in _made(whose, version, since):
        if state == State.FAILED:
            failed.append(created)
        elif state == State.REJECTED or (state == State.WITHDRAWN and scoring_began is None):
            rejected.append(created)
        else:
            used.append(created)
    day = [[at for at in moments if at > today] for moments in (used, rejected, failed)]
    return day[0], used if monthly else [], day[1], day[2]


def _made(
    whose: dict[str, Any], version: DatasetVersion, since: datetime
) -> list[tuple[datetime, str, datetime | None]]:
    """Creation, state and begin of scoring of all that was made, the deleted ones too, in order."""
    there, deleted = (
        model._default_manager.filter(**whose, dataset_version=version, created__gt=since)
        .order_by()
        .values_list("created", "state", "scoring_began", "pk")
        for model in (Submission, DeletedSubmission)
    )
    return [row[:3] for row in there.union(deleted).order_by("created")]


def _next_at(
    used: list[datetime], month: list[datetime], limits: tuple[int, int]
) -> datetime | None:
    """When the next one is possible beyond those left, by the day's and the month's limit."""
    by_day = _next(used, limits[0], WINDOW)
    if not limits[1] or len(month) < limits[1]:
        return by_day
    by_month = _next(month, limits[1], MONTH)
    return max(filter(None, (by_day, by_month)))


def _next(used: list[datetime], limit: int, window: timedelta) -> datetime | None:
    """When the next one is possible beyond those left; None while none is used up."""
    # With more used than allowed (a limit that was lowered), the oldest ones do not matter.
    return used[max(0, len(used) - limit)] + window if used and limit else None


def may_use(user: User, method: Method, team: Team | None = None) -> bool:
    """One's own methods, or the team's in its name; for maintainers also the ownerless ones,
    which a paper reports."""
    if team is not None:
        return method.team_id == team.pk
    if method.team_id is not None:
        return False
    return method.owner_id == user.pk or (user.is_staff and method.owner_id is None)


def conflict(method: Method, visibility: str) -> str:
    """Why a submission of this visibility cannot join the method's others; empty where it can.

    A method's page tells whose it is, so that of one method nothing is
    anonymous beside something public.
    """
    if visibility not in SHOWN:
        return ""
    other = Visibility.PUBLIC if visibility == Visibility.ANONYMOUS else Visibility.ANONYMOUS
    others = method.submissions.filter(visibility=other)
    if not others.exclude(state__in=[State.REJECTED, State.WITHDRAWN]).exists():
        return ""
    return (
        f"{method} has {other} submissions, and all of a method are shown alike: "
        "choose another method, or change the visibility of those first"
    )


def is_inside(user: User | AnonymousUser, submission: Submission) -> bool:
    """Whether it is the person's own or one of the person's teams'."""
    if not user.is_authenticated:
        return False
    if submission.team is not None:
        return bool(submission.team.role_of(user))
    return submission.owner_id == user.pk


def manages(user: User | AnonymousUser, submission: Submission) -> bool:
    """Who handed it in, and in a team also the team's owners; the other members only read."""
    if submission.team is None:
        return submission.owner_id == user.pk
    role = submission.team.role_of(user)
    return role == Role.OWNER or (bool(role) and submission.owner_id == user.pk)


def may_withdraw(user: User | AnonymousUser, submission: Submission) -> bool:
    """Whoever manages it, as long as there is something to withdraw."""
    return State.WITHDRAWN in TRANSITIONS[State(submission.state)] and manages(user, submission)


def may_rename(user: User | AnonymousUser, method: Method) -> bool:
    """The person whose it is, or an owner of the team; not before it has a name of its own."""
    if not user.is_authenticated or not method.is_named:
        return False
    if method.team is not None:
        return method.team.role_of(user) == Role.OWNER
    return method.owner_id == user.pk


def may_choose(user: User | AnonymousUser, submission: Submission) -> bool:
    """Whoever manages it, where a method has several results on a board and another one stands
    there."""
    if not submission.may_stand or not manages(user, submission):
        return False
    standing = Submission.objects.stands(submission.method, submission.dataset_version)
    return standing != submission


def sees_problems(user: User | AnonymousUser, submission: Submission) -> bool:
    """Problems, events and progress are the matter of those inside and of the staff."""
    return user.is_staff or is_inside(user, submission)
