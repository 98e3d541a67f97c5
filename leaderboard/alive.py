"""Signs of life of workers and beat, for health checks that must not cost anything.

Each process touches ``<AUTOVI_VAR>/alive/<role>-<host>`` every few seconds: a
worker from its own timer, beat with each message that it could send.
``deploy/healthcheck.py`` looks how old the file is.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.signals import after_task_publish, beat_init
from django.conf import settings

SECONDS = 5.0


def place(role: str) -> Path:
    """The file of this host's worker or beat."""
    return Path(settings.VAR_DIR) / "alive" / f"{role}-{socket.gethostname()}"


def touch(role: str) -> None:
    """Say that this process is well; a disk that is full must not end it."""
    path = place(role)
    try:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    except OSError:
        pass  # the file grows old, which says it


class WorkerAlive(bootsteps.StartStopStep):
    """Touches the worker's file while its main loop runs."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._timer: Any = None

    def start(self, worker: Any) -> None:
        touch("worker")
        self._timer = worker.timer.call_repeatedly(SECONDS, touch, ("worker",))

    def stop(self, worker: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        place("worker").unlink(missing_ok=True)


def watch(app: Celery) -> None:
    """Called once, for the application of this process."""
    app.steps["worker"].add(WorkerAlive)
    beat_init.connect(_watch_beat, weak=False)


def _watch_beat(**_: Any) -> None:
    after_task_publish.connect(_sent, weak=False)


def _sent(**_: Any) -> None:
    touch("beat")
