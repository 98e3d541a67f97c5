"""Deleting, renaming, changing who sees a submission; the same archive twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from leaderboard.accounts.models import Membership, Role, Team, User
from leaderboard.submissions.duplicates import duplicates
from leaderboard.submissions.jobs import fail, lock
from leaderboard.submissions.models import (
    DeletedSubmission,
    Event,
    Job,
    Method,
    Score,
    Submission,
    Upload,
    Visibility,
)
from leaderboard.submissions.policies import quota, team_quota
from leaderboard.submissions.services.append import append
from leaderboard.submissions.services.begin_upload import Announced, begin_upload
from leaderboard.submissions.services.change_visibility import NotChanged, change_visibility
from leaderboard.submissions.services.choose import choose
from leaderboard.submissions.services.claim import claim
from leaderboard.submissions.services.delete import delete
from leaderboard.submissions.services.finalise import Scored, finish_score
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.remove_files import remove_files
from leaderboard.submissions.services.rename_method import rename_method
from leaderboard.submissions.services.submit import About, submit
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import State
from tests.leaderboard import support
from tests.leaderboard.submissions.conftest import handed

ARCHIVE = b"archive"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def stored(place: Path) -> list[str]:
    folders = ("archives", "results")
    return [str(path) for name in folders for path in (place / name).rglob("*") if path.is_file()]


# Delete -------------------------------------------------------------------------------------------


def test_deleting_leaves_no_row_and_no_file_but_counts(
    hand_in, work_off, owner, version, places
) -> None:
    submission = hand_in()
    work_off()
    assert stored(places)
    answer = client_of(owner).post(f"/submissions/{submission.pk}/delete", follow=True)
    assert "is deleted" in answer.content.decode()
    for model in (Submission, Job, Score, Event, Method):
        assert not model._default_manager.exists()
    assert stored(places) == []
    assert quota(owner, version).left == 1
    assert client_of(owner).get(f"/submissions/{submission.pk}/").status_code == 404


def test_deleting_a_failed_one_gives_nothing_and_takes_nothing(hand_in, owner, version) -> None:
    submission = hand_in(ARCHIVE)
    with transaction.atomic():
        fail(lock(submission.pk), "Our fault.")
    delete(submission.pk, owner)
    assert quota(owner, version).left == 2


def test_withdrawing_what_failed_costs_nothing(hand_in, work_off, owner, version) -> None:
    submission = hand_in()
    perform(submission.jobs.get().pk, "test")
    with transaction.atomic():
        fail(lock(submission.pk), "Our fault.")
    withdraw(submission.pk, owner)
    assert quota(owner, version).left == 2


def test_deleting_before_scoring_began_is_withdrawing(hand_in, owner, version) -> None:
    delete(hand_in(ARCHIVE).pk, owner)
    assert DeletedSubmission.objects.get().state == State.WITHDRAWN
    assert quota(owner, version).left == 2


def test_deleting_an_unfinished_upload_leaves_nothing_of_it(owner, version, places) -> None:
    about = About("maps.zip", method_name="Blur", declared=True)
    upload = begin_upload(owner, version, about, Announced(length=10))
    append(upload, 0, [b"abc"])
    assert stored(places)
    delete(upload.pk, owner)
    assert not Upload.objects.exists()
    assert stored(places) == []
    assert quota(owner, version).left == 2


def test_a_worker_whose_submission_is_deleted_writes_nothing(
    hand_in, owner, places, caplog
) -> None:
    submission = hand_in()
    perform(submission.jobs.get().pk, "test")
    jobs = list(submission.jobs.filter(kind=Job.Kind.SCORE))
    held = claim(jobs[0].pk, "test")
    assert held is not None
    delete(submission.pk, owner)
    assert claim(jobs[1].pk, "test") is None
    perform(jobs[1].pk, "test")
    with pytest.raises(Exception, match=str(submission.pk)):
        finish_score(held, Scored({"image_auroc": 0.5}))
    assert not Score.objects.exists()
    assert "Traceback" not in caplog.text


def test_what_is_left_of_files_is_removed_now_and_a_day_later(hand_in, owner, places) -> None:
    submission = hand_in(ARCHIVE)
    delete(submission.pk, owner)
    left = [places / folder / str(submission.pk) / "left" for folder in ("archives", "results")]

    def leave() -> None:
        for path in left:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"written by a worker that had lost its job")

    leave()
    assert (remove_files(), remove_files()) == (1, 0)
    assert not any(path.exists() for path in left)
    leave()
    day = timedelta(days=1, seconds=1)
    row = DeletedSubmission.objects.get()
    DeletedSubmission.objects.update(
        deleted=row.deleted - day, remove_files_at=row.remove_files_at - day
    )
    assert (remove_files(), remove_files()) == (1, 0)
    assert not any(path.exists() for path in left)
    assert DeletedSubmission.objects.get().remove_files_at is None


def test_a_method_stays_while_something_of_it_does(hand_in, owner) -> None:
    first = hand_in(ARCHIVE)
    second = hand_in(ARCHIVE, method=first.method)
    delete(first.pk, owner)
    assert Method.objects.get() == second.method


# Rename -------------------------------------------------------------------------------------------


def test_a_method_is_renamed_and_keeps_its_address(hand_in, owner) -> None:
    submission = hand_in(ARCHIVE, method_name="Blur")
    client_of(owner).post("/methods/blur/rename", {"name": " Sharp "})
    method = Method.objects.get()
    assert (method.name, method.slug) == ("Sharp", "blur")
    assert submission.events.last().text == "The method was renamed from Blur to Sharp."
    assert hand_in(ARCHIVE, method_name="sharp").method == method


def test_a_name_that_is_taken_or_the_papers_is_refused(hand_in, owner) -> None:
    hand_in(ARCHIVE, method_name="Blur")
    hand_in(ARCHIVE, method_name="Sharp")
    for name, said in (("SHARP", "named Sharp already"), ("PaDiM", "method of the paper")):
        answer = client_of(owner).post("/methods/blur/rename", {"name": name})
        assert answer.status_code == 422
        assert said in answer.content.decode()
    rename_method(Method.objects.get(slug="blur").pk, "BLUR", owner)
    assert Method.objects.get(slug="blur").name == "BLUR"


# Visibility ---------------------------------------------------------------------------------------


def test_visibility_changes_at_any_time_and_is_an_event(hand_in, work_off, owner) -> None:
    submission = hand_in(visibility=Visibility.PRIVATE)
    client = client_of(owner)
    for chosen in (Visibility.ANONYMOUS, Visibility.PUBLIC):
        client.post(f"/submissions/{submission.pk}/visibility", {"visibility": chosen})
        submission.refresh_from_db()
        assert submission.visibility == chosen
    work_off()
    assert Submission.objects.on_boards().get() == submission
    change_visibility(submission.pk, Visibility.PRIVATE, owner)
    assert not Submission.objects.on_boards().exists()
    texts = list(submission.events.filter(kind="visibility").values_list("text", "actor"))
    assert texts == [
        ("Made anonymous; it was private.", owner.pk),
        ("Made public; it was anonymous.", owner.pk),
        ("Made private; it was public.", owner.pk),
    ]


def test_a_private_one_is_chosen_no_more(hand_in, work_off, owner) -> None:
    first = hand_in()
    hand_in(method=first.method)
    work_off()
    choose(first.pk, owner)
    change_visibility(first.pk, Visibility.PRIVATE, owner)
    first.refresh_from_db()
    assert not first.is_chosen


def test_all_shown_ones_of_a_method_change_together(hand_in, owner, version) -> None:
    version.submissions_per_day = 5
    version.save()
    first = hand_in(ARCHIVE, visibility=Visibility.ANONYMOUS)
    second = hand_in(ARCHIVE, visibility=Visibility.ANONYMOUS, method=first.method)
    private = hand_in(ARCHIVE, visibility=Visibility.PRIVATE, method=first.method)
    page = client_of(owner).get(f"/submissions/{first.pk}/visibility").content.decode()
    assert "1 more of" in page
    assert change_visibility(first.pk, Visibility.PUBLIC, owner) == [second]
    for submission, expected in ((second, "public"), (private, "private")):
        submission.refresh_from_db()
        assert submission.visibility == expected
    change_visibility(private.pk, Visibility.ANONYMOUS, owner)
    assert set(Submission.objects.values_list("visibility", flat=True)) == {"anonymous"}


def test_a_member_does_not_change_what_others_handed_in(owner, version) -> None:
    member = User.objects.create_user("member")
    team = Team.objects.create(name="Two", slug="two")
    Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    Membership.objects.create(team=team, user=member)
    first = submit(owner, version, handed(ARCHIVE, team=team, visibility="anonymous"))
    own = submit(member, version, handed(ARCHIVE, team=team, visibility="anonymous",
                                         method=first.method, method_name=""))  # fmt: skip
    with pytest.raises(NotChanged, match="an owner of the team"):
        change_visibility(own.pk, Visibility.PUBLIC, member)
    answer = client_of(member).get(f"/submissions/{first.pk}/delete")
    assert answer.status_code == 404
    assert change_visibility(own.pk, Visibility.PUBLIC, owner) == [first]
    assert team_quota(team, version).left == 2


# The same archive twice ---------------------------------------------------------------------------


def test_the_same_archive_is_pointed_out_to_who_may_know(hand_in, work_off, owner, version) -> None:
    other = User.objects.create_user("other")
    mine = hand_in()
    theirs = submit(other, version, handed(support.zipped(support.members())))
    work_off()
    for submission in (mine, theirs):
        submission.refresh_from_db()
    assert duplicates(mine, owner) == [theirs]
    page = client_of(owner).get(f"/submissions/{mine.pk}/").content.decode()
    assert "handed in more than once" in page
    assert f"/submissions/{theirs.pk}/" in page
    for hidden in (Visibility.PRIVATE, Visibility.ANONYMOUS):
        change_visibility(theirs.pk, hidden, other)
        theirs.refresh_from_db()
        assert duplicates(mine, owner) == []
        assert duplicates(mine, other) == [theirs], "one's own"
    assert duplicates(theirs, owner) == [], "an anonymous one tells nothing of its archive"


def test_an_archive_handed_in_again_is_pointed_out_at_once(hand_in, owner) -> None:
    data = support.zipped(support.members())
    first = hand_in(data, method_name="Blur")
    told = {"visibility": "public", "declared": "on", "method_name": "Sharp",
            "archive": SimpleUploadedFile("maps.zip", data)}  # fmt: skip
    page = client_of(owner).post("/submit/small/", told, follow=True).content.decode()
    assert "withdrawn before scoring begins, this one costs nothing" in page
    assert f"/submissions/{first.pk}/" in page
