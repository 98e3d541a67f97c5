"""How long scoring takes beside merely reading and decoding the same maps.

`./dev bench scoring` draws its inputs, times both in one process on one core, taking turns, and
writes bench/RESULTS.md. Start-up (two images of the same category) is timed and subtracted; the
ground truth is cached. The bare loop reads each member from the archive and decodes it with the
decoder that the scorer uses, and does nothing with the pixels.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import imagecodecs

from bench import inputs
from scoring import score
from scoring.archive import open_archive

ROUNDS = 5
CATEGORY = "pipe_staple"
TARGET = 2.0
RESULTS = Path(__file__).parent / "RESULTS.md"
DECODERS = {"png": imagecodecs.png_decode, "tiff": imagecodecs.tiff_decode}


@dataclass(frozen=True)
class Row:
    """One kind of map: medians in seconds."""

    kind: str
    maps: int
    decode: float
    scoring: float
    startup: float

    @property
    def ratio(self) -> float:
        return (self.scoring - self.startup) / self.decode


def decode_all(archive_path: Path) -> int:
    """Read and decode every map; returns how many."""
    count = 0
    with open_archive(archive_path) as archive:
        for member in archive.members:
            decode = DECODERS.get(member.name.rpartition(".")[2])
            if decode is not None:
                decode(member.read(archive.fd, 1 << 30))
                count += 1
    return count


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(kind: str) -> Row:
    """Time the three in turns, so that a change of the machine's speed meets all of them."""
    dataset = inputs.dataset(CATEGORY)
    small = inputs.two_images(dataset)
    archive, small_archive = inputs.maps(dataset, kind), inputs.maps(small, kind)
    actions: dict[str, Callable[[], object]] = {
        "decode": lambda: decode_all(archive),
        "scoring": lambda: score(dataset, archive, jobs=1),
        "startup": lambda: score(small, small_archive, jobs=1),
    }
    for action in actions.values():
        action()  # caches: compiled loops, ground truth, the file system's
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(ROUNDS):
        for name, action in actions.items():
            times[name].append(timed(action))
    medians = {name: statistics.median(found) for name, found in times.items()}
    return Row(kind, decode_all(archive), **medians)


def peak_memory() -> tuple[float, float]:
    """Peak resident MiB of this process and of the largest decoder."""
    return tuple(
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )  # type: ignore[return-value]


def main() -> None:
    """Measure, print and write the results."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows = []
    for kind in inputs.KINDS:
        rows.append(measure(kind))
        if kind == "png8":
            memory = peak_memory()
    text = page(rows, memory)
    RESULTS.write_text(text)
    print(text)


def page(rows: list[Row], memory: tuple[float, float]) -> str:
    """The results as Markdown."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "numba", "imagecodecs")
    )
    lines = [
        "# Results",
        "",
        f"`./dev bench scoring`, {datetime.now(UTC):%Y-%m-%d}, {machine()}, Python "
        f"{platform.python_version()}, {versions}; one core, medians of {ROUNDS} rounds.",
        "",
        f"Scoring `{CATEGORY}` of the sample data at scale 1.0 (400x400), start-up subtracted,",
        "ground truth cached, beside a bare loop that reads and decodes the same files:",
        "",
        "| maps | files | decode loop, s | scoring, s | start-up, s | (scoring - start-up) / decode |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {row.kind} | {row.maps} | {row.decode:.3f} | {row.scoring:.3f} | {row.startup:.3f} "
            f"| {row.ratio:.2f} |"
            for row in rows
        ),
        "",
        f"Target for 8-bit PNG: at most {TARGET:g}. Peak resident memory after the 8-bit run: "
        f"{memory[0]:.0f} MiB (scorer, with this benchmark), {memory[1]:.0f} MiB (decoder).",
        "",
    ]
    return "\n".join(lines)


def machine() -> str:
    """Processor and system, as far as they tell."""
    info = Path("/proc/cpuinfo")
    names = (
        [
            line.partition(":")[2].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        if info.exists()
        else []
    )
    return f"{names[0] if names else platform.processor()}, {len(names) or os.cpu_count()} cores, {platform.system()}"


if __name__ == "__main__":
    main()
