"""Timing contenders in turns, so that a change of the machine's speed meets all of them."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

Action = Callable[[], float]
"""Runs once; returns the seconds it took."""


@dataclass(frozen=True)
class Contender:
    """Something to time, in at most `rounds` rounds; `warm` runs it once before them."""

    run: Action
    rounds: int
    warm: bool = True


def timed(function: Callable[[], object]) -> Action:
    """The action that runs the function and times it by the wall clock."""

    def run() -> float:
        gc.collect()
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return run


def take_turns(contenders: Mapping[str, Contender]) -> dict[str, float]:
    """The median seconds of each."""
    for contender in contenders.values():
        if contender.warm:
            contender.run()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(max(c.rounds for c in contenders.values())):
        for name, contender in contenders.items():
            if turn < contender.rounds:
                times[name].append(contender.run())
    return {name: statistics.median(found) for name, found in times.items()}


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and children started meanwhile, on one core where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
