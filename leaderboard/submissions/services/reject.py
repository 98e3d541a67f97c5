"""The archive is at fault: keep every problem for its owner."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from leaderboard.submissions.jobs import LeaseLost, lock
from leaderboard.submissions.models import Job
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.transitions import move
from scoring import Refused
from scoring.errors import printable

PROBLEM_LENGTH = 2_000


def reject(job: Job, refused: Refused) -> None:
    """Move the submission to ``rejected`` with the problem lines; raises LeaseLost."""
    with transaction.atomic():
        submission = lock(job.submission_id)
        held = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token)
        if not held.update(state=JobState.DONE, lease_token=None, lease_until=None, finished=Now()):
            raise LeaseLost(str(job))
        total = refused.total
        move(
            submission,
            State.REJECTED,
            f"The archive was refused: {total} problem{'' if total == 1 else 's'}.",
            problems=[printable(line, PROBLEM_LENGTH) for line in refused.problems],
            problem_count=total,
        )
