"""Peak memory of scoring in a fresh process, and whether it grows with the number of images."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.inputs import Work
from scoring import read_manifest
from scoring.ground_truth import read_truth

BOUND = 300e6
BYTES_PER_REGION_PIXEL = 12
FLAT = 0.10


@dataclass(frozen=True)
class Memory:
    """One scoring in a fresh process; bytes, and processor time of both, with start-up.

    `pixels` counts all pixels of all maps, `region_pixels` those inside regions.
    """

    name: str
    kind: str
    images: int
    pixels: int
    region_pixels: int
    scorer: int
    decoder: int
    cpu_seconds: float

    @property
    def bound(self) -> float:
        """What the scorer's process may use at most, bytes."""
        extra = BYTES_PER_REGION_PIXEL * self.region_pixels if self.kind == "tiff32" else 0
        return BOUND + extra


def supported() -> bool:
    """Whether this system tells what is needed (Linux)."""
    return Path("/proc/self/status").exists()


def measure(work: Work, kind: str) -> Memory:
    """Score once, in a process of its own."""
    archive = work.archive(kind)
    command = [sys.executable, "-m", "bench._memory_probe", str(work.dataset), str(archive)]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    (category,) = read_manifest(work.dataset).categories.values()
    regions = read_truth(category).regions.values()
    return Memory(
        work.name,
        kind,
        images=len(category.images),
        pixels=sum(width * height for width, height in category.images.values()),
        region_pixels=sum(len(r.pixels) for image in regions for r in image),
        **json.loads(done.stdout),
    )


def growth(few: Memory, many: Memory) -> float:
    """The larger of the two processes' growth from few to many images, as a share."""
    return max(many.scorer / few.scorer, many.decoder / few.decoder) - 1
