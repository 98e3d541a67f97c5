"""Two processes at the same moment: threads with connections of their own stand for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.services.claim import claim, claim_next
from leaderboard.submissions.services.finalise import Scored, finish_score
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.rescore import RescoringRefused, advance, start, switch
from leaderboard.submissions.services.submit import QuotaSpent
from leaderboard.submissions.services.sweep import end_lost_leases, send_due_jobs
from leaderboard.submissions.states import State
from tests.leaderboard import support
from tests.leaderboard.submissions.times import lose_lease, make_due


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls at the same moment; their results, or the errors that they raised."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(10)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def begun(submission: Submission) -> list[Job]:
    """Both score jobs of a checked submission, claimed."""
    perform(submission.jobs.get().pk, "test")
    jobs = [claim(job.pk, "test") for job in submission.jobs.filter(kind=Job.Kind.SCORE)]
    return [job for job in jobs if job is not None]


def test_of_many_workers_one_gets_the_job(hand_in) -> None:
    job = hand_in().jobs.get()
    got = at_once(*[lambda n=n: claim(job.pk, f"worker {n}") for n in range(6)])
    assert sum(isinstance(answer, Job) for answer in got) == 1
    assert sum(answer is None for answer in got) == 5


def test_the_last_two_jobs_finish_together_and_are_published_once(hand_in) -> None:
    for _ in range(2):
        submission = hand_in()
        first, second = begun(submission)
        answers = at_once(
            lambda job=first: finish_score(job, Scored({"image_auroc": 0.5})),
            lambda job=second: finish_score(job, Scored({"image_auroc": 0.5})),
        )
        assert answers == [None, None]
        submission.refresh_from_db()
        assert submission.state == State.SCORED
        assert submission.scores.count() == 2


def test_the_last_two_jobs_of_a_rescoring_publish_once(hand_in, work_off, settings) -> None:
    submission = hand_in()
    work_off()
    settings.SCORER_BUILD = "2"
    rescoring = start(submission.dataset_version, None)
    jobs = [claim(job.pk, "test") for job in rescoring.jobs.all()]
    report = Scored({"image_auroc": 0.5})
    answers = at_once(*[lambda job=job: finish_score(job, report) for job in jobs])
    assert answers == [None, None]
    assert submission.scores.filter(scorer_version=rescoring.scorer_version).count() == 2
    assert submission.events.filter(kind="rescored").count() == 1


def test_a_board_changes_over_once(hand_in, work_off, settings) -> None:
    submission = hand_in(support.members(categories=["clip"]))
    work_off()
    settings.SCORER_BUILD = "2"
    rescoring = start(submission.dataset_version, None)
    (job,) = rescoring.jobs.all()
    finish_score(claim(job.pk, "test"), Scored({"image_auroc": 0.5}))
    answers = at_once(*[lambda: switch(rescoring.pk) for _ in range(3)])
    assert sum(isinstance(answer, RescoringRefused) for answer in answers) == 2
    assert submission.events.filter(kind="switched").count() == 1


def test_two_sweepers_make_the_jobs_of_a_rescoring_once(hand_in, work_off, settings) -> None:
    submission = hand_in()
    work_off()
    settings.SCORER_BUILD = "2"
    rescoring = start(submission.dataset_version, None)
    rescoring.jobs.all().delete()
    assert at_once(advance, advance, advance)
    assert rescoring.jobs.count() == 2


def test_many_workers_take_each_job_once(hand_in, version) -> None:
    version.submissions_per_day = 20
    version.save()
    for _ in range(6):
        hand_in(b"archive")
    got = at_once(*[lambda n=n: claim_next([Job.Kind.VALIDATE], f"worker {n}") for n in range(6)])
    assert len({job.pk for job in got}) == 6


def test_the_last_of_the_quota_is_given_once(hand_in) -> None:
    hand_in()
    answers = at_once(
        *[lambda n=n: hand_in(b"archive", method_name=f"At once {n}") for n in range(4)]
    )
    assert sum(isinstance(answer, Submission) for answer in answers) == 1
    assert sum(isinstance(answer, QuotaSpent) for answer in answers) == 3


def test_two_sweepers_do_not_trip_over_each_other(hand_in) -> None:
    lost, other = begun(hand_in())
    lose_lease(lost)
    assert sorted(at_once(end_lost_leases, end_lost_leases)) == [0, 1]
    lost.refresh_from_db()
    make_due(lost)
    assert sorted(at_once(send_due_jobs, send_due_jobs)) == [0, 1]
    assert other.pk != lost.pk
