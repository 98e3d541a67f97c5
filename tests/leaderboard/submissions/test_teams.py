"""Submissions in a team's name: who may, who sees them, whose quota they take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from leaderboard.accounts.models import Membership, Role, Team, User
from leaderboard.submissions import policies
from leaderboard.submissions.models import DeletedSubmission, Method, Submission, Visibility
from leaderboard.submissions.policies import moment, quota, team_quota
from leaderboard.submissions.services.submit import QuotaSpent, SubmitRefused, submit
from leaderboard.submissions.states import State
from tests.database import put
from tests.leaderboard.submissions.conftest import handed

ARCHIVE = b"archive"


@pytest.fixture
def mate() -> User:
    return User.objects.create_user("mate")


@pytest.fixture
def other() -> User:
    return User.objects.create_user("other")


@pytest.fixture
def team(owner: User, mate: User) -> Team:
    team = Team.objects.create(name="Team of two", slug="team-of-two")
    Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    Membership.objects.create(team=team, user=mate)
    return team


def test_a_submission_in_a_teams_name_makes_the_method_the_teams(hand_in, team) -> None:
    submission = hand_in(ARCHIVE, team=team, method_name="Ours")
    assert (submission.method.team, submission.method.owner) == (team, None)
    again = hand_in(ARCHIVE, team=team, method_name="Ours")
    assert again.method == submission.method


def test_only_members_submit_in_a_teams_name(version, team, other) -> None:
    with pytest.raises(SubmitRefused, match="Only members of Team of two"):
        submit(other, version, handed(ARCHIVE, team=team))
    assert not Submission.objects.exists()


def test_a_method_is_used_in_the_name_that_it_is_of(hand_in, team, owner) -> None:
    theirs = hand_in(ARCHIVE, team=team, method_name="Ours").method
    mine = hand_in(ARCHIVE, method_name="Mine").method
    with pytest.raises(SubmitRefused, match="not a method of Team of two"):
        hand_in(ARCHIVE, team=team, method=mine)
    with pytest.raises(SubmitRefused, match="another person's method"):
        hand_in(ARCHIVE, method=theirs)


def test_a_method_has_one_owner_at_most(owner, team) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Method.objects.create(name="Both", slug="both", owner=owner, team=team)


def test_mates_see_everything_and_others_nothing(hand_in, team, mate, other, owner) -> None:
    submission = hand_in(ARCHIVE, team=team, visibility=Visibility.PRIVATE)
    own = hand_in(ARCHIVE, visibility=Visibility.PRIVATE)
    seen = {
        user.username: set(Submission.objects.visible_to(user)) for user in (owner, mate, other)
    }
    assert seen == {"demo": {submission, own}, "mate": {submission}, "other": set()}
    Membership.objects.filter(user=owner).delete()
    assert set(Submission.objects.visible_to(owner)) == {own}, "who left sees nothing of the team"


def test_who_handed_it_in_and_the_teams_owners_manage_it(version, team, mate, owner, other) -> None:
    of_mate = submit(mate, version, handed(ARCHIVE, team=team))
    of_owner = submit(owner, version, handed(ARCHIVE, team=team))
    assert policies.may_withdraw(mate, of_mate)
    assert policies.may_withdraw(owner, of_mate)
    assert not policies.may_withdraw(mate, of_owner)
    assert policies.sees_problems(mate, of_owner)
    assert not policies.may_withdraw(other, of_mate)
    Membership.objects.filter(user=mate).delete()
    assert not policies.may_withdraw(mate, of_mate)


def test_four_a_team_board_and_day_however_many_members(version, team, mate, owner, other) -> None:
    Membership.objects.create(team=team, user=other)
    for person in (owner, owner, mate, mate):
        submit(person, version, handed(ARCHIVE, team=team))
    with pytest.raises(QuotaSpent, match="left to Team of two"):
        submit(other, version, handed(ARCHIVE, team=team))
    assert (team_quota(team, version).left, quota(other, version).left) == (0, 2)


def test_what_is_in_a_teams_name_counts_for_the_person_too(hand_in, version, team, owner) -> None:
    hand_in(ARCHIVE, team=team)
    hand_in(ARCHIVE)
    with pytest.raises(QuotaSpent):
        hand_in(ARCHIVE, team=team)
    assert (team_quota(team, version).left, quota(owner, version).left) == (3, 0)


def test_a_team_has_a_limit_a_month_where_the_board_says_so(hand_in, version, team) -> None:
    version.team_submissions_per_month = 1
    version.save()
    put(hand_in(ARCHIVE, team=team), created=timezone.now() - timedelta(days=3))
    with pytest.raises(QuotaSpent):
        hand_in(ARCHIVE, team=team)


@pytest.mark.parametrize(
    ("state", "began", "left"),
    [(State.SCORED, True, 1), (State.REJECTED, False, 2), (State.FAILED, True, 2),
     (State.WITHDRAWN, False, 2), (State.WITHDRAWN, True, 1)],
)  # fmt: skip
def test_what_is_deleted_counts_as_it_did(state, began, left, hand_in, owner, version) -> None:
    submission = hand_in(ARCHIVE)
    DeletedSubmission.objects.create(
        id=submission.pk, owner=owner, dataset_version=version, state=state,
        created=submission.created, scoring_began=timezone.now() if began else None,
    )  # fmt: skip
    submission.delete()
    assert quota(owner, version).left == left


def test_a_moment_is_said_with_its_day() -> None:
    now = timezone.now().replace(year=2026, month=11, day=23, hour=20, minute=0)
    assert moment(now.replace(hour=22, minute=5), now) == "22:05 UTC"
    assert moment(now + timedelta(hours=6), now) == "02:00 UTC tomorrow"
    assert moment(now + timedelta(days=8), now) == "20:00 UTC on 1 December"


@pytest.mark.parametrize("kinds", [("public", "anonymous"), ("anonymous", "public")])
def test_of_a_method_nothing_is_anonymous_beside_something_public(kinds, hand_in) -> None:
    first = hand_in(ARCHIVE, visibility=kinds[0])
    with pytest.raises(SubmitRefused, match=f"has {kinds[0]} submissions"):
        hand_in(ARCHIVE, visibility=kinds[1], method=first.method)
    put(first, state=State.WITHDRAWN)
    assert hand_in(ARCHIVE, visibility=kinds[1], method=first.method).visibility == kinds[1]
