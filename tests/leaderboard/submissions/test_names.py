"""Names of methods: no two read alike, and none reads like the paper's."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from leaderboard.accounts.models import User
from leaderboard.boards.paper_tables import METHODS
from leaderboard.submissions import names
from leaderboard.submissions.models import Method
from leaderboard.submissions.services.name_method import NameRefused, new_method
from tests.leaderboard.submissions.test_at_once import at_once


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Two \t  words\n", "Two words"),
        ("\uff30\uff41\uff54\uff43\uff48 2", "Patch 2"),
        ("R\u00e9seau", "R\u00e9seau"),
        ("Re\u0301seau", "R\u00e9seau"),
        ("\uff1dSUM(1)", "=SUM(1)"),
    ],
)
def test_a_name_has_one_spelling(typed: str, kept: str) -> None:
    assert names.tidy(typed) == kept


@pytest.mark.parametrize(
    "name",
    [
        "Patch\u200bCore",
        "\u202eeroC",
        "\U000e0041",
        "Patch\U000e0041",
        "a\x07b",
        "a\ud800",
        "\ue000 a",
        "\u3164",
        "a\ufe0f",
        "...",
        "x" * 81,
        "\ufdfa" * 10,
    ],
)
def test_what_cannot_be_seen_or_read_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        names.tidy(name)


@pytest.mark.parametrize("twin", ["my method", "MY  METHOD", "\uff2dy method", "My\u00a0Method"])
def test_a_name_stands_once_on_the_site(twin: str, owner: User) -> None:
    mine = new_method(owner, "My method")
    assert new_method(owner, twin) == mine, "typed again, it is the method that one has"
    with pytest.raises(NameRefused, match="choose another name"):
        new_method(User.objects.create_user("other"), twin)
    with pytest.raises(IntegrityError):
        Method.objects.create(name=twin, slug="twin")


@pytest.mark.parametrize("printed", [method.name for method in METHODS.values()])
def test_the_papers_names_are_the_maintainers(printed: str, owner: User) -> None:
    for name in (printed, printed.upper()):
        with pytest.raises(NameRefused, match="a method of the paper"):
            new_method(owner, name)
    staff = User.objects.create_user("staff", is_staff=True)
    assert new_method(staff, printed).name == printed


def test_of_several_at_once_one_gets_the_name() -> None:
    people = [User.objects.create_user(f"demo{index}") for index in range(3)]
    got = at_once(*[lambda who=who: new_method(who, "Quick") for who in people])
    assert sum(isinstance(answer, Method) for answer in got) == 1
    assert sum(isinstance(answer, NameRefused) for answer in got) == 2


def test_the_form_says_it_beside_the_name(client, owner: User, version) -> None:
    from tests.leaderboard.submissions.test_pages import fields

    Method.objects.create(name="Taken", slug="taken")
    client.force_login(owner)
    for name, said in (("taken", "choose another name"), ("DSR", "a method of the paper")):
        answer = client.post("/submit/small/", fields(b"archive", method_name=name))
        assert answer.status_code == 422
        assert said in answer.context["form"].errors["method_name"][0]
    assert owner.submissions.count() == 0


def test_maintainers_submit_under_the_papers_methods(hand_in, owner: User) -> None:
    paper = Method.objects.create(name="PatchCore", slug="patchcore")
    owner.is_staff = True
    owner.save()
    assert hand_in(method=paper).method == paper


def test_the_administration_keeps_names_apart(admin_client) -> None:
    Method.objects.create(name="First", slug="first")
    second = Method.objects.create(name="Second", slug="second")
    url = f"/admin/submissions/method/{second.pk}/change/"
    answer = admin_client.post(url, {"name": "FIRST", "slug": "second"})
    assert "There is a method of this name already" in answer.content.decode()
