"""Compiles the loops over pixels for every type of map: `python -m scoring.warm`.

Numba keeps what it compiled in NUMBA_CACHE_DIR (or beside the source), so that a machine, or an
image, that did this once never waits for it again.
"""

from __future__ import annotations

import numpy as np

from scoring.spro import CellCounter, ValueCounter
from scoring.truth import CategoryTruth, Region

SIZE = (8, 8)
BY_VALUE = ("uint8", "uint16", "float16")
BY_CELL = ("float32", "float64")


def warm() -> None:
    """Score two small images of each type; raises where a loop cannot be compiled."""
    truth = CategoryTruth(
        name="warm",
        sizes={"good/0": SIZE, "bad/0": SIZE},
        regions={"bad/0": (Region(np.arange(9, dtype=np.int32), 5),)},
        anomalous=("bad/0",),
        good=("good/0",),
    )
    values = np.arange(SIZE[0] * SIZE[1])
    for dtype in (*BY_VALUE, *BY_CELL):
        counter = ValueCounter(truth, dtype) if dtype in BY_VALUE else CellCounter(truth, dtype)
        if isinstance(counter, CellCounter):
            counter.collect("bad/0", values.astype(dtype))
            counter.freeze()
        for key in ("good/0", "bad/0"):
            counter.add(key, values.astype(dtype))
        counter.folder_areas()
        counter.all().au_spro()


if __name__ == "__main__":
    warm()
