"""Whose job is next: people take turns, so that many jobs of one keep nobody else waiting.

The next job is one of the person who was served longest ago, the oldest of theirs. Messages only
say that there is something to do; what, is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Count, Max, Min, Q, QuerySet, Subquery, Value
from django.db.models.functions import Now

from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State

CLAIMABLE: dict[str, frozenset[State]] = {
    Job.Kind.VALIDATE: frozenset({State.QUEUED}),
    Job.Kind.SCORE: frozenset({State.QUEUED, State.SCORING}),
}
"""The states of a submission in which a job of a kind can begin."""

_REMEMBERED = Value(timedelta(days=1))
"""Who was served longer ago than this counts as never served."""

_OWNER = "submission__owner"


def next_job(kinds: Iterable[str]) -> int | None:
    """The key of the job that is next of these kinds; None where nothing is ready."""
    ready = _queued(kinds).filter(ready_at__lte=Now())
    order = _turns(ready)
    if not order:
        return None
    oldest = ready.filter(submission__owner=order[0]).order_by("submission__created", "id")
    return oldest.values_list("pk", flat=True).first()


def jobs_before(submission: Submission) -> int | None:
    """How many jobs begin before the submission's next one, as far as is known now.

    None where nothing of it waits.
    """
    mine = submission.jobs.filter(state=JobState.QUEUED).order_by("id").first()
    if mine is None:
        return None
    queued = _queued([mine.kind])
    counts = dict(queued.values_list(_OWNER).annotate(Count("pk")))
    order = _turns(queued)
    if submission.owner_id not in counts:
        return None
    # The row's own moment, as the database has it: SQLite compares moments as texts.
    created = Submission.objects.filter(pk=submission.pk).values("created")
    older = Q(submission__created__lt=Subquery(created)) | Q(
        submission=submission.pk, pk__lt=mine.pk
    )
    own = queued.filter(older, submission__owner=submission.owner_id).count()
    turn = order.index(submission.owner_id)
    others = (min(counts[owner], own + (at < turn)) for at, owner in enumerate(order) if at != turn)
    return own + sum(others)


def _queued(kinds: Iterable[str]) -> QuerySet[Job]:
    startable = Q()
    for kind in kinds:
        startable |= Q(kind=kind, submission__state__in=CLAIMABLE[kind])
    return Job.objects.filter(startable, state=JobState.QUEUED).order_by()


def _turns(jobs: QuerySet[Job]) -> list[int]:
    """The people behind jobs, those first who were served longest ago, or never."""
    waiting = dict(jobs.values_list(_OWNER).annotate(Min("submission__created")))
    served = dict(
        Job.objects.filter(submission__owner__in=waiting, started__gt=Now() - _REMEMBERED)
        .order_by()
        .values_list(_OWNER)
        .annotate(Max("started"))
    )
    return sorted(
        waiting, key=lambda owner: (owner in served, served.get(owner, waiting[owner]), owner)
    )
