"""What the page says while a submission is on its way, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import Naming, import_dataset
from leaderboard.submissions.following import follow
from leaderboard.submissions.history import LOG
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.services.claim import claim
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.renew import renew
from leaderboard.submissions.services.sweep import end_lost_leases
from leaderboard.submissions.states import State
from tests.leaderboard import support
from tests.leaderboard.submissions.times import lose_lease


def said(submission: Submission, **later: float):
    submission = Submission.objects.get(pk=submission.pk)
    now = submission.created + timedelta(**later)
    return follow(submission, list(submission.jobs.all()), now)


def log(submission: Submission) -> list[str]:
    return list(submission.events.filter(kind=LOG).values_list("text", flat=True))


@pytest.fixture
def signed_in(client: Client, owner) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def checked(hand_in) -> Callable[..., Submission]:
    """A submission whose check is done."""

    def checked(**members: object) -> Submission:
        submission = hand_in(support.members(**members))
        perform(submission.jobs.get().pk, "test")
        return submission

    return checked


def test_who_waits_is_told_how_many_jobs_are_before(hand_in, version) -> None:
    version.submissions_per_day = 10
    version.save()
    first, second, third = (hand_in() for _ in range(3))
    assert said(first).place == "The next one in the queue is this submission's."
    assert said(second).place == "1 job is before it in the queue."
    assert said(third).place == "2 jobs are before it in the queue."
    assert said(third).summary == "Waiting for a worker."
    claim(first.jobs.get().pk, "test")
    assert said(first).place == ""
    assert said(first).summary == "A worker checks the archive."


def test_how_long_it_has_taken_is_told_in_steps(hand_in) -> None:
    submission = hand_in()
    assert [said(submission, seconds=at).elapsed for at in (0, 7, 125)] == ["0 s", "5 s", "3 min"]


def test_of_one_run_each_category_has_a_bar_with_its_maps(checked) -> None:
    submission = checked()
    job = claim(submission.jobs.filter(kind=Job.Kind.SCORE).first().pk, "test")
    renew(job, 2, 6)
    following = said(submission)
    assert following.summary == "0 of 2 categories are scored."
    assert [(part.title, part.words) for part in following.parts] == [
        ("bracket", "2 of 6 maps"),
        ("clip", "waiting"),
    ]


def test_of_several_runs_each_has_a_bar_with_its_categories(checked) -> None:
    submission = checked(runs=2)
    first, second, *_ = submission.jobs.filter(kind=Job.Kind.SCORE)
    perform(first.pk, "test")
    renew(claim(second.pk, "test"), 3, 6)
    following = said(submission)
    assert following.summary == "1 of 4 categories of 2 runs are scored."
    assert [(part.title, part.words, part.done / part.total) for part in following.parts] == [
        ("run_0", "1 of 2 categories, clip under way", 0.75),
        ("run_1", "0 of 2 categories", 0.0),
    ]


def test_attempts_are_told(checked, signed_in: Client) -> None:
    submission = checked()
    job = submission.jobs.filter(kind=Job.Kind.SCORE).first()
    lose_lease(claim(job.pk, "dies"))
    end_lost_leases()
    assert said(submission).attempt == "Attempt 2."
    claim(job.pk, "lives")
    assert log(submission)[-1] == "Attempt 2 of 5: scoring run_0/bracket."
    page = signed_in.get(f"/submissions/{submission.pk}/").content.decode()
    assert "Attempt 2." in page
    assert "The worker went silent. It will be tried again." in page


def test_the_workers_log_says_what_was_done_and_how_long_it_took(
    checked, work_off, signed_in: Client
) -> None:
    submission = checked()
    work_off()
    lines = log(submission)
    assert [line.rpartition(" in ")[0] for line in lines] == [
        "Checked 12 maps",
        "run_0/bracket: scored",
        "run_0/clip: scored",
    ]
    page = signed_in.get(f"/submissions/{submission.pk}/").content.decode()
    assert all(line in page for line in lines)
    assert lines[0] not in Client().get(f"/submissions/{submission.pk}/").content.decode()


def test_what_is_over_is_not_followed(checked, work_off) -> None:
    submission = checked()
    work_off()
    assert said(submission) is None


@pytest.fixture
def closed(tmp_path) -> DatasetVersion:
    folder = support.make_dataset(tmp_path / "closed")
    return import_dataset(folder, Naming("closed", "Closed parts", "1"), labels="hidden")


def test_where_labels_are_hidden_nothing_of_a_category_is_told(
    closed: DatasetVersion, hand_in, owner, signed_in: Client
) -> None:
    """Neither by name, number nor time: only that it is being scored."""
    submission = hand_in()
    Submission.objects.filter(pk=submission.pk).update(dataset_version=closed)
    from leaderboard.submissions.services.finalise import finish_validation
    from scoring import Contents

    job = claim(submission.jobs.get().pk, "test")
    finish_validation(job, Contents(("run_0",), support.CATEGORIES, 12))
    jobs = submission.jobs.filter(kind=Job.Kind.SCORE)
    waiting = said(submission)
    lose_lease(claim(jobs.first().pk, "dies"))
    end_lost_leases()
    claim(jobs.last().pk, "lives")
    following = said(submission)
    assert (following.parts, following.place) == (waiting.parts, waiting.place) == ((), "")
    assert following.summary == waiting.summary
    page = signed_in.get(f"/submissions/{submission.pk}/").content.decode()
    told = page.partition('id="live"')[2].partition("The submission</h2>")[0]
    assert "It is being scored. All categories appear together." in told
    assert not [name for name in support.CATEGORIES if name in told]
    texts = submission.events.values_list("text", flat=True)
    assert not [text for text in texts for name in support.CATEGORIES if name in text]


def test_the_page_is_read_aloud_politely_and_only_when_something_is_new(
    hand_in, signed_in: Client
) -> None:
    submission = hand_in()
    page = signed_in.get(f"/submissions/{submission.pk}/")
    assert '<p id="sub-status" class="visually-hidden" role="status"></p>' in page.content.decode()
    url, seen = f"/submissions/{submission.pk}/progress", page.context["seen"]
    claim(submission.jobs.get().pk, "test")
    answer = signed_in.get(url, {"seen": seen})
    assert answer["HX-Retarget"] == "#live"
    told = answer.content.decode()
    assert '<p hx-swap-oob="innerHTML:#sub-status">Validating. A worker checks' in told
    submission.jobs.update(done=3, total=12)
    answer = signed_in.get(url, {"seen": answer.context["seen"]})
    assert "3 of 12 maps" in answer.content.decode()
    assert "sub-status" not in answer.content.decode()
    assert "HX-Retarget" not in answer
    assert Submission.objects.get().state == State.VALIDATING
