"""Many submissions at once on two workers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.site import Archive, Site
from tests.faults.table import Table


@pytest.mark.parametrize("number", [16, pytest.param(200, marks=pytest.mark.long)])
def test_many_submissions_at_once_all_end_once(
    number: int, kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    wanted = [archives[n % len(archives)] for n in range(number)]
    with ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(site.send, wanted))
    table.recovered("many", kind, site, sent, time.monotonic())
