"""A submission's states and the one table of legal transitions."""

from __future__ import annotations

from django.db.models import TextChoices


class State(TextChoices):
    """Where a submission stands."""

    DRAFT = "draft"
    UPLOADING = "uploading"
    QUEUED = "queued"
    VALIDATING = "validating"
    SCORING = "scoring"
    SCORED = "scored"
    REJECTED = "rejected"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class JobState(TextChoices):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.UPLOADING, State.FAILED, State.WITHDRAWN}),
    State.UPLOADING: frozenset({State.QUEUED, State.FAILED, State.WITHDRAWN}),
    # Straight to scoring where a lease was lost after validation.
    State.QUEUED: frozenset({State.VALIDATING, State.SCORING, State.FAILED, State.WITHDRAWN}),
    State.VALIDATING: frozenset(
        {State.SCORING, State.REJECTED, State.QUEUED, State.FAILED, State.WITHDRAWN}
    ),
    State.SCORING: frozenset({State.SCORED, State.QUEUED, State.FAILED, State.WITHDRAWN}),
    State.SCORED: frozenset({State.WITHDRAWN}),
    State.REJECTED: frozenset(),
    State.FAILED: frozenset({State.QUEUED, State.WITHDRAWN}),
    State.WITHDRAWN: frozenset(),
}

JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.DONE, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}
    ),
    # Where jobs of one submission were done by different scorers, some are done again.
    JobState.DONE: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}

TERMINAL = frozenset({State.SCORED, State.REJECTED, State.FAILED, State.WITHDRAWN})
"""States in which nothing happens by itself any more."""

ACTIVE = frozenset(State) - TERMINAL
"""States in which somebody or something is at work."""
