"""An invited person joins a team."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from leaderboard.accounts.models import Invitation, Membership, Team, User
from leaderboard.accounts.services.refused import TeamRefused, held

MOST_MEMBERS = 50


def join_team(invitation: Invitation, person: User) -> Team:
    """Accept an invitation, which then is used up; raises TeamRefused."""
    with transaction.atomic():
        team = held(invitation.team_id or 0)
        if team.role_of(person):
            raise TeamRefused(f"You are a member of {team} already.")
        if team.memberships.count() >= MOST_MEMBERS:
            raise TeamRefused(f"{team} has {MOST_MEMBERS} members, and no team may have more.")
        still_open = Invitation.objects.open().filter(pk=invitation.pk)
        if not still_open.update(accepted_at=Now(), accepted_by=person, send_at=None):
            raise TeamRefused("This invitation is not open any more.")
        Membership.objects.create(team=team, user=person)
    return team
