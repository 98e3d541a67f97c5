"""Whether all that the web process needs can be reached: database, broker, storages.

Asking costs connections, so an answer serves everybody for a few seconds.
What went wrong stands in the log; strangers learn only which part it was.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from django.core.files.storage import storages
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from leaderboard.celery import app

logger = logging.getLogger(__name__)

KEEP_SECONDS = 5.0
PATIENCE = 5.0
"""Seconds for all parts together; one that has not answered by then cannot be reached."""
STORAGES = ("public", "submissions", "results", "previews")
"""What the web process may open. The ground truth is not among it."""
_NO_FILE = "readiness/no-such-file"


def _database() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("migrations are missing; expected `manage.py migrate` to have run")


def _broker() -> None:
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=int(PATIENCE))


def _storage(alias: str) -> None:
    storages[alias].exists(_NO_FILE)


CHECKS: Mapping[str, Callable[[], None]] = {
    "database": _database,
    "broker": _broker,
    **{f"storage {alias}": partial(_storage, alias) for alias in STORAGES},
}


@dataclass
class Readiness:
    """The last answer, and when it was found."""

    checks: Mapping[str, Callable[[], None]] = field(default_factory=lambda: CHECKS)
    keep_seconds: float = KEEP_SECONDS
    patience: float = PATIENCE
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _found: dict[str, bool] = field(default_factory=dict)
    _until: float = 0.0

    def ask(self) -> dict[str, bool]:
        """Each part, and whether it answered."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = self._ask_all()
                self._until = time.monotonic() + self.keep_seconds
            return dict(self._found)

    def _ask_all(self) -> dict[str, bool]:
        # Threads, as no library's own patience can be relied on; one that hangs is left behind.
        pool = ThreadPoolExecutor(len(self.checks), thread_name_prefix="readiness")
        asked = {name: pool.submit(_quietly, name, check) for name, check in self.checks.items()}
        deadline = time.monotonic() + self.patience
        found = {name: _result(name, future, deadline) for name, future in asked.items()}
        pool.shutdown(wait=False)
        return found


def _quietly(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        logger.warning("not ready", extra={"part": name}, exc_info=True)
        return False
    finally:
        connection.close()
    return True


def _result(name: str, future: Future[bool], deadline: float) -> bool:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        logger.warning("not ready: no answer in time", extra={"part": name})
        return False


readiness = Readiness()
