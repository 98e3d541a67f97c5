"""A team gets another name."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from leaderboard.accounts.models import Team, User
from leaderboard.accounts.services.refused import TeamRefused, held_by_owner


def rename_team(team_id: int, name: str, actor: User) -> Team:
    """Rename a team; its address stays. Raises TeamRefused."""
    with transaction.atomic():
        team = held_by_owner(team_id, actor)
        team.name = name
        try:
            team.clean()
            with transaction.atomic():
                team.save(update_fields=["name"])
        except ValidationError as error:
            raise TeamRefused(error.messages[0]) from None
        except IntegrityError:
            raise TeamRefused(f"{team.name} was taken a moment ago; choose another name.") from None
    return team
