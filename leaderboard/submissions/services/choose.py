"""The owner chooses which submission stands for a method on the board."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from leaderboard.accounts.models import User
from leaderboard.submissions.jobs import lock
from leaderboard.submissions.models import Event, Method, Submission
from leaderboard.submissions.states import State


class NotChoosable(Exception):
    """Only a scored submission can stand on a board."""


def choose(submission_id: UUID | str, actor: User) -> Submission:
    """Make a scored submission its method's row on its board; raises NotChoosable."""
    with transaction.atomic():
        submission = lock(submission_id)
        if submission.state != State.SCORED:
            raise NotChoosable(f"{submission.pk} is {submission.state}; expected scored")
        Method.objects.select_for_update().get(pk=submission.method_id)
        Submission.objects.filter(
            method=submission.method_id, dataset_version=submission.dataset_version_id
        ).update(is_chosen=False)
        Submission.objects.filter(pk=submission.pk).update(is_chosen=True)
        Event.objects.create(
            submission=submission,
            actor=actor,
            kind="chosen",
            text="Chosen by its owner for the method's row on the board.",
        )
    return submission
