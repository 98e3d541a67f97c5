"""What scoring takes: memory of both processes as the kernel saw it, and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scoring import sandbox


@dataclass
class Taken:
    """Memory in MB, time in seconds.

    Attributes
    ----------
    peak, grown : int
        Resident memory of this process at its highest, and how much of it came since the start.
    decoders : int
        Resident memory of the largest decoder at its highest.
    """

    peak: int = 0
    grown: int = 0
    decoders: int = 0
    seconds: float = 0.0


@contextmanager
def measured() -> Iterator[Taken]:
    """What is taken meanwhile; filled in at the end.

    Not `ru_maxrss`: that remembers the process which started this one.
    """
    taken = Taken()
    Path("/proc/self/clear_refs").write_text("5")  # the highest is the present again
    before, start = _resident("self", "VmHWM"), time.monotonic()
    with _decoders_noted(taken):
        yield taken
    taken.seconds = time.monotonic() - start
    taken.peak = _resident("self", "VmHWM")
    taken.grown = taken.peak - before


@contextmanager
def _decoders_noted(taken: Taken) -> Iterator[None]:
    """Look at each decoder a moment before it is ended."""
    kill = sandbox._Child.kill

    def noting(child: sandbox._Child, grace: float = 0.0) -> str:
        if child._process is not None:
            taken.decoders = max(taken.decoders, _resident(str(child._process.pid), "VmHWM"))
        return kill(child, grace)

    sandbox._Child.kill = noting
    try:
        yield
    finally:
        sandbox._Child.kill = kill


def _resident(process: str, field: str) -> int:
    """MB of a process; 0 of one that is over."""
    lines = Path("/proc", process, "status").read_text().splitlines()
    return next((int(line.split()[1]) // 1000 for line in lines if line.startswith(field)), 0)
