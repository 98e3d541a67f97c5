"""No job holds a worker for ever: limits from the pixels, soft, hard, and by the database."""

from __future__ import annotations

import time

import pytest
from django.core.checks import run_checks
from django.db.models.functions import Now

from leaderboard.submissions.heartbeat import Heartbeat, TooLong
from leaderboard.submissions.jobs import LeaseLost
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.services.claim import claim
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.renew import renew
from leaderboard.submissions.states import State
from leaderboard.submissions.time_limits import in_words, pixels, time_limit
from tests.leaderboard.submissions.times import A_SECOND
from tests.leaderboard.support import CATEGORIES, IMAGES, SIZE

A_CATEGORY = SIZE[0] * SIZE[1] * len(IMAGES)


@pytest.fixture
def scoring(hand_in) -> Submission:
    submission = hand_in()
    perform(submission.jobs.get().pk, "test")
    submission.refresh_from_db()
    return submission


def test_a_check_may_take_as_long_as_all_pixels_of_all_runs_that_an_archive_may_hold(
    hand_in, version
) -> None:
    assert pixels(hand_in().jobs.get()) == version.max_runs * len(CATEGORIES) * A_CATEGORY


def test_a_scoring_may_take_as_long_as_the_pixels_of_its_category(
    scoring: Submission, settings
) -> None:
    settings.JOB_LIMIT_SECONDS, settings.JOB_LIMIT_MEGAPIXEL_SECONDS = 10, 1000
    settings.JOB_LIMIT_GRACE_SECONDS = 5
    job = scoring.jobs.filter(kind=Job.Kind.SCORE).first()
    assert pixels(job) == A_CATEGORY
    limit = time_limit(job)
    assert limit.soft == pytest.approx(10 + A_CATEGORY / 1000)
    assert limit.hard == pytest.approx(limit.soft + 5)
    settings.JOB_LIMIT_MOST_SECONDS = 11
    assert time_limit(job).soft == 11


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (119, "119 s"), (121, "3 min"), (3600, "1 h"), (3901, "1 h 6 min")],
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_work_past_the_soft_limit_ends_itself(scoring: Submission, settings) -> None:
    settings.JOB_LIMIT_SECONDS = settings.JOB_LIMIT_MEGAPIXEL_SECONDS = 0
    job = claim(scoring.jobs.filter(kind=Job.Kind.SCORE).first().pk, "test")
    with Heartbeat(job) as beat:
        time.sleep(0.001)
        with pytest.raises(TooLong):
            beat.progress(1, 6)
        with pytest.raises(TooLong):
            beat.quiet(1, 6)


def test_a_job_that_takes_too_long_is_tried_again_and_then_told_so(
    scoring: Submission, settings, work_off
) -> None:
    settings.JOB_LIMIT_SECONDS = settings.JOB_LIMIT_MEGAPIXEL_SECONDS = 0
    settings.JOB_BACKOFF_SECONDS = 0
    work_off()
    scoring.refresh_from_db()
    assert scoring.state == State.FAILED
    assert scoring.failure == (
        "Scoring run_0/bracket took longer than the 0 s it may. It was tried 5 times; "
        "a maintainer has to look."
    )
    assert "TooLong" in scoring.jobs.get(state="failed").error


def test_the_database_lets_no_lease_be_renewed_past_the_hard_limit(scoring: Submission) -> None:
    job = claim(scoring.jobs.filter(kind=Job.Kind.SCORE).first().pk, "test")
    renew(job, 1, 6)
    Job.objects.filter(pk=job.pk).update(end_by=Now() - A_SECOND)
    with pytest.raises(LeaseLost):
        renew(job, 2, 6)


def test_a_short_limit_shortens_the_lease(scoring: Submission, settings) -> None:
    settings.JOB_LIMIT_MOST_SECONDS, settings.JOB_LIMIT_GRACE_SECONDS = 1, 1
    job = claim(scoring.jobs.filter(kind=Job.Kind.SCORE).first().pk, "test")
    assert job is not None
    assert job.lease_until == job.end_by


def test_limits_that_do_not_fit_together_are_told(settings) -> None:
    assert not [found for found in run_checks() if found.id.startswith("submissions")]
    settings.CELERY_TASK_TIME_LIMIT = settings.VISIBILITY_SECONDS
    settings.JOB_RENEW_SECONDS = settings.JOB_LEASE_SECONDS
    assert {found.id for found in run_checks()} >= {"submissions.E001", "submissions.E002"}
