"""Scoring beside merely reading and decoding, and beside what others run: bench/RESULTS.md.

`./dev bench scoring` draws its inputs (at the first run; minutes), makes the peers' environment
(at the first run; minutes) and measures (about ten minutes). `python -m bench.scoring --quick` is
a smoke run on few images; it prints its page and leaves RESULTS.md alone.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import inputs, memory, page
from bench.inputs import KINDS, Work
from bench.measure import FULL, QUICK, Plan, Timing, time_kind, time_whole
from bench.memory import Memory
from bench.peer_environment import NoPeers
from bench.peers import PEERS, Peers

RESULTS = Path(__file__).with_name("RESULTS.md")
CATEGORIES = {"pipe_staple": PEERS, "tank_screw": ("adeval",)}
"""The peers of each; those that hold all pixels would need several GB for the large images."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.scoring", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few images; writes no page")
    quick = parser.parse_args(arguments).quick
    results = measure(
        QUICK if quick else FULL,
        "python -m bench.scoring --quick" if quick else "./dev bench scoring",
    )
    text = page.render(results)
    if not quick:
        RESULTS.write_text(text)
    print(text)


def measure(plan: Plan, command: str) -> page.Results:
    """Everything on the page."""
    prepare(plan)
    start, load = time.monotonic(), os.getloadavg()[0]
    with try_peers() as (peers, versions, notes):
        timings = time_all(plan, peers)
    whole = time_whole(inputs.whole(plan.scale), plan)
    found = measure_memory(plan) if memory.supported() else {}
    minutes = (time.monotonic() - start) / 60
    return page.Results(
        command, plan, timings, whole, found, versions, notes, inputs.size_on_disk(), minutes, load
    )


def prepare(plan: Plan) -> None:
    """Make all inputs that are not there yet."""
    everything = inputs.whole(plan.scale)
    for work in (everything, inputs.two_images(everything)):
        work.archive("png8")
    for name in CATEGORIES:
        work = inputs.one_category(name, plan.scale)
        for kind in KINDS:
            for part in (work, inputs.two_images(work), inputs.spread(work, plan.sampled)):
                part.archive(kind)
    for work in memory_works(plan).values():
        for kind in KINDS:
            work.archive(kind)


@contextmanager
def try_peers() -> Iterator[tuple[Peers | None, str, list[str]]]:
    """The peers' process, their versions and notes for the page; or why there are none."""
    try:
        running = Peers()
    except NoPeers as reason:
        print(f"without peers: {reason}", flush=True)
        yield None, f"none ({reason})", []
        return
    with running:
        versions = ", ".join(f"{name} {version}" for name, version in running.versions.items())
        yield running, versions, running.notes


def time_all(plan: Plan, peers: Peers | None) -> list[Timing]:
    """Each category and kind."""
    return [
        time_kind(inputs.one_category(name, plan.scale), kind, plan, peers, names)
        for name, names in CATEGORIES.items()
        for kind in KINDS
    ]


def memory_works(plan: Plan) -> dict[str, Work]:
    """What memory is measured on, by the part of the page."""
    small, large = (inputs.one_category(name, plan.scale) for name in CATEGORIES)
    few, many = plan.good
    return {
        "two": inputs.two_images(small),
        "few": inputs.with_good(small, few),
        "many": inputs.with_good(small, many),
        "others": large,
    }


def measure_memory(plan: Plan) -> dict[str, list[Memory]]:
    """One run of each kind for each of them."""
    print("measuring memory ...", flush=True)
    works = memory_works(plan)
    return {part: [memory.measure(work, kind) for kind in KINDS] for part, work in works.items()}


if __name__ == "__main__":
    main()
