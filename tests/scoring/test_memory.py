"""Maps are counted, never kept: memory does not grow with the number of images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from support import Case, map_files, write_dataset, write_folder

MEASURE = """
import sys
from pathlib import Path
from scoring import score
score(Path(sys.argv[1]), Path(sys.argv[2]))
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def peak(folder: Path, n_good: int) -> int:
    """Peak resident KiB of scoring one region and this many good images of 400x400."""
    side = 400
    mask = np.zeros((side, side), bool)
    mask[:40, :40] = True
    case = Case((side, side), config={1: (0.7, True)})
    for key in ["scratch/0000", *(f"good/{index:04}" for index in range(n_good))]:
        case.regions[key] = [] if key.startswith("good") else [mask]
        case.values[key] = [1 for _ in case.regions[key]]
        case.maps[key] = np.full((side, side), 9, np.uint16)
    dataset = write_dataset(folder / "dataset", {"part": case})
    maps = write_folder(folder / "maps", map_files({"part": case}, ".png"))
    arguments = [sys.executable, "-c", MEASURE, str(dataset), str(maps)]
    return int(subprocess.run(arguments, check=True, capture_output=True).stdout)


def test_memory_is_flat_in_the_number_of_images(tmp_path: Path) -> None:
    few, many = peak(tmp_path / "few", 20), peak(tmp_path / "many", 200)
    assert many < 1.1 * few
    assert many < 400 * 1024
