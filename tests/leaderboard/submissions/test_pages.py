"""The pages: upload form, submission page, its living part."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from leaderboard.accounts.models import User
from leaderboard.datasets.models import Labels
from leaderboard.submissions.models import Method, Submission
from leaderboard.submissions.policies import may_choose
from leaderboard.submissions.services.choose import NotChoosable, choose
from leaderboard.submissions.states import State
from tests.database import put
from tests.leaderboard import support


@pytest.fixture
def signed_in(client, owner):
    client.force_login(owner)
    return client


def fields(data: bytes, **changed: object) -> dict[str, object]:
    values: dict[str, object] = {
        "archive": SimpleUploadedFile("maps.zip", data),
        "method_name": "New method",
        "visibility": "public",
        "declared": "on",
        "seed": "1, 2, 3",
    }
    return {key: value for key, value in (values | changed).items() if value is not None}


def test_an_upload_is_stored_hashed_and_queued(signed_in, version) -> None:
    archive = support.zipped(support.members())
    answer = signed_in.post("/submit/small/", fields(archive))
    submission = Submission.objects.get()
    assert answer.status_code == 302
    assert answer.url == f"/submissions/{submission.pk}/"
    assert submission.state == State.QUEUED
    assert submission.sha256 == hashlib.sha256(archive).hexdigest()
    assert submission.archive_file.read_bytes() == archive
    assert submission.archive_file.name == "archive.zip"
    assert submission.metadata == {"seed": "1, 2, 3"}
    assert submission.method.name == "New method"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"declared": None}, "The declaration is needed"),
        ({"method_name": "..."}, "at least one letter"),
        ({"archive": None}, "This field is required"),
        ({"archive": SimpleUploadedFile("maps.rar", b"x")}, "maps.rar: not an archive"),
        ({"archive": SimpleUploadedFile("maps.zip", b"")}, "empty"),
        ({"paper_url": "javascript:alert(1)"}, "valid URL"),
        ({"train_seconds": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_on_the_form_is_said_beside_the_field(
    changed: dict[str, object], error: str, signed_in, version
) -> None:
    answer = signed_in.post("/submit/small/", fields(b"archive", **changed))
    assert answer.status_code == 422
    assert error in answer.content.decode()
    assert not Submission.objects.exists()


def test_too_large_an_upload_is_refused_and_not_kept(
    signed_in, version, settings, tmp_path: Path
) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    answer = signed_in.post("/submit/small/", fields(b"x" * 200_000))
    assert "maps.zip: larger than" in answer.content.decode()
    assert not support.unnamed_files(tmp_path)


def test_the_form_offers_only_ones_own_methods(signed_in, owner, version) -> None:
    Method.objects.create(owner=None, name="Somebody else's", slug="theirs")
    Method.objects.create(owner=owner, name="My method", slug="mine")
    page = signed_in.get("/submit/small/").content.decode()
    assert "My method" in page
    assert "Somebody else" not in page


def test_the_form_says_what_is_left(signed_in, hand_in) -> None:
    hand_in()
    page = signed_in.get("/submit/small/").content.decode()
    assert "1 of 2 left today, the next at " in page


def test_the_form_is_closed_where_the_dataset_is_not_installed(signed_in, version) -> None:
    version.imported_at = None
    version.save()
    assert "not installed on this server" in signed_in.get("/submit/small/").content.decode()
    answer = signed_in.post("/submit/small/", fields(b"archive"))
    assert not Submission.objects.exists()
    assert "not installed" in answer.content.decode()


def test_the_page_polls_while_there_is_something_to_see_and_then_stops(
    signed_in, hand_in, work_off
) -> None:
    submission = hand_in()
    url = f"/submissions/{submission.pk}/"
    page = signed_in.get(url).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    work_off()
    fragment = signed_in.get(f"{url}progress").content.decode()
    assert "hx-get" not in fragment
    assert 'data-state="scored"' in fragment
    assert "<html" not in fragment
    assert "refresh" not in signed_in.get(url).content.decode()


def test_nothing_is_sent_while_nothing_changed(signed_in, hand_in) -> None:
    submission = hand_in()
    url = f"/submissions/{submission.pk}/progress"
    seen = signed_in.get(url).context["seen"]
    assert signed_in.get(url, {"seen": seen}).status_code == 204
    submission.jobs.update(done=3, total=12)
    answer = signed_in.get(url, {"seen": seen})
    assert answer.content.decode().startswith('<div id="now"')
    assert "sub-status" not in answer.content.decode()


def test_a_scored_page_shows_every_metric_with_every_digit(signed_in, hand_in, work_off) -> None:
    submission = hand_in()
    work_off()
    url = f"/submissions/{submission.pk}/"
    page = signed_in.get(url).content.decode()
    report = json.loads(signed_in.get(f"{url}report.json").content)
    for category in support.CATEGORIES:
        found = report["categories"][category]
        for value in (found["image_auroc"], found["au_spro"]["0.05"], found["pixel_ap"]):
            assert f'title="{value!r}">{100 * value:.1f}' in page
    assert "Area under the saturated per-region overlap" in page


def test_several_runs_show_their_spread_and_each_run(signed_in, hand_in, work_off) -> None:
    submission = hand_in(support.members(runs=2))
    work_off()
    url = f"/submissions/{submission.pk}/"
    page = signed_in.get(url).content.decode()
    report = json.loads(signed_in.get(f"{url}report.json").content)
    summary = report["summary"]["categories"]["clip"]["pixel_ap"]
    assert f"{summary['mean']!r} ± {summary['std']!r} over 2 runs" in page
    assert "run_0" in page
    assert "run_1" in page


def test_small_folders_give_no_figures_on_the_page(signed_in, hand_in, work_off) -> None:
    submission = hand_in()
    work_off()
    page = signed_in.get(f"/submissions/{submission.pk}/").content.decode()
    assert "fewer than 5 images" in page


def test_the_owner_withdraws_by_a_button(signed_in, hand_in) -> None:
    submission = hand_in()
    page = signed_in.get(f"/submissions/{submission.pk}/").content.decode()
    assert f"/submissions/{submission.pk}/withdraw" in page
    signed_in.post(f"/submissions/{submission.pk}/withdraw")
    submission.refresh_from_db()
    assert submission.state == State.WITHDRAWN
    again = signed_in.post(f"/submissions/{submission.pk}/withdraw", follow=True)
    assert "Nothing to withdraw" in again.content.decode()


def test_the_latest_scored_stands_unless_its_owner_chooses(
    hand_in, work_off, owner, version
) -> None:
    first = hand_in(support.members(categories=["clip"]))
    second = hand_in(support.members(categories=["clip"]), method=first.method)
    work_off()
    assert Submission.objects.standing(version) == [second]
    choose(first.pk, owner)
    assert Submission.objects.standing(version) == [first]
    choose(second.pk, owner)
    assert Submission.objects.standing(version) == [second]


def test_a_withdrawn_or_private_submission_stands_on_no_board(hand_in, work_off, version) -> None:
    submission = hand_in(support.members(categories=["clip"]), visibility="private")
    work_off()
    assert Submission.objects.standing(version) == []
    Submission.objects.filter(pk=submission.pk).update(visibility="public")
    assert Submission.objects.standing(version) == [submission]
    put(submission, state=State.WITHDRAWN)
    assert Submission.objects.standing(version) == []


def test_names_and_problems_are_escaped(signed_in, hand_in) -> None:
    submission = hand_in(method_name="<b>bold</b>")
    put(submission, state=State.REJECTED, problems=["<i>x.png</i>: wrong"], problem_count=1)
    page = signed_in.get(f"/submissions/{submission.pk}/").content.decode()
    assert "<b>bold" not in page
    assert "<i>x.png" not in page


@pytest.mark.parametrize("others", [0, 5])
def test_a_poll_takes_the_same_few_queries_on_a_full_board(
    others: int, signed_in, hand_in, work_off, version, django_assert_num_queries
) -> None:
    version.submissions_per_day = 20
    version.save()
    for _ in range(others):
        hand_in(support.members(categories=["clip"]))
    work_off()
    active = hand_in()
    # Session, user, the submission, its jobs, its events, the quota, the same archive; and for its
    # place in the queue: who waits, who was served when, what of one's own is older.
    with django_assert_num_queries(10):
        signed_in.get(f"/submissions/{active.pk}/progress")


@pytest.mark.parametrize("others", [0, 5])
def test_asking_who_may_choose_reads_one_row(
    others: int, hand_in, work_off, owner, version, django_assert_num_queries
) -> None:
    version.submissions_per_day = 20
    version.save()
    first = hand_in(support.members(categories=["clip"]))
    for _ in range(others):
        hand_in(support.members(categories=["clip"]), method=first.method)
    work_off()
    submission = Submission.objects.select_related("method", "dataset_version").get(pk=first.pk)
    with django_assert_num_queries(1):
        assert may_choose(owner, submission) is bool(others)
    submission.visibility = "private"
    with django_assert_num_queries(0):
        assert not may_choose(owner, submission)


@pytest.mark.parametrize("changed", [{"visibility": "private"}, {"state": State.QUEUED}, {}])
def test_only_ones_own_public_scored_submission_is_chosen(
    changed: dict[str, str], hand_in, work_off, owner
) -> None:
    first = hand_in(support.members(categories=["clip"]))
    second = hand_in(support.members(categories=["clip"]), method=first.method)
    work_off()
    put(first, **changed)
    actor = owner if changed else User.objects.create_user("other")
    with pytest.raises(NotChoosable):
        choose(first.pk, actor)
    with pytest.raises(NotChoosable):
        choose(second.pk, owner)  # it stands already
    assert not Submission.objects.filter(is_chosen=True).exists()


def test_a_board_with_hidden_labels_takes_archives_once_it_is_installed(signed_in, version) -> None:
    version.labels = Labels.HIDDEN
    version.save()
    page = signed_in.get("/submit/small/").content.decode()
    assert "labels of this dataset are hidden" in page
    assert "not installed" not in page
    version.imported_at = None
    version.save()
    for address in ("/submit/small/", "/submit/"):
        assert "not installed on this server" in signed_in.get(address).content.decode()


def test_a_report_is_kept_by_no_cache(signed_in, hand_in, work_off) -> None:
    submission = hand_in(support.members(categories=["clip"]))
    work_off()
    answer = signed_in.get(f"/submissions/{submission.pk}/report.json")
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
