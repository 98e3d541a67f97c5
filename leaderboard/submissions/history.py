"""A submission's history: it only grows, and goes after its row.

As long as the row is there, the database lets no event go
(`leaderboard.submissions.guards`).
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete

from leaderboard.submissions.models import Event, Submission

LOG = "log"
"""Kind of the events that are the workers' lines for the submitter."""


def tell(submission: Submission, line: str) -> None:
    """Add a line to the log that the submitter reads. It never holds a traceback, a path or, where
    labels are hidden, anything of a single category."""
    Event.objects.create(submission=submission, kind=LOG, text=line)


def connect() -> None:
    """Called once, when the app is ready."""
    post_delete.connect(_remove_events, sender=Submission, dispatch_uid="submission-events")


def _remove_events(instance: Submission, using: str, **kwargs: Any) -> None:
    # Within the transaction that deletes; the key between the two is checked at its end.
    Event.objects.using(using).filter(submission_id=instance.pk).delete()
