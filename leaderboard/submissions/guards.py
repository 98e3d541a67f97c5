"""Rules that the database itself holds, by triggers: no service, shell or mistake gets past them.

A state changes only as `leaderboard.submissions.states` says, the count of attempts never falls,
and what has happened is neither altered nor removed before its submission is. What breaks a rule
raises ``django.db.IntegrityError``, and its transaction is undone.

The triggers are made after every ``migrate`` and taken away before it: SQLite forgets a table's
triggers when a migration rebuilds the table, and cannot rebuild one that a trigger mentions.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate, pre_migrate

from leaderboard.submissions.states import JOB_TRANSITIONS, TRANSITIONS


@dataclass(frozen=True)
class Guard:
    """A trigger before each row's ``event`` on ``table`` that refuses what ``refused`` holds of.

    ``refused`` is SQL over ``OLD`` and ``NEW`` that every database reads alike.
    """

    name: str
    table: str
    event: str
    refused: str
    message: str


def _steps(transitions: Mapping[Any, Set[Any]]) -> str:
    """The SQL of a step from OLD.state to NEW.state that the table does not have."""
    pairs = sorted(f"'{was.value}>{to.value}'" for was, ends in transitions.items() for to in ends)
    return f"OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({', '.join(pairs)})"


_KEPT = ("id", "submission_id", "at", "kind", "text")

GUARDS = (
    Guard(
        "submission_state_guard",
        "submissions_submission",
        "UPDATE",
        _steps(TRANSITIONS),
        "a submission's state cannot change so",
    ),
    Guard(
        "submission_attempt_guard",
        "submissions_submission",
        "UPDATE",
        "NEW.attempt < OLD.attempt",
        "a submission's attempts cannot become fewer",
    ),
    Guard(
        "job_state_guard",
        "submissions_job",
        "UPDATE",
        _steps(JOB_TRANSITIONS),
        "a job's state cannot change so",
    ),
    Guard(
        "job_attempt_guard",
        "submissions_job",
        "UPDATE",
        "NEW.attempt < OLD.attempt AND NOT (NEW.attempt = 0 AND NEW.state = 'queued')",
        "a job's attempts cannot become fewer",
    ),
    Guard(
        "event_kept_guard",
        "submissions_event",
        "UPDATE",
        # A person who goes leaves what happened, without a name.
        "NOT (NEW.actor_id IS NULL AND "
        + " AND ".join(f'NEW."{column}" = OLD."{column}"' for column in _KEPT)
        + ")",
        "events are append-only",
    ),
    Guard(
        "event_stays_guard",
        "submissions_event",
        "DELETE",
        "EXISTS (SELECT 1 FROM submissions_submission WHERE id = OLD.submission_id)",
        "events stay as long as their submission",
    ),
)


def connect(sender: Any) -> None:
    """Called once, when the app is ready."""
    pre_migrate.connect(_before_migrate, sender=sender, dispatch_uid="submission-guards")
    post_migrate.connect(_after_migrate, sender=sender, dispatch_uid="submission-guards")


def install(connection: BaseDatabaseWrapper) -> None:
    """Make all triggers anew, for the tables that there are."""
    remove(connection)
    make = _postgresql if connection.vendor == "postgresql" else _sqlite
    _run(connection, [statement for guard in _there(connection) for statement in make(guard)])


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take all triggers away."""
    of_table = connection.vendor == "postgresql"
    _run(
        connection,
        [
            f"DROP TRIGGER IF EXISTS {guard.name}" + (f" ON {guard.table}" if of_table else "")
            for guard in _there(connection)
        ],
    )


def _before_migrate(using: str, plan: list[Any], **kwargs: Any) -> None:
    if plan:
        remove(connections[using])


def _after_migrate(using: str, plan: list[Any] | None = None, **kwargs: Any) -> None:
    if plan is not None:  # emptying a database sends the same signal, without a plan
        install(connections[using])


def _there(connection: BaseDatabaseWrapper) -> list[Guard]:
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    # The oldest form of the tables knows all columns that are named here but these tables' own.
    return [guard for guard in GUARDS if {guard.table, "submissions_submission"} <= tables]


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _sqlite(guard: Guard) -> list[str]:
    return [
        f"CREATE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table} "
        f"WHEN {guard.refused} BEGIN SELECT RAISE(ABORT, '{_quoted(guard)}'); END"
    ]


def _postgresql(guard: Guard) -> list[str]:
    row = "OLD" if guard.event == "DELETE" else "NEW"
    return [
        f"CREATE OR REPLACE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql AS $guard$ "
        f"BEGIN IF {guard.refused} THEN RAISE EXCEPTION '{_quoted(guard)}' "
        f"USING ERRCODE = 'check_violation'; END IF; RETURN {row}; END $guard$",
        f"CREATE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table} "
        f"FOR EACH ROW EXECUTE FUNCTION {guard.name}()",
    ]


def _quoted(guard: Guard) -> str:
    return guard.message.replace("'", "''")
