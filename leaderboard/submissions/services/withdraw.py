"""A submission is taken back."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from leaderboard.accounts.models import User
from leaderboard.submissions.jobs import lock, stop_jobs
from leaderboard.submissions.models import Submission
from leaderboard.submissions.states import State
from leaderboard.submissions.transitions import move


def withdraw(submission_id: UUID | str, actor: User) -> Submission:
    """Withdraw a submission, at any time; a scored one leaves the boards.

    One that had failed costs nothing, and goes on costing nothing. Raises
    IllegalTransition where it is already over (rejected, withdrawn).
    """
    with transaction.atomic():
        submission = lock(submission_id)
        # The quota counts what was withdrawn after scoring began.
        fields = {"scoring_began": None} if submission.state == State.FAILED else {}
        move(submission, State.WITHDRAWN, "Withdrawn.", actor=actor, is_chosen=False, **fields)
        stop_jobs(submission)
    return submission
