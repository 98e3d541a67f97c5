"""Who sees a submission is changed."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from leaderboard.accounts.models import User
from leaderboard.submissions.jobs import lock
from leaderboard.submissions.metadata import describe_method
from leaderboard.submissions.models import SHOWN, Event, Method, Submission, Visibility
from leaderboard.submissions.policies import manages


class NotChanged(Exception):
    """The visibility stays as it is; the message says why."""


def siblings(submission: Submission, visibility: str) -> list[Submission]:
    """The method's other submissions that change with it: of one method, all are shown alike."""
    if visibility not in SHOWN:
        return []
    others = Submission.objects.filter(method=submission.method_id, visibility__in=SHOWN)
    others = others.exclude(visibility=visibility).exclude(pk=submission.pk)
    return list(others.select_related("team", "dataset_version__dataset").order_by("created"))


def change_visibility(submission_id: UUID | str, visibility: str, actor: User) -> list[Submission]:
    """Make a submission private, anonymous or public; the ones that changed with it.

    Of one method nothing is anonymous beside something public, because the
    method's page tells whose it is: its other shown submissions follow. Raises
    NotChanged, with nothing changed, where one of those is not the actor's to
    manage.
    """
    visibility = Visibility(visibility)
    with transaction.atomic():
        method_id = Submission.objects.values_list("method", flat=True).get(pk=submission_id)
        # Submissions before their method, as everywhere, and among them always in one order.
        list(Submission.objects.select_for_update().filter(method=method_id).order_by("pk"))
        method = Method.objects.select_for_update().get(pk=method_id)
        submission = lock(submission_id)
        if submission.visibility == visibility:
            return []
        others = siblings(submission, visibility)
        if not all(manages(actor, other) for other in others):
            raise NotChanged(
                f"{method} has {len(others)} more on boards, and all of a method are shown alike: "
                "an owner of the team can change them together."
            )
        _change(submission, visibility, actor, "")
        for other in others:
            _change(other, visibility, actor, ", with another one of its method")
        for changed in (submission, *others):
            if changed.may_stand:
                describe_method(method, changed.metadata)
    return others


def _change(submission: Submission, visibility: Visibility, actor: User, why: str) -> None:
    fields = {"visibility": visibility} | ({} if visibility in SHOWN else {"is_chosen": False})
    Submission.objects.filter(pk=submission.pk).update(**fields)
    Event.objects.create(
        submission=submission,
        actor=actor,
        kind="visibility",
        text=f"Made {visibility.value}{why}; it was {submission.visibility}.",
    )
    submission.visibility = visibility
