"""All kinds of faults by chance, from a seed that is printed, over many submissions."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from leaderboard.submissions.points import POINTS
from tests.faults import site as sites
from tests.faults.site import QUICK, SQLITE, Archive, Sent, Site
from tests.faults.sound import settled
from tests.servers import PostgreSQL

SUBMISSIONS = 200
LEASE = float(QUICK["AUTOVI_JOB_LEASE_SECONDS"])
MORE_TRIES = {"AUTOVI_JOB_MAX_ATTEMPTS": "30"}
"""As one fault follows another here every few seconds."""


@pytest.mark.long
def test_whatever_happens_in_whatever_order_every_submission_ends_once(
    kind: str, dataset: Path, archives: list[Archive], tmp_path: Path, capsys
) -> None:
    seed = int(os.environ.get("AUTOVI_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    with capsys.disabled():
        print(f"\n{kind}: AUTOVI_FAULT_SEED={seed}", flush=True)
    chance, happened, sent = random.Random(seed), Counter[str](), list[Sent]()
    began = time.monotonic()
    with sites.running(kind, tmp_path / "site", dataset, **MORE_TRIES) as site:
        faults = FAULTS | (ON_SQLITE if kind == SQLITE else ON_SERVERS)
        while len(sent) < SUBMISSIONS:
            burst = chance.randint(1, 8)
            sent += [site.send(chance.choice(archives)) for _ in range(burst)]
            name = chance.choice(sorted(faults))
            happened[name] += 1
            faults[name](site, chance)
        for pid in site.stopped():
            site.resume(pid)
        last = time.monotonic()
        site.disarm()
        account = settled(site, sent)
    with capsys.disabled():
        ended, rest = last - began, time.monotonic() - last
        print(f"{len(sent)} submissions in {ended:.0f} s, the last over {rest:.0f} s later")
        print(f"lost {len(account.lost)}, doubled {len(account.doubled)}", dict(happened))
    assert not account.found, account.found


def arm(site: Site, chance: random.Random) -> None:
    """Somebody is killed at a point, sooner or later."""
    site.arm(f"kill:{chance.choice(POINTS)}")


def stand_still(site: Site, chance: random.Random) -> None:
    """A worker with all its processes does nothing for a while."""
    worker = chance.choice(site.workers)
    os.killpg(worker.pid, signal.SIGSTOP)
    time.sleep(chance.uniform(0, 2 * LEASE))
    os.killpg(worker.pid, signal.SIGCONT)


def kill_one(site: Site, chance: random.Random) -> None:
    site.kill_worker(chance.choice(site.workers))
    site.add_workers()


def kill_all(site: Site, chance: random.Random) -> None:
    for worker in list(site.workers):
        site.kill_worker(worker)
    site.add_workers(2)


def restart_web(site: Site, chance: random.Random) -> None:
    site.kill_web()
    site.start_web()


def stop_broker(site: Site, chance: random.Random) -> None:
    site.stop_broker()
    time.sleep(chance.uniform(0, 2))
    site.start_broker()


def flush(site: Site, chance: random.Random) -> None:
    site.flush_broker()


def fill_disk(site: Site, chance: random.Random) -> None:
    place = chance.choice([site.temporary, site.var / "results"])
    with site.full(place):
        time.sleep(chance.uniform(0, 2))


def hide_archives(site: Site, chance: random.Random) -> None:
    there, away = site.var / "submissions", site.var / "submissions-away"
    there.rename(away)
    time.sleep(chance.uniform(0, 2))
    # Whoever looked meanwhile may have made the folder again, for nothing.
    if there.exists():
        there.rmdir()
    away.rename(there)


def crash_database(site: Site, chance: random.Random) -> None:
    site.servers["database"].kill()
    time.sleep(chance.uniform(0, 2))
    site.servers["database"].start()


def cut_connections(site: Site, chance: random.Random) -> None:
    database = site.servers["database"]
    assert isinstance(database, PostgreSQL)
    with database.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = 'board' AND pid <> pg_backend_pid()"
        )


def lock_database(site: Site, chance: random.Random) -> None:
    with site.locked():
        time.sleep(chance.uniform(0, 2 * LEASE))


Happening = Callable[[Site, random.Random], None]
FAULTS: dict[str, Happening] = {
    act.__name__: act
    for act in (
        arm,
        stand_still,
        kill_one,
        kill_all,
        restart_web,
        stop_broker,
        flush,
        fill_disk,
        hide_archives,
    )
}
ON_SERVERS: dict[str, Happening] = {
    "crash_database": crash_database,
    "cut_connections": cut_connections,
}
ON_SQLITE: dict[str, Happening] = {"lock_database": lock_database}
