"""A member becomes an owner, or an owner a member."""

from __future__ import annotations

from django.db import transaction

from leaderboard.accounts.models import Membership, Role, User
from leaderboard.accounts.services.refused import (
    TeamRefused,
    check_owner_stays,
    held_by_owner,
)


def appoint(team_id: int, person_id: int, role: str, actor: User) -> Membership:
    """Give a member a role; raises TeamRefused."""
    with transaction.atomic():
        team = held_by_owner(team_id, actor)
        membership = team.memberships.filter(user=person_id).select_related("user").first()
        if membership is None or role not in Role.values:
            raise TeamRefused("That person is no member.")
        if role != Role.OWNER:
            check_owner_stays(team, membership.user)
        membership.role = role
        membership.save(update_fields=["role"])
    return membership
