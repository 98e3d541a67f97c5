"""The database itself refuses what must not happen; these tests write past all services."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Event, Job, Submission
from leaderboard.submissions.states import JOB_TRANSITIONS, TERMINAL, TRANSITIONS, JobState, State
from tests.database import put


def refused(write: Callable[..., Any], **fields: Any) -> bool:
    """Whether the database refuses to write this; what it lets through is undone."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                write(**fields)
        except IntegrityError:
            return True
        transaction.set_rollback(True)
    return False


def finished(state: str) -> Any:
    return Now() if state in TERMINAL else None


def test_a_submissions_state_changes_only_as_the_table_says(hand_in) -> None:
    submission = hand_in()
    row = Submission.objects.filter(pk=submission.pk)
    for was in State:
        put(submission, state=was)
        let = {to for to in State if not refused(row.update, state=to, finished=finished(to))}
        assert let == {was} | TRANSITIONS[was], was


def lease(state: str) -> dict[str, Any]:
    held = state == JobState.RUNNING
    return {
        "state": state,
        "lease_token": uuid.uuid4() if held else None,
        "lease_until": Now() if held else None,
    }


WAYS = {
    JobState.QUEUED: [],
    JobState.RUNNING: [JobState.RUNNING],
    **{
        state: [JobState.RUNNING, state]
        for state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    },
}


@pytest.mark.parametrize("was", JobState)
def test_a_jobs_state_changes_only_as_its_table_says(was: JobState, hand_in) -> None:
    row = Job.objects.filter(pk=hand_in().jobs.get().pk)
    for step in WAYS[was]:
        row.update(**lease(step))
    let = {to for to in JobState if not refused(row.update, **lease(to))}
    assert let == {was} | JOB_TRANSITIONS[was]


def test_every_state_of_a_job_has_its_line_in_the_table() -> None:
    assert set(JOB_TRANSITIONS) == set(JobState) == set(WAYS)


def test_a_job_has_a_lease_exactly_while_it_runs(hand_in) -> None:
    row = Job.objects.filter(pk=hand_in().jobs.get().pk)
    token, until = {"lease_token": uuid.uuid4()}, {"lease_until": Now()}
    for fields in ({"state": "running"}, {"state": "running"} | token, token, until):
        assert refused(row.update, **fields), fields


def test_what_is_over_has_an_end_and_nothing_else_has(hand_in) -> None:
    row = Submission.objects.filter(pk=hand_in().pk)
    assert refused(row.update, state=State.FAILED)
    assert refused(row.update, finished=Now())
    assert refused(row.update, state="lost")


def test_attempts_never_become_fewer(hand_in) -> None:
    submission = hand_in()
    row = Submission.objects.filter(pk=submission.pk)
    row.update(attempt=3)
    assert refused(row.update, attempt=2)
    job = Job.objects.filter(pk=submission.jobs.get().pk)
    job.update(attempt=2)
    assert refused(job.update, attempt=1)
    assert not refused(job.update, attempt=0)


def test_events_are_neither_altered_nor_removed(hand_in) -> None:
    events = Event._base_manager.filter(submission=hand_in())
    first = events.earliest("id").pk
    for fields in ({"text": "otherwise"}, {"kind": "chosen"}, {"at": Now()}, {"id": 10**6}):
        assert refused(events.filter(pk=first).update, **fields), fields
    assert refused(events.delete)


def test_a_person_who_goes_leaves_what_happened(hand_in) -> None:
    submission = hand_in()
    maintainer = User.objects.create_user("maintainer")
    Event.objects.create(submission=submission, actor=maintainer, kind="note", text="Looked at.")
    maintainer.delete()
    event = submission.events.get(text="Looked at.")
    assert event.actor is None


@pytest.mark.parametrize(
    "delete", [Submission.delete, lambda one: type(one).objects.all().delete()]
)
def test_events_go_with_their_submission(delete: Callable[[Submission], Any], hand_in) -> None:
    submission = hand_in()
    assert submission.events.count() == 3
    delete(submission)
    assert not Event.objects.exists()


def test_migrating_again_makes_the_rules_anew(hand_in) -> None:
    row = Submission.objects.filter(pk=hand_in().pk)
    with connection.cursor() as cursor:
        on = "" if connection.vendor == "sqlite" else " ON submissions_submission"
        cursor.execute(f"DROP TRIGGER submission_state_guard{on}")
    wrong = {"state": State.SCORED, "finished": Now()}
    assert not refused(row.update, **wrong)
    call_command("migrate", verbosity=0)
    assert refused(row.update, **wrong)
