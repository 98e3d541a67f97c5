"""The worker's sign of life while it works: a thread that renews the lease."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from types import TracebackType

from django.conf import settings
from django.db import Error, connection

from leaderboard.submissions.jobs import LeaseLost
from leaderboard.submissions.models import Job
from leaderboard.submissions.services.renew import renew
from leaderboard.submissions.time_limits import time_limit

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.5
"""Progress is written at most this often."""


class TooLong(Exception):
    """The job took longer than its soft time limit."""


class Heartbeat:
    """Renew ``job``'s lease and write its progress from a thread, as a context manager.

    The work calls ``progress(done, total)`` as often as it likes: that only
    keeps the numbers, raises LeaseLost once the job is somebody else's and
    TooLong past the soft time limit. A process whose work does not even get so
    far, or not for ``settings.JOB_STALL_MINUTES``, is killed once the hard
    limit, or that time, is over: a pool makes another one, and the sweeper
    gives the job away.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._limit = time_limit(job)
        self._began = time.monotonic()
        self._done, self._total, self._steps = 0, 0, 0
        self._lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{job.pk}", daemon=True)

    def progress(self, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` maps are through; raises LeaseLost and TooLong."""
        self._done, self._total = done, total
        self._step()

    def quiet(self, done: int, total: int) -> None:
        """The same without telling anybody how far it is; raises LeaseLost and TooLong."""
        self._step()

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

    def _step(self) -> None:
        self._steps += 1
        if self._lost:
            raise LeaseLost(str(self._job))
        if time.monotonic() - self._began > self._limit.soft:
            raise TooLong(str(self._job))

    def _beat(self) -> None:
        written, seen = (0, 0), 0
        moved = renewed = time.monotonic()
        try:
            while not self._stop.wait(PROGRESS_SECONDS):
                clock = time.monotonic()
                if self._steps != seen:
                    seen, moved = self._steps, clock
                if self._hangs(clock, moved):
                    self._end_process()
                now = (self._done, self._total)
                if self._lost or (now == written and clock - renewed < settings.JOB_RENEW_SECONDS):
                    continue
                if self._renew(*now):
                    written, renewed = now, clock
        finally:
            connection.close()

    def _hangs(self, clock: float, moved: float) -> bool:
        return (
            clock - self._began > self._limit.hard
            or clock - moved > 60 * settings.JOB_STALL_MINUTES
        )

    def _end_process(self) -> None:
        logger.error(
            "the work does not end; its process is killed",
            extra={"job": self._job.pk, "what": str(self._job), "hard": self._limit.hard},
        )
        os.kill(os.getpid(), signal.SIGKILL)

    def _renew(self, done: int, total: int) -> bool:
        try:
            renew(self._job, done, total)
        except LeaseLost:
            self._lost = True
        except Error:
            # A busy or restarting database: the lease outlives a few missed renewals.
            logger.warning("lease not renewed", extra={"job": self._job.pk}, exc_info=True)
            connection.close()
            return False
        return True
