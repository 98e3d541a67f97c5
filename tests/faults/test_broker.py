"""A broker that is away, forgets, or starts again: messages are hints, and hints only."""

from __future__ import annotations

import time

import pytest

from tests.faults.catalogue import WAITING
from tests.faults.site import POSTGRESQL, RABBITMQ, Archive, Site
from tests.faults.table import Table


def test_a_broker_that_is_down_at_the_upload_loses_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.stop_broker()
    sent = [site.send(archive) for archive in archives]
    seen = site.page(sent[-1])
    assert WAITING in seen
    site.start_broker()
    back = time.monotonic()
    table.recovered("broker down at upload", kind, site, sent, back, seen=seen)


def test_messages_that_the_broker_forgot_are_sent_again(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    sent, paused = [], []
    for archive in archives[:2]:
        site.arm("stop:after-claim")
        sent.append(site.send(archive))
        paused.append(site.stop_at("after-claim"))
    sent += [site.send(archive) for archive in archives]
    site.flush_broker()
    since = time.monotonic()
    for pid in paused:
        site.resume(pid)
    table.recovered("broker flushed", kind, site, sent, since)


@pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True, scope="session")
def test_a_broker_that_starts_again_during_a_job_loses_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    """A folder cannot be restarted."""
    site.arm("stop:while-scoring")
    sent = [site.send(archive) for archive in archives]
    paused = site.stop_at("while-scoring")
    since = time.monotonic()
    site.servers["broker"].restart()
    site.resume(paused)
    table.recovered("broker restarted", kind, site, sent, since)


@pytest.mark.parametrize("kind", [RABBITMQ], indirect=True, scope="session")
def test_with_rabbitmq_it_works_too(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:while-validating")
    sent = [site.send(archive) for archive in archives]
    paused = site.stop_at("while-validating")
    since = time.monotonic()
    site.servers["broker"].restart()
    site.arm("kill:while-scoring")
    site.resume(paused)
    site.wait_for_stop()
    table.recovered("rabbitmq", kind, site, sent, since)
