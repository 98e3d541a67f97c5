"""Sends mutated maps and archives to the scorer, in a process whose memory is its own.

`python -m tests.hostile.fuzz SEED MAPS ARCHIVES` prints what came of them as JSON.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from scoring import Refused, score, validate
from tests.hostile import craft
from tests.hostile.conftest import child_processes
from tests.hostile.corpus import WIDE_KEYS, Room, write_room
from tests.hostile.mutants import mutated_archive, mutated_map

_SCORED_TOO = 5  # of so many archives, one is scored after it was validated


@dataclass
class Figures:
    """What came of it. Memory in MB, time in seconds."""

    seed: int
    maps: int = 0
    archives: int = 0
    accepted: int = 0
    refused: int = 0
    decoders_lost: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    memory: int = 0
    decoder_memory: int = 0


class Fuzzer:
    """Mutated archives, one after the other; whatever is not an answer is raised."""

    def __init__(self, seed: int, root: Path) -> None:
        self.figures = Figures(seed)
        self._rng = random.Random(seed)
        self._datasets = write_room(root / "datasets")
        self._room = Room(self._datasets, root)
        self._spool = root / "spool"
        self._spool.mkdir()
        tempfile.tempdir = str(self._spool)
        self._calls = 0

    def maps(self, count: int) -> None:
        """So many mutated maps, many in one archive."""
        while self.figures.maps < count:
            made = {"part/test/dent/0000.png": craft.png_file()}
            for key in WIDE_KEYS:
                extension, data = mutated_map(self._rng)
                made[f"part/test/{key}{extension}"] = data
            self.figures.maps += len(WIDE_KEYS)
            self._send(craft.zip_file(craft.entries(made)), "wide")

    def archives(self, count: int) -> None:
        """So many mutated archives of sound maps."""
        files = self._room.files()
        for _ in range(count):
            self.figures.archives += 1
            self._send(mutated_archive(files, self._rng), "small")

    def _send(self, data: bytes, dataset: str) -> None:
        archive = self._room.raw("maps", data)
        self._calls += 1
        for command in (validate, score)[: 1 + (self._calls % _SCORED_TOO == 0)]:
            before = self._leftovers()
            start = time.monotonic()
            try:
                command(self._datasets / dataset, archive)
                self.figures.accepted += 1
            except Refused as refused:
                self.figures.refused += 1
                self._note(refused)
            self.figures.slowest = max(self.figures.slowest, time.monotonic() - start)
            assert self._leftovers() == before

    def _note(self, refused: Refused) -> None:
        for line in refused.lines():
            assert line.isprintable(), line
            assert "the decoder ended with status" not in line, "it raised what it should not"
            self.figures.decoders_lost += "the decoder " in line

    def _leftovers(self) -> tuple[object, ...]:
        return (
            os.listdir(),
            list(self._spool.iterdir()),
            child_processes(),
            len(os.listdir("/proc/self/fd")),
        )


def run(seed: int, maps: int, archives: int) -> Figures:
    """The figures of a run; raises whatever the scorer raised."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        fuzzer = Fuzzer(seed, Path(root))
        fuzzer.maps(maps)
        fuzzer.archives(archives)
    figures = fuzzer.figures
    figures.seconds = time.monotonic() - start
    # Not ru_maxrss: that remembers the process which started this one.
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    figures.memory = int(peak.split()[1]) // 1024
    figures.decoder_memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return figures


if __name__ == "__main__":
    print(json.dumps(asdict(run(*map(int, sys.argv[1:4])))))
