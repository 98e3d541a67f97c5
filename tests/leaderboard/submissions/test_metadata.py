"""What a stranger's submission.json may say, and what becomes of what it may not."""

from __future__ import annotations

import json

import pytest

from leaderboard.submissions.metadata import clean
from leaderboard.submissions.models import Method, Submission
from leaderboard.submissions.policies import quota
from leaderboard.submissions.states import State
from tests.leaderboard import support


def with_metadata(metadata: object) -> dict[str, bytes]:
    return support.members(categories=["clip"]) | {"submission.json": json.dumps(metadata).encode()}


@pytest.mark.parametrize(
    "value",
    ["\ud800", "a\x00b", "a\x1bb", "two\nlines", "\u202eevil", "\u200bx", "\ue000", "x\u2028y"],
)
def test_what_cannot_be_printed_is_left_out_and_noted(value: str) -> None:
    found = clean({"family": value, "backbone": "ResNet-18"})
    assert found.values == {"backbone": "ResNet-18"}
    assert len(found.notes) == 1
    assert found.notes[0].startswith("submission.json: family: ")


def test_a_description_may_have_several_lines() -> None:
    assert clean({"description": "One.\nTwo."}).values == {"description": "One.\nTwo."}
    assert clean({"description": "\u202eOne."}).values == {}


@pytest.mark.parametrize(
    ("metadata", "note"),
    [
        ({"family": "x" * 61}, "family is too long (61 characters; at most 60)"),
        ({"family": ["a"]}, "family is a list; expected text or a number"),
        ({"train_seconds": -1}, "train_seconds: Ensure this value is greater than or equal to 0."),
        ({"train_seconds": 1e999}, "train_seconds: Enter a number."),
        ({"paper_url": "javascript:1"}, "paper_url: Enter a valid URL."),
        ({"code_url": "ftp://example.org/x"}, "code_url: Enter a valid URL."),
        ({"paper_url": "http://[::1"}, "paper_url: Enter a valid URL."),
    ],
)
def test_each_value_that_is_not_taken_is_named(metadata: dict[str, object], note: str) -> None:
    assert clean(metadata).notes == (f"submission.json: {note}",)
    assert clean(metadata).values == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {"family": "\ud800"},
        {"\ud800": "\ud800"},
        {"description": "x" * 5000, "seed": 10**4000},
        {"method": "\ud800", "family": {"a": [1]}},
    ],
)
def test_no_metadata_makes_an_archive_fail(metadata: dict[str, object], hand_in, work_off) -> None:
    submission = hand_in(with_metadata(metadata))
    work_off()
    submission.refresh_from_db()
    assert submission.state in (State.SCORED, State.REJECTED)
    assert submission.jobs.filter(attempt__gt=1).count() == 0


def test_the_owner_reads_what_was_not_taken(hand_in, work_off, client, owner) -> None:
    submission = hand_in(with_metadata({"family": "x" * 61}))
    work_off()
    client.force_login(owner)
    page = client.get(f"/submissions/{submission.pk}/").content.decode()
    assert "submission.json: family is too long (61 characters; at most 60)" in page


def test_a_blank_name_is_taken_from_the_archive(hand_in, work_off) -> None:
    submission = hand_in(with_metadata({"method": " Told\u00a0 method "}), method_name="")
    assert submission.method.name.startswith("Unnamed")
    work_off()
    method = Method.objects.get()
    assert (method.name, method.slug, method.is_named) == ("Told method", "told-method", True)


def test_a_name_told_again_is_the_same_method(hand_in, work_off) -> None:
    for _ in range(2):
        hand_in(with_metadata({"method": "Told method"}), method_name="")
    work_off()
    assert Method.objects.get().submissions.filter(state=State.SCORED).count() == 2


@pytest.mark.parametrize(
    "told", [{}, {"method": 7}, {"method": "PatchCore"}, {"method": "a\u200bb"}]
)
def test_an_archive_that_nothing_names_is_rejected(
    told: dict[str, object], hand_in, work_off, owner, version
) -> None:
    submission = hand_in(with_metadata(told), method_name="")
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.REJECTED
    assert submission.problems[0].startswith("submission.json: method: ")
    assert quota(owner, version).left == 2


def test_a_private_submission_says_nothing_on_its_methods_page(
    hand_in, work_off, client, owner
) -> None:
    told = with_metadata({"family": "Secret family"})
    private = hand_in(told, visibility="private", metadata={"backbone": "Secret net"})
    work_off()
    method = private.method
    hand_in(support.members(categories=["clip"]), method=method)
    work_off()
    page = client.get(f"/methods/{method.slug}/")
    assert page.status_code == 200
    assert "Secret" not in page.content.decode()


def test_a_submission_describes_its_method_when_it_is_published(hand_in, work_off) -> None:
    submission = hand_in(with_metadata({"family": "density"}), metadata={"backbone": "ResNet-18"})
    assert Method.objects.get().backbone == ""
    work_off()
    method = Method.objects.get()
    assert (method.family, method.backbone) == ("density", "ResNet-18")
    assert submission.metadata == {"backbone": "ResNet-18"}


def test_what_a_maintainer_makes_public_describes_its_method(
    hand_in, work_off, admin_client
) -> None:
    submission = hand_in(with_metadata({"family": "density"}), visibility="private")
    work_off()
    assert Method.objects.get().family == ""
    submission.refresh_from_db()
    form = {
        "visibility": "public",
        "metadata": json.dumps(submission.metadata),
        **{
            f"{name}-{field}": 0
            for name in ("jobs", "events")
            for field in ("TOTAL_FORMS", "INITIAL_FORMS")
        },
    }
    url = f"/admin/submissions/submission/{submission.pk}/change/"
    assert admin_client.post(url, form).status_code == 302
    assert Submission.objects.get().visibility == "public"
    assert Method.objects.get().family == "density"
