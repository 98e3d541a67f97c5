"""A database that crashes, is away, is locked, or cuts a connection."""

from __future__ import annotations

import time

import pytest

from tests.faults.catalogue import OUR_ERROR
from tests.faults.site import POSTGRESQL, QUICK, SQLITE, Archive, Site
from tests.faults.table import Table
from tests.servers import PostgreSQL
from tests.stack import wait_until

on_postgresql = pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True, scope="session")
LEASE = float(QUICK["AUTOVI_JOB_LEASE_SECONDS"])


@on_postgresql
def test_a_database_that_crashes_during_a_job_loses_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:while-scoring")
    sent = [site.send(archive) for archive in archives]
    paused = site.stop_at("while-scoring")
    since = time.monotonic()
    site.servers["database"].kill()
    site.servers["database"].start()
    site.kill_worker(site.worker_of(paused))
    site.add_workers()
    table.recovered("database crashed", kind, site, sent, since)


@on_postgresql
def test_a_score_that_cannot_be_recorded_is_found_again(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:scored-before-record")
    sent = [site.send(archives[0])]
    paused = site.stop_at("scored-before-record")
    log, missed = site.log_of(paused), "job raised"
    before = site.log(log).count(missed)
    site.servers["database"].stop()
    site.resume(paused)
    wait_until(lambda: site.log(log).count(missed) > before, "the worker misses the database")
    site.servers["database"].start()
    table.recovered("database away", kind, site, sent, time.monotonic())


@on_postgresql
def test_a_connection_cut_before_the_commit_publishes_once(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:inside-finalise-before-commit")
    sent = [site.send(archives[0])]
    paused = site.stop_at("inside-finalise-before-commit")
    since = time.monotonic()
    database = site.servers["database"]
    assert isinstance(database, PostgreSQL)
    with database.connect() as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = 'board' AND state = 'idle in transaction'"
        ).fetchall()
    assert cut == [(True,)]
    site.resume(paused)
    site.wait_for_event(sent[0], OUR_ERROR)
    table.recovered("connection cut", kind, site, sent, since)


@pytest.mark.parametrize("kind", [SQLITE], indirect=True, scope="session")
def test_a_database_that_somebody_locks_for_long_loses_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:while-scoring")
    sent = [site.send(archive) for archive in archives]
    paused = site.stop_at("while-scoring")
    with site.locked():
        site.resume(paused)
        time.sleep(2 * LEASE)
    table.recovered("database locked", kind, site, sent, time.monotonic())
