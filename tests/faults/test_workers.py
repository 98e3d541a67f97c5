"""Workers that die together, stand still, meet at a sweep, or have a wrong clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery import Celery

from tests.faults.catalogue import SILENT
from tests.faults.site import POSTGRESQL, Archive, Site
from tests.faults.table import Table
from tests.servers import program
from tests.stack import ROOT, wait_until

SWEEP = """
import os, time
from leaderboard.submissions.services.sweep import sweep
print("ready", flush=True)
while not os.path.exists({go!r}):
    time.sleep(0.001)
for _ in range(10):
    sweep()
"""


def test_when_all_workers_die_others_take_over(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:while-scoring")
    sent = [site.send(archive) for archive in archives]
    site.stop_at("while-scoring")
    died = time.monotonic()
    for worker in list(site.workers):
        site.kill_worker(worker)
    site.add_workers(2)
    table.recovered("all workers killed", kind, site, sent, died)


@pytest.mark.parametrize("point", ["while-scoring", "scored-before-record"])
def test_a_worker_that_wakes_up_late_changes_nothing(
    point: str, kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm(f"stop:{point}")
    sent = [site.send(archives[0])]
    paused = site.stop_at(point)
    since = time.monotonic()

    def wake() -> None:
        log, lost = site.log_of(paused), "job lost on the way"
        before = site.log(log).count(lost)
        site.resume(paused)
        wait_until(lambda: site.log(log).count(lost) > before, "it finds its job lost")

    table.recovered(f"paused: {point}", kind, site, sent, since, then=wake)


def test_two_sweepers_take_a_lost_lease_once(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    sent = []
    for archive in archives[:2]:
        site.arm("stop:after-claim")
        sent.append(site.send(archive))
        site.stop_at("after-claim")
    since = time.monotonic()
    for worker in list(site.workers):
        site.kill_worker(worker)
    time_over = "SELECT count(*) FROM submissions_job WHERE state = 'running' AND lease_until < "
    now = "now()" if kind == POSTGRESQL else "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    wait_until(lambda: site.rows(time_over + now) == [(2,)], "both leases run out")
    go = site.folder / "go"
    code = SWEEP.format(go=str(go))
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", code]
    sweepers = [
        subprocess.Popen(command, cwd=ROOT, env=site.private, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for sweeper in sweepers:
        assert sweeper.stdout is not None
        assert sweeper.stdout.readline() == b"ready\n"
    go.touch()
    assert [sweeper.wait(120) for sweeper in sweepers] == [0, 0]
    for sweeper in sweepers:
        sweeper.communicate()
    go.unlink()
    for one in sent:
        assert [text for _, text in site.events()[one.pk]].count(SILENT) == 1
    site.add_workers(2)
    table.recovered("two sweepers", kind, site, sent, since)


@pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True, scope="session")
def test_leases_do_not_run_by_a_workers_clock(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    """With SQLite everything runs on one machine, which has one clock."""
    library = program("libfaketime", "/usr/lib/*/faketime/libfaketimeMT.so.1")
    ahead = {"LD_PRELOAD": library, "FAKETIME": "+10m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    for worker in list(site.workers):
        site.kill_worker(worker)
    site.add_workers(2, **ahead)
    site.arm("kill:while-scoring")
    sent = [site.send(archive) for archive in archives]
    died = site.wait_for_stop()
    table.recovered("clock", kind, site, sent, died)
    for worker in list(site.workers):
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(120)
        site.kill_worker(worker)
    site.add_workers(2)


def test_messages_that_come_three_times_change_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    before = {job for (job,) in site.rows("SELECT id FROM submissions_job")}
    with repeated(site, before) as repeats:
        sent = [site.send(archive) for archive in archives]
        since = time.monotonic()
        site.settle(sent)
        jobs = {job for (job,) in site.rows("SELECT id FROM submissions_job")} - before
        wait_until(lambda: set(repeats) == jobs, "every message is sent twice more")
    table.recovered("thrice", kind, site, sent, since)


@contextmanager
def repeated(site: Site, known: set[int]) -> Iterator[list[int]]:
    """Sends each job's message twice more as soon as the job is there; the jobs."""
    over, repeats = threading.Event(), []
    app = Celery(broker=site.setting("CELERY_BROKER_URL"))
    app.conf.broker_transport_options = site.setting("CELERY_BROKER_TRANSPORT_OPTIONS")

    def repeat() -> None:
        while not over.wait(0.01):
            for job, what in site.rows("SELECT id, kind FROM submissions_job ORDER BY id"):
                if job in known or job in repeats:
                    continue
                queue = "scoring" if what == "score" else "default"
                for _ in range(2):
                    app.send_task(f"submissions.{what}", args=[job], queue=queue)
                repeats.append(job)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield repeats
    finally:
        over.set()
        thread.join()
        app.close()
