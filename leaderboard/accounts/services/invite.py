"""Somebody is invited to a team, by a link or by mail."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard.accounts.models import Invitation, User
from leaderboard.accounts.services.refused import TeamRefused, held_by_owner

VALID = timedelta(days=14)
MOST_OPEN = 20
"""Open invitations of one team."""
MOST_A_DAY = 20
"""Invitations by one person: the site sends mail to whom they name."""


def invite(team_id: int, actor: User, email: str = "") -> Invitation:
    """Invite one person, by mail where an address is given; raises TeamRefused."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        team = held_by_owner(team_id, actor)
        now = timezone.now()
        if Invitation.objects.open().filter(team=team).count() >= MOST_OPEN:
            raise TeamRefused(f"{team} has {MOST_OPEN} open invitations; take some back first.")
        if actor.invitations.filter(created__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
            raise TeamRefused(f"You invited {MOST_A_DAY} people in 24 hours; please wait.")
        return Invitation.objects.create(
            team=team,
            invited_by=actor,
            email=email,
            expires=now + VALID,
            send_at=now if email else None,
        )


def revoke(team_id: int, invitation_id: int, actor: User) -> None:
    """Take an open invitation back; raises TeamRefused."""
    with transaction.atomic():
        team = held_by_owner(team_id, actor)
        taken = Invitation.objects.open().filter(team=team, pk=invitation_id)
        if not taken.update(revoked_at=Now(), send_at=None):
            raise TeamRefused("That invitation is not open any more.")
