"""The scorer against its slow twin, over random small datasets written as real files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import brute
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import Case, map_files, random_map, small_case, write_dataset, write_folder, write_zip

from scoring import score

DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
SPECIAL = {
    "float16": [0.0, -0.0, 6e-8, -6e-8, 65504.0, -65504.0, 1.0],
    "float32": [0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1.0],
    "float64": [0.0, -0.0, 5e-324, -5e-324, 3.4e38, 1.0, 1.0 + 2**-52],
}


def extension_for(dtype: str) -> str:
    return ".png" if dtype == "uint8" else ".tiff"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A category of tiny images: ties; one-pixel, overlapping and covering regions."""
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    dtype = draw(st.sampled_from(DTYPES))
    case = Case(
        (width, height), config={1: (0.7, True), 2: (4, False), 3: (0.01, True), 4: (1.0, True)}
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_good, n_bad = draw(st.integers(0, 3)), draw(st.integers(0, 4))
    if n_good + n_bad == 0:
        n_good = 1
    levels = draw(st.integers(1, 40))
    for index in range(n_good):
        add_image(case, f"good/{index:04}", [], rng, dtype, levels)
    for index in range(n_bad):
        folder = draw(st.sampled_from(["scratch", "missing"]))
        masks = [some_mask(rng, (height, width)) for _ in range(draw(st.integers(0, 3)))]
        add_image(case, f"{folder}/{index:04}", masks, rng, dtype, levels)
    return case


def some_mask(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    kind = rng.integers(0, 4)
    mask = np.zeros(shape, bool)
    if kind == 0:
        mask[:] = True
    elif kind == 1:
        mask[rng.integers(0, shape[0]), rng.integers(0, shape[1])] = True
    else:
        mask = rng.random(shape) < rng.random()
        mask[0, 0] = True
    return mask


def add_image(
    case: Case, key: str, masks: list, rng: np.random.Generator, dtype: str, levels: int
) -> None:
    width, height = case.size
    case.regions[key] = masks
    case.values[key] = [int(rng.integers(1, 5)) for _ in masks]
    if dtype.startswith("uint"):
        top = np.iinfo(dtype).max
        case.maps[key] = (rng.integers(0, levels, (height, width)) * (top // levels)).astype(dtype)
    else:
        pool = np.array([*SPECIAL[dtype], *rng.normal(size=levels)]).astype(dtype)
        case.maps[key] = rng.choice(pool, (height, width))


def assert_equal(found: Any, wanted: Any, path: str = "") -> None:
    if isinstance(wanted, dict):
        assert set(wanted) <= set(found), path
        for key, value in wanted.items():
            assert_equal(found[key], value, f"{path}/{key}")
    elif wanted is None:
        assert found is None, path
    else:
        assert found == pytest.approx(wanted, abs=1e-9), path


def check(case: Case) -> None:
    dtype = next(iter(case.maps.values())).dtype.name
    with tempfile.TemporaryDirectory() as folder:
        root = write_dataset(Path(folder, "dataset"), {"part": case})
        maps = write_folder(Path(folder, "maps"), map_files({"part": case}, extension_for(dtype)))
        found = score(root, maps).as_dict()["categories"]["part"]
    assert_equal(found, brute.category(case))
    for key, reason in found["undefined"].items():
        value = found[key.split("/")[0]]
        assert reason
        assert value is None or None in flat(value)


def flat(value: Any) -> list[Any]:
    return (
        [leaf for v in value.values() for leaf in flat(v)] if isinstance(value, dict) else [value]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_random_categories_score_as_by_definition(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_scores_as_by_definition(dtype: str) -> None:
    check(small_case(seed=3, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_constant_maps_score_as_by_definition(dtype: str) -> None:
    case = small_case(seed=4, dtype=dtype)
    for array in case.maps.values():
        array[:] = 7
    check(case)


def test_a_category_without_good_images_has_no_auroc_and_says_why(tmp_path: Path) -> None:
    case = small_case()
    for key in ("good/0000", "good/0001"):
        del case.regions[key], case.maps[key]
    root = write_dataset(tmp_path / "dataset", {"part": case})
    maps = write_zip(tmp_path / "maps.zip", map_files({"part": case}, ".png"))
    entry = score(root, maps).as_dict()["categories"]["part"]
    assert entry["image_auroc"] is None
    assert "no good" in entry["undefined"]["image_auroc"]
    assert entry["tpr_at_tnr"] == {"0.99": None, "0.95": None, "0.9": None}
    check(case)


def test_a_category_without_anomalous_images_has_only_undefined_scores(tmp_path: Path) -> None:
    case = small_case()
    for key in [k for k in case.regions if not k.startswith("good")]:
        del case.regions[key], case.maps[key]
    check(case)


def test_images_covered_by_regions_have_no_false_positive_rate() -> None:
    case = small_case()
    for key in list(case.regions):
        case.regions[key] = [np.ones((12, 20), bool)] if not key.startswith("good") else []
        case.values[key] = [1 for _ in case.regions[key]]
    for key in ("good/0000", "good/0001"):
        del case.regions[key], case.maps[key]
    check(case)


def test_a_saturation_area_that_rounds_to_zero_is_one_pixel() -> None:
    case = small_case()
    case.config = {1: (0.001, True), 2: (0.001, True)}
    check(case)


def test_mixed_sizes_of_integer_maps_are_counted_as_floats(tmp_path: Path) -> None:
    from scoring.maps import resize

    case = small_case(seed=5, size=(24, 16))
    small = random_map(np.random.default_rng(1), (8, 12), "uint8")
    files = map_files({"part": case}, ".png")
    shown = Case((12, 8), maps={"scratch/0001": small})
    files |= map_files({"part": shown}, ".png")
    root = write_dataset(tmp_path / "dataset", {"part": case})
    entry = score(root, write_zip(tmp_path / "maps.zip", files)).as_dict()["categories"]["part"]
    case.maps = {key: array.astype(np.float32) for key, array in case.maps.items()}
    case.maps["scratch/0001"] = resize(small, case.size)
    wanted = brute.category(case)
    assert entry["resized"] == 1
    for key in ("au_spro", "pixel_auroc", "pixel_ap", "pixel_f1_max"):
        assert_equal(entry[key], wanted[key], key)
