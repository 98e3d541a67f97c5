"""What the queue's state says, for people, programs and Prometheus."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from leaderboard.submissions.models import Job
from leaderboard.submissions.states import JobState


def said(*options: str) -> str:
    out = io.StringIO()
    call_command("queue_status", *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_an_empty_site_has_no_oldest_job() -> None:
    found = json.loads(said("--json"))
    assert found["oldest_queued_seconds"] is None
    assert set(found["jobs"].values()) == {0}
    assert "oldest queued job: none" in said()
    assert "board_oldest_queued_seconds 0" in said("--prometheus").splitlines()


def test_waiting_lost_and_retried_jobs_are_counted(hand_in) -> None:
    submitted = hand_in()
    past = timezone.now() - timedelta(hours=1)
    queued = submitted.jobs.get()
    Job.objects.filter(pk=queued.pk).update(created=past, attempt=2)
    Job.objects.create(
        submission=submitted, kind=Job.Kind.SCORE, run="run_0", category="bolt",
        state=JobState.RUNNING, lease_token=uuid.uuid4(), lease_until=past, attempt=1,
    )  # fmt: skip
    found = json.loads(said("--json"))
    assert (found["jobs"]["queued"], found["jobs"]["running"]) == (1, 1)
    assert found["submissions"]["queued"] == 1
    assert found["oldest_queued_seconds"] >= 3600
    assert (found["leases_lost"], found["jobs_retried"]) == (1, 1)
    lines = said("--prometheus").splitlines()
    assert 'board_jobs{state="queued"} 1' in lines
    assert "board_leases_lost 1" in lines
    assert "leases lost: 1, jobs being retried: 1" in said()
