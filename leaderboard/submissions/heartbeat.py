"""The worker's sign of life while it works: a thread that renews the lease."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from django.conf import settings
from django.db import Error, connection

from leaderboard.submissions.jobs import LeaseLost
from leaderboard.submissions.models import Job
from leaderboard.submissions.services.renew import renew

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.5
"""Progress is written at most this often."""


class Heartbeat:
    """Renew ``job``'s lease and write its progress from a thread, as a context manager.

    The work calls ``progress(done, total)`` as often as it likes: that only
    keeps the numbers, and raises LeaseLost once the job is somebody else's.
    Work that does not get on is given up: without progress for
    ``settings.JOB_STALL_MINUTES`` the lease is left to run out.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done, self._total = 0, 0
        self._lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{job.pk}", daemon=True)

    def progress(self, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` maps are through; raises LeaseLost."""
        self._done, self._total = done, total
        if self._lost:
            raise LeaseLost(str(self._job))

    def quiet(self, done: int, total: int) -> None:
        """The same without telling anybody how far it is; raises LeaseLost."""
        self.progress(0, 0)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        written = seen = (0, 0)
        moved = renewed = time.monotonic()
        try:
            while not self._stop.wait(PROGRESS_SECONDS):
                now = (self._done, self._total)
                if now != seen:
                    seen, moved = now, time.monotonic()
                elif time.monotonic() - moved > 60 * settings.JOB_STALL_MINUTES:
                    self._give_up()
                if now == written and time.monotonic() - renewed < settings.JOB_RENEW_SECONDS:
                    continue
                if self._renew(*now):
                    written, renewed = now, time.monotonic()
        except LeaseLost:
            self._lost = True
        finally:
            connection.close()

    def _give_up(self) -> None:
        logger.error(
            "no progress; the lease is not renewed any more",
            extra={"job": self._job.pk, "minutes": settings.JOB_STALL_MINUTES},
        )
        raise LeaseLost(f"{self._job}: no progress")

    def _renew(self, done: int, total: int) -> bool:
        try:
            renew(self._job, done, total)
        except Error:
            # A busy or restarting database: the lease outlives a few missed renewals.
            logger.warning("lease not renewed", extra={"job": self._job.pk}, exc_info=True)
            connection.close()
            return False
        return True
