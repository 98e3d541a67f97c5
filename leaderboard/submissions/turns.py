"""Whose job is next: people take turns, so that many jobs of one keep nobody else waiting.

The next job is one of the person who was served longest ago, the oldest of theirs. Messages only
say that there is something to do; what, is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q, QuerySet, Subquery, Value
from django.db.models.functions import Now

from leaderboard.scorer import scorer_version
from leaderboard.submissions.models import Job, Rescoring, Submission
from leaderboard.submissions.states import JobState, State

CLAIMABLE: dict[str, frozenset[State]] = {
    Job.Kind.VALIDATE: frozenset({State.QUEUED}),
    Job.Kind.SCORE: frozenset({State.QUEUED, State.SCORING}),
    Job.Kind.RESCORE: frozenset({State.SCORED}),
}
"""The states of a submission in which a job of a kind can begin."""

_REMEMBERED = Value(timedelta(days=1))
"""Who was served longer ago than this counts as never served."""

_OWNER = "submission__owner"


def next_job(kinds: Iterable[str]) -> int | None:
    """The key of the job that is next of these kinds; None where nothing is ready."""
    ready = _queued(kinds).filter(ready_at__lte=Now())
    order = _turns(_waiting(ready))
    if not order:
        return None
    oldest = ready.filter(submission__owner=order[0]).order_by("submission__created", "id")
    return oldest.values_list("pk", flat=True).first()


def jobs_before(submission: Submission, jobs: Iterable[Job]) -> int | None:
    """How many jobs begin before the submission's next one, as far as is known now.

    None where nothing of it waits. ``jobs`` are its jobs, in the order in which they were made.
    """
    mine = next((job for job in jobs if job.state == JobState.QUEUED), None)
    if mine is None:
        return None
    queued = _queued([mine.kind])
    waiting = _waiting(queued)
    if submission.owner_id not in waiting:
        return None
    order = _turns(waiting)
    # The row's own moment, as the database has it: SQLite compares moments as texts.
    created = Submission.objects.filter(pk=submission.pk).values("created")
    older = Q(submission__created__lt=Subquery(created)) | Q(
        submission=submission.pk, pk__lt=mine.pk
    )
    own = queued.filter(older, submission__owner=submission.owner_id).count()
    turn = order.index(submission.owner_id)
    others = (
        min(waiting[owner][0], own + (at < turn)) for at, owner in enumerate(order) if at != turn
    )
    return own + sum(others)


def rescores_here() -> Q:
    """The jobs of re-scorings that this process may do: of running ones, with its own scorer."""
    return Q(rescoring__state=Rescoring.State.RUNNING, rescoring__scorer_version=scorer_version())


def _queued(kinds: Iterable[str]) -> QuerySet[Job]:
    startable = Q()
    for kind in kinds:
        mine = Q(kind=kind, submission__state__in=CLAIMABLE[kind])
        startable |= mine & rescores_here() if kind == Job.Kind.RESCORE else mine
    return Job.objects.filter(startable, state=JobState.QUEUED).order_by()


def _waiting(jobs: QuerySet[Job]) -> dict[int, tuple[int, datetime]]:
    """The people behind jobs: how many each has, and since when the oldest submission is there."""
    rows = jobs.values_list(_OWNER).annotate(Count("pk"), Min("submission__created"))
    return {owner: (count, since) for owner, count, since in rows}


def _turns(waiting: Mapping[int, tuple[int, datetime]]) -> list[int]:
    """The people, those first who were served longest ago, or never."""
    served = dict(
        Job.objects.filter(submission__owner__in=waiting, started__gt=Now() - _REMEMBERED)
        .order_by()
        .values_list(_OWNER)
        .annotate(Max("started"))
    )
    return sorted(
        waiting, key=lambda owner: (owner in served, served.get(owner, waiting[owner][1]), owner)
    )
