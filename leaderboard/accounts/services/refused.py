"""What the services of teams raise, and what they share."""

from __future__ import annotations

from leaderboard.accounts.models import Role, Team, User


class TeamRefused(Exception):
    """The team stays as it is; the message says why."""


def held(team_id: int) -> Team:
    """The team, its row held until the transaction ends: who is in it changes one at a time."""
    try:
        return Team.objects.select_for_update(no_key=True).get(pk=team_id)
    except Team.DoesNotExist:
        raise TeamRefused("There is no such team any more.") from None


def held_by_owner(team_id: int, actor: User) -> Team:
    """The same for one of its owners; raises TeamRefused for anybody else."""
    team = held(team_id)
    if team.role_of(actor) != Role.OWNER:
        raise TeamRefused(f"Only owners of {team} can do that.")
    return team


def check_owner_stays(team: Team, leaving: User) -> None:
    """Raises TeamRefused where the team would be without an owner."""
    owners = team.memberships.filter(role=Role.OWNER)
    if not owners.exclude(user=leaving).exists():
        raise TeamRefused(
            f"{leaving.get_username()} is the only owner of {team}; make somebody else an owner "
            "first, or delete the team."
        )
