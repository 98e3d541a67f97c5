"""What tests do to the database that the site never may."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.backends.sqlite3.base import DatabaseOperations
from django.db.models.functions import Now

from leaderboard.submissions import guards
from leaderboard.submissions.models import Submission
from leaderboard.submissions.states import TERMINAL


def put(submission: Submission, **fields: Any) -> None:
    """Write fields of a submission past all rules, as if its way had been another one."""
    if "state" in fields and "finished" not in fields:
        fields["finished"] = Now() if fields["state"] in TERMINAL else None
    guards.remove(connection)
    Submission.objects.filter(pk=submission.pk).update(**fields)
    guards.install(connection)


def empty_submissions_first() -> None:
    """Emptying SQLite's tables between tests goes by the rule that events outlive no submission."""
    in_any_order = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, *args: Any, **kwargs: Any) -> list[str]:
        statements = in_any_order(self, *args, **kwargs)
        return sorted(statements, key=lambda text: "submissions_submission" not in text)

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]
