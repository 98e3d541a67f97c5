"""Regions from files: formats, saturation areas, errors that name the file, the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import small_case, write_dataset

from scoring import DatasetError, read_manifest
from scoring.ground_truth import CACHE_FOLDER, CategoryTruth, read_truth, saturation_area


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset", {"part": small_case()})


def truth(dataset: Path, *, cache: bool = True) -> CategoryTruth:
    return read_truth(read_manifest(dataset).categories["part"], cache=cache)


def region_file(dataset: Path) -> Path:
    return next(iter(sorted((dataset / "part/ground_truth").rglob("*.png"))))


@pytest.mark.parametrize(
    ("area", "threshold", "relative", "wanted"),
    [
        (90, 0.7, True, 62),
        (1, 0.7, True, 1),
        (3, 0.1, True, 1),
        (90, 60, False, 60),
        (50, 60, False, 50),
        (10, 1.0, True, 10),
    ],
)
def test_saturation_areas(area: int, threshold: float, relative: bool, wanted: int) -> None:
    assert saturation_area(area, threshold, relative) == wanted


def as_rgb(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def red_only(image: Image.Image) -> Image.Image:
    empty = Image.new("L", image.size)
    return Image.merge("RGB", (image, empty, empty))


def with_alpha(image: Image.Image) -> Image.Image:
    return Image.merge("LA", (image, Image.new("L", image.size, 255)))


@pytest.mark.parametrize("change", [as_rgb, red_only, with_alpha])
def test_a_region_file_may_have_more_channels(
    dataset: Path, change: Callable[[Image.Image], Image.Image]
) -> None:
    plain = truth(dataset, cache=False).regions
    path = region_file(dataset)
    with Image.open(path) as image:
        change(image).save(path)
    changed = truth(dataset, cache=False).regions
    for key, regions in plain.items():
        for before, after in zip(regions, changed[key], strict=True):
            assert before.saturation_area == after.saturation_area
            assert np.array_equal(before.pixels, after.pixels)


def two_values(path: Path) -> None:
    array = np.zeros((12, 20), np.uint8)
    array[0, :2] = 1, 2
    Image.fromarray(array).save(path)


def unknown_value(path: Path) -> None:
    Image.fromarray(np.full((12, 20), 77, np.uint8)).save(path)


def wrong_size(path: Path) -> None:
    Image.fromarray(np.ones((5, 5), np.uint8)).save(path)


def palette(path: Path) -> None:
    Image.fromarray(np.ones((12, 20), np.uint8)).convert("P").save(path)


def empty(path: Path) -> None:
    Image.new("L", (20, 12)).save(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (two_values, "holds the values"),
        (unknown_value, "stands for no defect"),
        (wrong_size, "is (5, 5) pixels"),
        (palette, "has mode P"),
        (empty, "expected exactly one"),
    ],
)
def test_a_wrong_region_file_is_named(
    dataset: Path, damage: Callable[[Path], None], message: str
) -> None:
    path = region_file(dataset)
    damage(path)
    with pytest.raises(DatasetError) as raised:
        truth(dataset)
    assert str(path) in str(raised.value)
    assert message in str(raised.value)


def test_the_cache_is_used_and_notices_a_change(dataset: Path) -> None:
    first = truth(dataset)
    (stored,) = (dataset / "part" / CACHE_FOLDER).iterdir()
    before = stored.stat().st_mtime_ns
    again = truth(dataset)
    assert stored.stat().st_mtime_ns == before
    assert first.regions.keys() == again.regions.keys()
    path = region_file(dataset)
    array = np.zeros((12, 20), np.uint8)
    array[0, 0] = 1
    Image.fromarray(array).save(path)
    changed = truth(dataset)
    key = path.parent.relative_to(dataset / "part/ground_truth").as_posix()
    assert changed.regions[key][0].pixels.tolist() == [0]


def test_a_category_without_a_region_comes_back_from_the_cache(tmp_path: Path) -> None:
    case = small_case()
    case.regions = {key: [] for key in case.regions}
    dataset = write_dataset(tmp_path / "dataset", {"part": case})
    first = truth(dataset)
    assert truth(dataset) == first
    assert first.anomalous
    assert not first.regions


def test_a_damaged_cache_is_made_anew(dataset: Path) -> None:
    first = truth(dataset)
    (stored,) = (dataset / "part" / CACHE_FOLDER).iterdir()
    stored.write_bytes(b"PK\x03\x04 not really")
    again = truth(dataset)
    assert [len(r) for r in first.regions.values()] == [len(r) for r in again.regions.values()]


def test_a_doubly_nested_category_is_accepted(dataset: Path) -> None:
    plain = truth(dataset, cache=False)
    (dataset / "part").rename(dataset / "moved")
    (dataset / "part").mkdir()
    (dataset / "moved").rename(dataset / "part/part")
    nested = truth(dataset, cache=False)
    assert nested.regions.keys() == plain.regions.keys()
