"""A person founds a team."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from leaderboard.accounts.models import Membership, Role, Team, User
from leaderboard.accounts.services.refused import TeamRefused
from leaderboard.text import free_slug

MOST_TEAMS = 10
"""Teams that one person may own."""


def found_team(name: str, actor: User) -> Team:
    """A new team with ``actor`` as its owner; raises TeamRefused."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        if Membership.objects.filter(user=actor, role=Role.OWNER).count() >= MOST_TEAMS:
            raise TeamRefused(f"You own {MOST_TEAMS} teams already, and nobody may own more.")
        team = Team(name=name)
        try:
            team.clean()
        except ValidationError as error:
            raise TeamRefused(error.messages[0]) from None
        team.slug = free_slug(team.name, "team", _is_taken)
        try:
            with transaction.atomic():
                team.save()
        except IntegrityError:
            raise TeamRefused(f"{team.name} was taken a moment ago; choose another name.") from None
        Membership.objects.create(team=team, user=actor, role=Role.OWNER)
    return team


def _is_taken(slug: str) -> bool:
    return Team.objects.filter(slug=slug).exists()
