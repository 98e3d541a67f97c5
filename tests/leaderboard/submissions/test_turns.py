"""Whose job is next: people take turns, and nobody waits for what cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Value
from django.db.models.functions import Now

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.services.claim import claim_next
from leaderboard.submissions.services.submit import submit
from leaderboard.submissions.services.sweep import end_lost_leases
from leaderboard.submissions.states import State
from leaderboard.submissions.tasks import validate
from leaderboard.submissions.turns import jobs_before, next_job
from tests.leaderboard.submissions.conftest import handed
from tests.leaderboard.submissions.times import lose_lease

CHECK, SCORE = Job.Kind.VALIDATE, Job.Kind.SCORE
IN_A_MINUTE = Now() + Value(timedelta(minutes=1))


@pytest.fixture
def of(version) -> Callable[[str, int], list[Submission]]:
    """Submissions of somebody, in the order of handing in."""
    version.submissions_per_day = 100
    version.save()

    def of(name: str, count: int) -> list[Submission]:
        person, _ = User.objects.get_or_create(username=name)
        return [submit(person, version, handed(b"archive")) for _ in range(count)]

    return of


def taken(kind: str = CHECK) -> list[Submission]:
    """The submissions whose jobs are taken one after the other."""
    found = []
    while job := claim_next([kind], "test"):
        found.append(job.submission)
    return found


def test_many_submissions_of_one_keep_nobody_waiting(of) -> None:
    busy, one, other = of("busy", 4), of("one", 1), of("other", 2)
    assert taken() == [busy[0], one[0], other[0], busy[1], other[1], busy[2], busy[3]]


def test_many_jobs_of_one_submission_keep_nobody_waiting(of) -> None:
    (many,), (few,) = of("many", 1), of("few", 1)
    Job.objects.all().delete()
    Submission.objects.update(state=State.VALIDATING)
    Submission.objects.update(state=State.SCORING)
    for submission, count in ((many, 4), (few, 1)):
        for run in range(count):
            Job.objects.create(submission=submission, kind=SCORE, run=f"run_{run}", category="clip")
    assert taken(SCORE) == [many, few, many, many, many]


def test_who_was_served_longest_ago_is_next(of) -> None:
    first, second = of("first", 2), of("second", 2)
    assert claim_next([CHECK], "test").submission == first[0]
    newcomer = of("newcomer", 1)
    assert taken() == [second[0], newcomer[0], first[1], second[1]]


def test_the_place_in_the_queue_is_the_one_in_which_jobs_are_taken(of) -> None:
    groups = [of("one", 3), of("two", 1), of("three", 5)]
    assert claim_next([CHECK], "test").submission == groups[0][0]
    groups += [of("two", 2), of("four", 1)]
    waiting = [one for group in groups for one in group][1:]
    told = {submission.pk: jobs_before(submission, submission.jobs.all()) for submission in waiting}
    assert [told[submission.pk] for submission in taken()] == list(range(len(waiting)))
    assert jobs_before(waiting[0], waiting[0].jobs.all()) is None


def test_a_job_that_has_to_wait_is_passed_over(of) -> None:
    (waits,), (goes,) = of("waits", 1), of("goes", 1)
    waits.jobs.update(ready_at=IN_A_MINUTE)
    assert taken() == [goes]


def test_a_message_is_about_whichever_job_is_next(of) -> None:
    (first,), (second,) = of("first", 1), of("second", 1)
    validate(second.jobs.get().pk)
    states = [Submission.objects.get(pk=one.pk).state for one in (first, second)]
    assert states == [State.REJECTED, State.QUEUED]


def test_nothing_ready_is_nothing_to_do(of) -> None:
    assert next_job([CHECK, SCORE]) is None
    validate(1)


def test_a_job_that_ends_its_workers_fails_and_keeps_nobody_waiting(of, settings) -> None:
    settings.JOB_BACKOFF_SECONDS = 60
    (poison,), others = of("poison", 1), of("others", 6)
    served = []
    while job := claim_next([CHECK], "dies of one"):
        served.append(job.submission)
        if job.submission != poison:
            continue
        lose_lease(job)
        end_lost_leases()
        if 1 < job.attempt < settings.JOB_MAX_ATTEMPTS:
            assert Job.objects.get(pk=job.pk).ready_at > job.ready_at
            poison.jobs.update(ready_at=Now())
    assert served.count(poison) == settings.JOB_MAX_ATTEMPTS
    assert served[:4] == [poison, others[0], poison, others[1]]
    poison.refresh_from_db()
    assert (poison.state, poison.failure) == (
        State.FAILED,
        "The worker went silent. It was tried 5 times; a maintainer has to look.",
    )
