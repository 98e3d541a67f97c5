"""A team that nothing was submitted for is deleted."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError

from leaderboard.accounts.models import User
from leaderboard.accounts.services.refused import TeamRefused, held_by_owner


def delete_team(team_id: int, actor: User) -> None:
    """Delete a team; raises TeamRefused while submissions or methods are in its name."""
    with transaction.atomic():
        team = held_by_owner(team_id, actor)
        try:
            with transaction.atomic():
                team.delete()
        except ProtectedError:
            raise TeamRefused(
                f"There are submissions in the name of {team}; delete those first."
            ) from None
