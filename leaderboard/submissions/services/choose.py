"""Which submission stands for a method on the board is chosen."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from leaderboard.accounts.models import User
from leaderboard.submissions.jobs import lock
from leaderboard.submissions.models import Event, Method, Submission
from leaderboard.submissions.policies import may_choose


class NotChoosable(Exception):
    """Only a shown, scored submission that one manages and that does not stand yet can be."""


def choose(submission_id: UUID | str, actor: User) -> Submission:
    """Make a submission its method's row on its board; raises NotChoosable."""
    with transaction.atomic():
        submission = lock(submission_id)
        Method.objects.select_for_update().get(pk=submission.method_id)
        if not may_choose(actor, submission):
            raise NotChoosable(
                f"This {submission.visibility} submission is {submission.state}; expected a public "
                "or anonymous, scored one of one's own that does not stand on the board yet."
            )
        Submission.objects.filter(
            method=submission.method_id, dataset_version=submission.dataset_version_id
        ).update(is_chosen=False)
        Submission.objects.filter(pk=submission.pk).update(is_chosen=True)
        Event.objects.create(
            submission=submission,
            actor=actor,
            kind="chosen",
            text="Chosen for the method's row on the board.",
        )
    return submission
