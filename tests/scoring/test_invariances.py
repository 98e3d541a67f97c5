"""What no metric may depend on: a registry of changes, each tried on every kind of map."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import Case, map_files, small_case, write_dataset, write_zip

from scoring import score

Change = Callable[[Case], None]


def shuffled_images(case: Case) -> None:
    """Image ids of a folder change places, with everything that belongs to them, and the maps
    stand in another order in their archive."""
    swap = {"scratch/0000": "scratch/0001", "scratch/0001": "scratch/0000"}
    for table in (case.regions, case.values, case.maps):
        moved = {swap.get(key, key): value for key, value in table.items()}
        table.clear()
        table.update(dict(sorted(moved.items(), key=lambda item: item[0][::-1], reverse=True)))


def reversed_regions(case: Case) -> None:
    for key in case.regions:
        case.regions[key] = case.regions[key][::-1]
        case.values[key] = case.values[key][::-1]


def increasing_transform(case: Case) -> None:
    """A strictly increasing map of the values that no type rounds: their ranks."""
    values = np.unique(np.concatenate([array.ravel() for array in case.maps.values()]))
    for key, array in case.maps.items():
        ranks = np.searchsorted(values, array)
        case.maps[key] = (ranks + 3).astype(np.uint16)


def wider_type(case: Case) -> None:
    wider = {
        "uint8": "uint16",
        "uint16": "float32",
        "float16": "float32",
        "float32": "float64",
        "float64": "float64",
    }
    for key, array in case.maps.items():
        case.maps[key] = array.astype(wider[array.dtype.name])


def every_image_twice(case: Case) -> None:
    for table in (case.regions, case.values, case.maps):
        table.update({f"{key}_again": copy.deepcopy(value) for key, value in table.items()})


def mirrored_images(case: Case) -> None:
    for key in case.maps:
        case.maps[key] = np.ascontiguousarray(case.maps[key][:, ::-1])
        case.regions[key] = [mask[:, ::-1] for mask in case.regions[key]]


CHANGES: dict[str, Change] = {
    change.__name__: change
    for change in (
        shuffled_images,
        reversed_regions,
        increasing_transform,
        wider_type,
        every_image_twice,
        mirrored_images,
    )
}
EXACT = {"shuffled_images", "reversed_regions", "wider_type", "mirrored_images"}
"""Changes after which the scores are the same to the last bit."""


def scores(case: Case, folder: Path) -> dict[str, Any]:
    root = write_dataset(folder / "dataset", {"part": case})
    maps = write_zip(folder / "maps.zip", map_files({"part": case}, ".tiff"))
    return score(root, maps).as_dict()["categories"]["part"]


def leaves(tree: Any, path: str = "") -> dict[str, float]:
    if isinstance(tree, dict):
        return {k: v for key, sub in tree.items() for k, v in leaves(sub, f"{path}/{key}").items()}
    return {path: tree}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("name", CHANGES)
def test_scores_do_not_depend_on(name: str, dtype: str, tmp_path: Path) -> None:
    case = small_case(seed=11, dtype=dtype)
    changed = copy.deepcopy(case)
    CHANGES[name](changed)
    before = leaves(scores(case, tmp_path / "before"))
    after = leaves(scores(changed, tmp_path / "after"))
    counts = {"/n_good", "/n_anomalous", "/image_f1_max_threshold"}
    for key in before.keys() - counts:
        if name in EXACT:
            assert after[key] == before[key], key
        else:
            assert after[key] == pytest.approx(before[key], abs=1e-12), key
