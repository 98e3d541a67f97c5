"""What Celery's messages call. The rows say what there is to do."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from celery import shared_task

from leaderboard.submissions.models import Job
from leaderboard.submissions.services.drop_kept import drop_kept as drop_kept_once
from leaderboard.submissions.services.perform import perform_next
from leaderboard.submissions.services.send_mails import send_mails_aside
from leaderboard.submissions.services.sweep import sweep as sweep_once


def reliable_task(name: str) -> Callable[[Callable[..., None]], Any]:
    """A task that is acknowledged when it is over and handed on when its process dies.

    Retrying is the rows' business (attempts, backoff, leases), so Celery's own
    retries stay off and no result is kept.
    """
    return shared_task(
        name=name, acks_late=True, reject_on_worker_lost=True, ignore_result=True, max_retries=0
    )


def worker_name() -> str:
    """This process, for the job's row: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


@reliable_task("submissions.validate")
def validate(job_id: int) -> None:
    """Check an archive: the next one, whichever message came."""
    perform_next([Job.Kind.VALIDATE], worker_name())


@reliable_task("submissions.score")
def score(job_id: int) -> None:
    """Score one category of one run: the next one, whichever message came.

    What is scored again waits until nothing is scored for the first time.
    """
    perform_next([Job.Kind.SCORE, Job.Kind.RESCORE], worker_name())


@reliable_task("submissions.drop_kept")
def drop_kept() -> None:
    """Delete what private storage keeps of deleted submissions; for who may open it."""
    drop_kept_once()


@reliable_task("submissions.sweep")
def sweep() -> None:
    """Send again what was lost."""
    sweep_once()


@reliable_task("submissions.send_mails")
def send_mails() -> None:
    """Send what is due, in a thread beside the worker's jobs."""
    send_mails_aside()
