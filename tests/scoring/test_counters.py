"""Counting in one go or in many: how much room there is never changes a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scoring import cells, score, spro
from scoring.truth import CategoryTruth, Region

SMALL_ROOM = {
    "f32 none kept": ("f32", spro, "_KEPT_BYTES", 0),
    "f32 some kept": ("f32", spro, "_KEPT_BYTES", 40_000),
    "f32 small batches": ("f32", cells, "_BATCH_BYTES", 1_000),
    "u8 counters emptied": ("u8", spro, "_MOST_COUNTED", 5_000),
    "u16 counters emptied": ("u16", spro, "_MOST_COUNTED", 5_000),
}


@pytest.mark.parametrize("case", SMALL_ROOM)
def test_little_room_gives_the_same_report(
    vectors: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    kind, module, name, room = SMALL_ROOM[case]
    dataset, archive = vectors / "dataset", vectors / f"maps_{kind}.zip"
    plenty = score(dataset, archive).dumps()
    monkeypatch.setattr(module, name, room)
    assert score(dataset, archive).dumps() == plenty


def test_some_and_not_all_float_maps_are_kept(
    vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the case above would not be the one that its name says."""
    kept: list[tuple[int, int]] = []
    add_kept = spro.CellCounter.add_kept

    def noted(counter: spro.CellCounter) -> frozenset[str]:
        keys = add_kept(counter)
        kept.append((len(keys), len(counter._truth.anomalous)))
        return keys

    monkeypatch.setattr(spro.CellCounter, "add_kept", noted)
    monkeypatch.setattr(spro, "_KEPT_BYTES", 40_000)
    score(vectors / "dataset", vectors / "maps_f32.zip")
    assert any(0 < some < of for some, of in kept), kept


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16"])
def test_folders_may_alternate(dtype: str) -> None:
    """Where ids are opaque, images of all folders come in any order."""
    rng = np.random.default_rng(3)
    keys = [f"{folder}/{i}" for i in range(4) for folder in ("bend", "good", "scratch")]
    region = Region(np.arange(5, 25, dtype=np.int32), 7)
    regions = {key: (region,) for key in keys if not key.startswith("good/")}
    truth = CategoryTruth(
        "part",
        dict.fromkeys(keys, (20, 10)),
        regions,
        tuple(regions),
        tuple(key for key in keys if key not in regions),
    )
    maps = {key: rng.integers(0, 200, 200).astype(dtype) for key in keys}

    def counted(order: list[str]) -> tuple[object, ...]:
        counter = spro.ValueCounter(truth, dtype)
        for key in order:
            counter.add(key, maps[key])
        table = counter.all()
        return counter.folder_areas(), *(a.tolist() for a in (table.outside, table.inside))

    assert counted(keys) == counted(sorted(keys))
    assert sum(counted(keys)[1]) + sum(counted(keys)[2]) == 200 * len(keys)
