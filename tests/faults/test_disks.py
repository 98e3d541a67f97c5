"""Disks that are full, and a storage that is away."""

from __future__ import annotations

import time

import pytest

from tests.faults.catalogue import AGAIN, OUR_ERROR
from tests.faults.site import OBJECTS, QUICK, Archive, Site
from tests.faults.table import Table
from tests.s3 import ObjectStore

ENOUGH_TO_BEGIN = 16 * 1024
OUTAGE = 6 * float(QUICK["AUTOVI_JOB_BACKOFF_SECONDS"])
"""Of the default backoff this is a minute."""


def test_a_full_disk_holds_up_a_compressed_tar_until_there_is_room(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    with site.full(site.temporary, free=ENOUGH_TO_BEGIN):
        sent = [site.send(archives[2])]
        site.wait_for_event(sent[0], OUR_ERROR)
    table.recovered("disk full: temporary", kind, site, sent, time.monotonic())


def test_a_full_disk_holds_up_a_score_until_there_is_room(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    with site.full(site.var / "results"):
        sent = [site.send(archives[0])]
        site.wait_for_event(sent[0], OUR_ERROR)
    table.recovered("disk full: results", kind, site, sent, time.monotonic())


def test_a_full_disk_at_the_upload_is_told_and_nothing_is_kept(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    with site.full(site.var / "tmp"):
        status, _, page = site.post(archives[0])
    assert status == 507
    assert AGAIN in page
    back = time.monotonic()
    sent = [site.send(archives[0])]
    table.recovered("disk full: upload", kind, site, sent, back, seen=page)


@pytest.mark.parametrize("kind", [OBJECTS], indirect=True, scope="session")
def test_an_object_store_that_answers_with_errors_for_a_while_loses_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    store = site.servers["store"]
    assert isinstance(store, ObjectStore)
    site.arm("stop:scored-before-record")
    sent = [site.send(archive) for archive in archives]
    paused = site.stop_at("scored-before-record")
    with store.failing():
        site.resume(paused)
        time.sleep(OUTAGE)
    table.recovered("storage errors", kind, site, sent, time.monotonic())

    with store.failing():
        refused = site.send(archives[0])
        seen = site.page(refused)
    back = time.monotonic()
    sent = [site.send(archives[0])]
    table.recovered("storage errors: upload", kind, site, sent, back, seen=seen)


def test_a_storage_that_is_away_for_a_while_loses_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:before-claim")
    sent = [site.send(archive) for archive in archives]
    paused = site.stop_at("before-claim")
    there, away = site.var / "submissions", site.var / "submissions-away"
    there.rename(away)
    site.resume(paused)
    time.sleep(OUTAGE)
    away.rename(there)
    table.recovered("storage away", kind, site, sent, time.monotonic())
