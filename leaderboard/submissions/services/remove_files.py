"""Remove what is left of the files of deleted submissions."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from leaderboard.datasets.storages import remove_tree
from leaderboard.submissions.models import DeletedSubmission, Score, Submission

MOST_AT_ONCE = 200
ONCE_MORE = timedelta(days=1)
"""A worker that lost its job to a deletion has long ended then."""


def remove_files() -> int:
    """How many deleted submissions were looked after: each at once, and once more a day later.

    The row's own deletion removes its files too; but a web process may die
    between the two, and a worker may write a file while its job goes.
    """
    storages = [
        Submission._meta.get_field("archive").storage, Score._meta.get_field("arrays").storage
    ]  # fmt: skip
    due = DeletedSubmission.objects.filter(remove_files_at__lte=Now())
    rows = list(due.order_by("remove_files_at")[:MOST_AT_ONCE])
    for row in rows:
        for storage in storages:
            remove_tree(storage, str(row.pk))
        again = row.deleted + ONCE_MORE
        is_last = row.remove_files_at is not None and row.remove_files_at >= again
        DeletedSubmission.objects.filter(pk=row.pk).update(
            remove_files_at=None if is_last else again
        )
    return len(rows)
