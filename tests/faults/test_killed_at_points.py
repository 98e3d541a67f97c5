"""A worker that is killed at each named point of its way."""

from __future__ import annotations

import time

import pytest

from leaderboard.submissions.points import POINTS
from tests.faults.catalogue import SILENT
from tests.faults.site import Archive, Site
from tests.faults.table import Table


@pytest.mark.parametrize("point", [point for point in POINTS if point != "in-sweep"])
def test_a_worker_killed_on_its_way_loses_nothing(
    point: str, kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm(f"kill:{point}")
    sent = [site.send(archives[0])]
    died = site.wait_for_stop()
    table.recovered(f"killed: {point}", kind, site, sent, died)


def test_a_sweeper_killed_in_its_work_leaves_it_to_the_next(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    site.arm("stop:after-claim")
    sent = [site.send(archives[0])]
    paused = site.stop_at("after-claim")
    site.arm("kill:in-sweep")
    died = site.wait_for_stop()
    site.wait_for_event(sent[0], SILENT)
    site.resume(paused)
    table.recovered("killed: in-sweep", kind, site, sent, died)


@pytest.mark.long
@pytest.mark.parametrize("point", [point for point in POINTS if point != "in-sweep"])
def test_a_machine_that_goes_down_while_a_worker_is_on_its_way_loses_nothing(
    point: str, kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    """The worker's parent dies, too: nobody hands the message back."""
    site.arm(f"stop:{point}")
    sent = [site.send(archives[0])]
    paused = site.stop_at(point)
    died = time.monotonic()
    site.kill_worker(site.worker_of(paused))
    site.add_workers()
    table.recovered(f"killed: {point}", kind, site, sent, died)
