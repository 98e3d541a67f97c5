"""Leases, tokens, attempts: a job has exactly one result, whatever happens to its messages."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import InterfaceError
from django.db.models import Value
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard.celery import app
from leaderboard.submissions import heartbeat
from leaderboard.submissions.jobs import LeaseLost
from leaderboard.submissions.models import Event, Job, Score, Submission
from leaderboard.submissions.services.claim import claim
from leaderboard.submissions.services.finalise import Scored, finish_score
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.renew import renew
from leaderboard.submissions.services.retry import NothingToRetry, retry_failed
from leaderboard.submissions.services.sweep import end_lost_leases, send_due_jobs, sweep
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import TRANSITIONS, JobState, State
from leaderboard.submissions.transitions import IllegalTransition, Stale, move
from tests.database import put
from tests.leaderboard.submissions.times import lose_lease, make_due


@pytest.fixture
def scoring(hand_in) -> Submission:
    """A submission whose check is done and whose two score jobs wait."""
    submission = hand_in()
    perform(submission.jobs.get().pk, "test")
    submission.refresh_from_db()
    return submission


def score_jobs(submission: Submission) -> list[Job]:
    return list(submission.jobs.filter(kind=Job.Kind.SCORE))


def messages(queue: str) -> list[int]:
    """Take all messages out of a queue: the job ids that they name."""
    found = []
    with app.connection_for_read() as connection, connection.SimpleQueue(queue) as waiting:
        while waiting.qsize():
            message = waiting.get(block=False)
            found.append(message.payload[0][0])
            message.ack()
    return found


def test_a_job_is_claimed_once(scoring: Submission) -> None:
    job, _ = score_jobs(scoring)
    assert claim(job.pk, "one") is not None
    assert claim(job.pk, "two") is None
    job.refresh_from_db()
    assert (job.worker, job.attempt) == ("one", 1)


def test_a_redelivered_task_scores_once(scoring: Submission, work_off) -> None:
    job, _ = score_jobs(scoring)
    work_off()
    perform(job.pk, "again")
    assert Score.objects.filter(submission=scoring).count() == 2
    assert scoring.events.filter(kind=State.SCORED).count() == 1


def test_a_message_for_no_job_is_nothing_to_do(db) -> None:
    perform(987654, "test")


def test_the_lease_runs_by_the_databases_clock(scoring: Submission, settings) -> None:
    settings.JOB_LEASE_SECONDS = 100
    job = claim(score_jobs(scoring)[0].pk, "test")
    assert job is not None and job.lease_until is not None
    assert abs(job.lease_until - timezone.now() - timedelta(seconds=100)) < timedelta(seconds=5)
    renew(job, 3, 6)
    job.refresh_from_db()
    assert (job.done, job.total) == (3, 6)


def test_a_lost_lease_queues_the_job_again(scoring: Submission) -> None:
    job = claim(score_jobs(scoring)[0].pk, "silent")
    lose_lease(job)
    assert end_lost_leases() == 1
    job.refresh_from_db()
    scoring.refresh_from_db()
    assert (job.state, job.lease_token) == (JobState.QUEUED, None)
    assert (scoring.state, scoring.attempt) == (State.QUEUED, 2)


def test_a_worker_that_wakes_up_late_writes_nothing(scoring: Submission, work_off) -> None:
    late = claim(score_jobs(scoring)[0].pk, "paused")
    lose_lease(late)
    sweep()
    work_off()
    with pytest.raises(LeaseLost):
        renew(late, 1, 6)
    with pytest.raises(LeaseLost):
        finish_score(late, Scored({"image_auroc": 0.123}))
    scoring.refresh_from_db()
    assert scoring.state == State.SCORED
    assert scoring.scores.count() == 2
    assert not any(score.report["image_auroc"] == 0.123 for score in scoring.scores.all())


def test_a_lease_that_was_renewed_meanwhile_is_left_alone(scoring: Submission) -> None:
    job = claim(score_jobs(scoring)[0].pk, "slow")
    lose_lease(job)
    renew(job, 1, 6)
    assert end_lost_leases() == 0


def test_after_the_last_attempt_the_submission_fails(scoring: Submission, settings) -> None:
    settings.JOB_MAX_ATTEMPTS = 2
    first, second = score_jobs(scoring)
    for _ in range(2):
        lose_lease(claim(first.pk, "dies"))
        end_lost_leases()
    scoring.refresh_from_db()
    second.refresh_from_db()
    assert scoring.state == State.FAILED
    assert "went silent" in scoring.failure
    assert second.state == JobState.CANCELLED


def test_an_unexpected_error_is_retried_then_told_without_a_traceback(
    scoring: Submission, settings, work_off, client, owner
) -> None:
    settings.JOB_BACKOFF_SECONDS = 0
    settings.GROUND_TRUTH_ROOT = settings.GROUND_TRUTH_ROOT / "not-there"
    work_off()
    scoring.refresh_from_db()
    assert scoring.state == State.FAILED
    job = scoring.jobs.get(state=JobState.FAILED)
    assert job.attempt == settings.JOB_MAX_ATTEMPTS
    assert "Traceback" in job.error
    client.force_login(owner)
    page = client.get(f"/submissions/{scoring.pk}/").content.decode()
    assert "unexpected error on our side" in page
    assert "Traceback" not in page
    assert "not-there" not in page


def test_the_wait_between_attempts_doubles(scoring: Submission, settings) -> None:
    settings.JOB_BACKOFF_SECONDS = 100
    settings.GROUND_TRUTH_ROOT = settings.GROUND_TRUTH_ROOT / "not-there"
    job = score_jobs(scoring)[0]
    waits = []
    for _ in range(2):
        perform(job.pk, "test")
        job.refresh_from_db()
        waits.append((job.send_at - timezone.now()).total_seconds())
    assert waits == pytest.approx([100, 200], abs=10)


def test_a_maintainer_queues_a_failed_submission_again(
    scoring: Submission, settings, work_off, admin_user
) -> None:
    settings.JOB_BACKOFF_SECONDS = 0
    there = settings.GROUND_TRUTH_ROOT
    settings.GROUND_TRUTH_ROOT = there / "not-there"
    work_off()
    settings.GROUND_TRUTH_ROOT = there
    retry_failed(scoring.pk, admin_user)
    scoring.refresh_from_db()
    assert (scoring.state, scoring.failure) == (State.QUEUED, "")
    work_off()
    scoring.refresh_from_db()
    assert scoring.state == State.SCORED


def test_without_an_archive_there_is_nothing_to_queue(hand_in, admin_user) -> None:
    submission = hand_in()
    submission.jobs.all().delete()
    put(submission, state=State.FAILED, archive="")
    with pytest.raises(NothingToRetry, match="has to send it again"):
        retry_failed(submission.pk, admin_user)
    submission.refresh_from_db()
    assert submission.state == State.FAILED


def test_without_a_job_the_check_begins_anew(hand_in, admin_user, work_off) -> None:
    submission = hand_in()
    submission.jobs.all().delete()
    put(submission, state=State.FAILED)
    retry_failed(submission.pk, admin_user)
    assert submission.jobs.get().kind == Job.Kind.VALIDATE
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.SCORED


def test_only_failed_submissions_are_queued_again(scoring: Submission, admin_user) -> None:
    with pytest.raises(IllegalTransition):
        retry_failed(scoring.pk, admin_user)


def test_the_sweeper_sends_what_the_broker_lost_but_waits_longer_each_time(
    scoring: Submission,
) -> None:
    job, other = score_jobs(scoring)
    assert {job.pk, other.pk} <= set(messages("scoring"))
    assert send_due_jobs() == 0
    waits = []
    for _ in range(3):
        make_due(job)
        assert send_due_jobs() == 1
        job.refresh_from_db()
        waits.append((job.send_at - timezone.now()).total_seconds())
        assert messages("scoring") == [job.pk]
    assert waits == pytest.approx([60, 120, 240], abs=10)


def test_a_dead_broker_does_not_lose_a_submission(hand_in, monkeypatch, work_off) -> None:
    monkeypatch.setitem(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setitem(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    submission = hand_in()
    assert submission.state == State.QUEUED
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.SCORED


def test_withdrawing_stops_the_jobs(scoring: Submission, owner) -> None:
    running = claim(score_jobs(scoring)[0].pk, "busy")
    withdraw(scoring.pk, owner)
    with pytest.raises(LeaseLost):
        renew(running, 1, 6)
    assert claim(score_jobs(scoring)[1].pk, "next") is None
    with pytest.raises(IllegalTransition):
        withdraw(scoring.pk, owner)


def test_an_upload_that_never_ended_is_given_up(hand_in) -> None:
    submission = hand_in()
    submission.jobs.all().delete()
    hours = Now() - Value(timedelta(hours=2))
    part = submission.archive_file
    put(submission, state=State.UPLOADING, created=hours, archive="")
    sweep()
    submission.refresh_from_db()
    assert submission.state == State.FAILED
    assert "did not arrive whole" in submission.failure
    assert not part.parent.exists()


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"PK\x03\x04")])
def test_nobody_is_blamed_for_what_the_storage_does_to_an_archive(change, hand_in) -> None:
    submission = hand_in()
    change(submission.archive_file)
    job = submission.jobs.get()
    perform(job.pk, "test")
    submission.refresh_from_db()
    job.refresh_from_db()
    assert (submission.state, job.state) == (State.QUEUED, JobState.QUEUED)
    assert "Error" in job.error or "ArchiveDamaged" in job.error


def test_a_state_changes_only_from_what_was_read(scoring: Submission) -> None:
    stale = Submission.objects.get(pk=scoring.pk)
    move(scoring, State.FAILED, "first")
    with pytest.raises(Stale):
        move(stale, State.SCORED, "second")
    assert not Event.objects.filter(text="second").exists()


def test_only_legal_transitions_happen() -> None:
    for was, to in itertools.product(State, State):
        submission = Submission(pk=uuid.uuid4(), state=was)
        expected = Stale if to in TRANSITIONS[was] else IllegalTransition
        with pytest.raises(expected):
            move(submission, to, "no such row")


def test_every_state_has_its_line_in_the_table() -> None:
    assert set(TRANSITIONS) == set(State)


def test_events_are_only_added(scoring: Submission) -> None:
    with pytest.raises(TypeError):
        Event.objects.filter(submission=scoring).update(text="otherwise")


def test_work_whose_lease_is_gone_is_stopped_at_its_next_map(
    scoring: Submission, monkeypatch
) -> None:
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    job = claim(score_jobs(scoring)[0].pk, "test")
    Job.objects.filter(pk=job.pk).update(lease_token=uuid.uuid4())
    deadline = time.monotonic() + 20
    with pytest.raises(LeaseLost), heartbeat.Heartbeat(job) as beat:
        done = 0
        while time.monotonic() < deadline:
            done += 1
            beat.progress(done, 10**9)
            time.sleep(0.001)


def test_progress_is_written_while_the_work_goes_on(scoring: Submission, monkeypatch) -> None:
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    job = claim(score_jobs(scoring)[0].pk, "test")
    deadline = time.monotonic() + 20
    with heartbeat.Heartbeat(job) as beat:
        beat.progress(4, 6)
        while time.monotonic() < deadline and job.done != 4:
            job.refresh_from_db()
    assert (job.done, job.total) == (4, 6)


def test_a_database_that_is_away_for_a_moment_is_survived(scoring: Submission, monkeypatch) -> None:
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    tried = threading.Event()
    answers = iter([InterfaceError("connection already closed")])

    def flaky(job: Job, done: int, total: int) -> None:
        for error in answers:
            raise error
        renew(job, done, total)
        tried.set()

    monkeypatch.setattr(heartbeat, "renew", flaky)
    job = claim(score_jobs(scoring)[0].pk, "test")
    with heartbeat.Heartbeat(job) as beat:
        beat.progress(1, 6)
        assert tried.wait(20)
    job.refresh_from_db()
    assert (job.done, job.total) == (1, 6)


@pytest.mark.parametrize(
    ("began", "moved", "hangs"),
    [(0, 0, False), (-400, 0, False), (-700, 0, True), (-400, -130, True), (-100, -110, False)],
)
def test_work_hangs_past_its_hard_limit_or_without_getting_on(
    began: int, moved: int, hangs: bool, scoring: Submission, settings
) -> None:
    settings.JOB_LIMIT_SECONDS, settings.JOB_LIMIT_MEGAPIXEL_SECONDS = 300, 0
    settings.JOB_LIMIT_GRACE_SECONDS, settings.JOB_STALL_MINUTES = 300, 2
    beat = heartbeat.Heartbeat(score_jobs(scoring)[0])
    now = beat._began - began
    assert beat._hangs(now, now + moved) is hangs


@pytest.mark.parametrize(
    ("state", "days", "kept"),
    [
        (State.REJECTED, 8, False),
        (State.WITHDRAWN, 8, False),
        (State.REJECTED, 6, True),
        (State.SCORED, 8, True),
        (State.FAILED, 8, True),
    ],
)
def test_archives_that_nobody_needs_are_dropped_after_a_while(
    state: State, days: int, kept: bool, hand_in
) -> None:
    submission = hand_in()
    path = submission.archive_file
    finished = timezone.now() - timedelta(days=days)
    put(submission, state=state, finished=finished)
    sweep()
    sweep()
    submission.refresh_from_db()
    assert (path.exists(), bool(submission.archive)) == (kept, kept)
