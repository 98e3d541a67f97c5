"""A member leaves a team, or is removed from it."""

from __future__ import annotations

from django.db import transaction

from leaderboard.accounts.models import User
from leaderboard.accounts.services.refused import (
    TeamRefused,
    check_owner_stays,
    held,
    held_by_owner,
)


def leave_team(team_id: int, person: User) -> None:
    """Leave a team; what was submitted in its name stays. Raises TeamRefused for its only owner."""
    with transaction.atomic():
        team = held(team_id)
        check_owner_stays(team, person)
        team.memberships.filter(user=person).delete()


def remove_member(team_id: int, person_id: int, actor: User) -> User:
    """Remove a member; who it was. Raises TeamRefused."""
    with transaction.atomic():
        team = held_by_owner(team_id, actor)
        membership = team.memberships.filter(user=person_id).select_related("user").first()
        if membership is None:
            raise TeamRefused("That person is no member.")
        check_owner_stays(team, membership.user)
        membership.delete()
    return membership.user
