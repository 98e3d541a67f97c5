"""Teams: founded, joined by invitation, left, renamed, deleted."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.db.models.functions import Now
from django.test import Client

from leaderboard.accounts import invitations
from leaderboard.accounts.models import Invitation, Membership, Role, Team, User
from leaderboard.accounts.services import found_team as founding
from leaderboard.accounts.services import invite as inviting
from leaderboard.accounts.services.found_team import found_team
from leaderboard.accounts.services.invite import invite
from leaderboard.accounts.services.join_team import join_team
from leaderboard.accounts.services.refused import TeamRefused
from leaderboard.submissions.models import Method
from leaderboard.submissions.services.send_mails import send_mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob", "bob@example.org")


@pytest.fixture
def team(ada: User) -> Team:
    return found_team("Team of two", ada)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def said(answer) -> str:
    return answer.content.decode()


def roles(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__username", "role"))


def test_a_team_is_founded_and_its_name_is_nobody_elses(ada, bob) -> None:
    answer = client_of(ada).post("/teams/", {"name": " Team  of two"})
    assert answer.url == "/teams/team-of-two/"
    assert roles(Team.objects.get()) == {"ada": Role.OWNER}
    again = client_of(bob).post("/teams/", {"name": "TEAM of Two"})
    assert again.status_code == 422
    assert "a team of this name already" in said(again)
    assert "at least one letter" in said(client_of(bob).post("/teams/", {"name": "---"}))


def test_a_person_founds_no_teams_without_end(ada, monkeypatch) -> None:
    monkeypatch.setattr(founding, "MOST_TEAMS", 1)
    found_team("One", ada)
    with pytest.raises(TeamRefused, match="own 1 teams"):
        found_team("Two", ada)


def test_an_invited_person_joins_by_the_mails_link_once(team, ada, bob, settings) -> None:
    settings.SITE_URL = "https://board.example"
    client_of(ada).post("/teams/team-of-two/invite", {"email": "bob@example.org"})
    assert send_mails() == 1
    (message,) = mail.outbox
    assert message.to == ["bob@example.org"]
    assert message.subject.endswith("ada invites you to Team of two")
    link = re.search(r"https://board\.example(/invitations/\S+)\n", message.body)
    assert link
    assert Client().get(link[1]).url.startswith("/accounts/login/?next=/invitations/")
    assert "Join Team of two?" in said(client_of(bob).get(link[1]))
    assert roles(team) == {"ada": Role.OWNER}, "reading is not joining"
    assert "You are a member" in said(client_of(bob).post(link[1], follow=True))
    assert roles(team) == {"ada": Role.OWNER, "bob": Role.MEMBER}
    cid = User.objects.create_user("cid")
    assert client_of(cid).post(link[1]).status_code == 404
    assert "not open" in said(client_of(cid).get(link[1]))


def test_a_link_is_shown_to_owners_only_and_can_be_taken_back(team, ada, bob) -> None:
    invitation = invite(team.pk, ada)
    path = invitations.path(invitation)
    Membership.objects.create(team=team, user=bob)
    assert f"http://testserver{path}" in said(client_of(ada).get("/teams/team-of-two/"))
    assert "/invitations/" not in said(client_of(bob).get("/teams/team-of-two/"))
    client_of(ada).post("/teams/team-of-two/take-back", {"invitation": invitation.pk})
    cid = User.objects.create_user("cid")
    assert client_of(cid).post(path).status_code == 404


@pytest.mark.parametrize("token", ["1", "1:x", "x:y", "%20"])
def test_a_link_cannot_be_made_up(token: str, team, ada, bob) -> None:
    invite(team.pk, ada)
    assert client_of(bob).get(f"/invitations/{token}/").status_code == 404


def test_an_invitation_expires_and_a_taken_back_one_is_not_mailed(team, ada, bob) -> None:
    first = invite(team.pk, ada, "bob@example.org")
    Invitation.objects.update(expires=Now())
    assert invitations.find(invitations.path(first).split("/")[2]) is None
    assert send_mails() == 0
    with pytest.raises(TeamRefused, match="not open"):
        join_team(first, bob)


def test_invitations_are_limited_even_by_teams_that_are_gone(team, ada, monkeypatch) -> None:
    monkeypatch.setattr(inviting, "MOST_A_DAY", 2)
    for _ in range(2):
        invite(team.pk, ada, "bob@example.org")
    client_of(ada).post("/teams/team-of-two/delete")
    assert not Team.objects.exists()
    with pytest.raises(TeamRefused, match="in 24 hours"):
        invite(found_team("Another", ada).pk, ada, "bob@example.org")
    assert send_mails() == 0, "nobody is invited to a team that is gone"


def test_only_owners_change_a_team(team, ada, bob) -> None:
    Membership.objects.create(team=team, user=bob)
    client = client_of(bob)
    for path, fields in (
        ("invite", {}),
        ("rename", {"name": "Bob's"}),
        ("remove", {"person": ada.pk}),
        ("role", {"person": bob.pk, "role": "owner"}),
        ("delete", {}),
        ("take-back", {"invitation": 1}),
    ):
        answer = client.post(f"/teams/team-of-two/{path}", fields, follow=True)
        assert "Only owners of Team of two can do that." in said(answer)
    team.refresh_from_db()
    assert (team.name, roles(team)) == ("Team of two", {"ada": "owner", "bob": "member"})
    assert not Invitation.objects.exists()


def test_a_team_is_renamed_and_keeps_its_address(team, ada) -> None:
    client_of(ada).post("/teams/team-of-two/rename", {"name": "The Crew"})
    team.refresh_from_db()
    assert (team.name, team.name_key, team.slug) == ("The Crew", "the crew", "team-of-two")


def test_a_team_never_is_without_an_owner(team, ada, bob) -> None:
    Membership.objects.create(team=team, user=bob)
    client = client_of(ada)
    demote = {"person": ada.pk, "role": "member"}
    for path, fields in (("leave", {}), ("role", demote), ("remove", {"person": ada.pk})):
        answer = client.post(f"/teams/team-of-two/{path}", fields, follow=True)
        assert "is the only owner" in said(answer)
    client.post("/teams/team-of-two/role", {"person": bob.pk, "role": "owner"})
    assert client.post("/teams/team-of-two/leave").url == "/teams/"
    assert roles(team) == {"bob": "owner"}


def test_a_removed_member_finds_no_team(team, ada, bob) -> None:
    Membership.objects.create(team=team, user=bob)
    client_of(ada).post("/teams/team-of-two/remove", {"person": bob.pk})
    assert client_of(bob).get("/teams/team-of-two/").status_code == 404
    assert "You are in no team" in said(client_of(bob).get("/teams/"))


def test_a_team_with_methods_is_not_deleted(team, ada) -> None:
    method = Method.objects.create(name="Ours", slug="ours", team=team)
    client = client_of(ada)
    assert "delete those first" in said(client.post("/teams/team-of-two/delete", follow=True))
    method.delete()
    assert client.post("/teams/team-of-two/delete").url == "/teams/"
    assert not Team.objects.exists()


def test_members_join_one_at_a_time_up_to_a_number(team, ada, bob, monkeypatch) -> None:
    from leaderboard.accounts.services import join_team as joining

    monkeypatch.setattr(joining, "MOST_MEMBERS", 1)
    with pytest.raises(TeamRefused, match="1 members"):
        join_team(invite(team.pk, ada), bob)
    monkeypatch.undo()
    join_team(invite(team.pk, ada), bob)
    with pytest.raises(TeamRefused, match="already"):
        join_team(invite(team.pk, ada), bob)
