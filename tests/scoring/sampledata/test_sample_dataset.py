"""A drawn dataset is AutoVI's layout to the letter, the same bytes each time, whole or absent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scoring import read_manifest
from scoring.sampledata import SampleDataError, draw_dataset
from scoring.sampledata.catalogue import CATALOGUE
from scoring.sampledata.draw import plan, render

SCALE, SEED = 0.005, 7  # as in conftest.py
SMALL, LARGE = (400, 400), (1000, 750)
# AutoVI v1.0.0: size, train, test folders
PUBLISHED = {
    "engine_wiring": (
        SMALL,
        285,
        {
            "good": 285,
            "blue_hoop": 5,
            "cardboard": 5,
            "fastening": 277,
            "multiple": 33,
            "obstruction": 2,
        },
    ),
    "pipe_clip": (SMALL, 195, {"good": 195, "operator": 1, "unclipped": 141}),
    "pipe_staple": (SMALL, 191, {"good": 188, "missing": 117}),
    "tank_screw": (LARGE, 318, {"good": 318, "missing": 95}),
    "underbody_pipes": (
        LARGE,
        161,
        {"good": 161, "multiple": 1, "obstruction": 180, "operator": 3},
    ),
    "underbody_screw": (LARGE, 373, {"good": 374, "missing": 18}),
}


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def region_files(dataset: Path, category: str) -> list[Path]:
    return sorted((dataset / category / "ground_truth").glob("*/*/*.png"))


@pytest.mark.parametrize("category", PUBLISHED)
def test_at_scale_one_the_counts_are_the_published_ones(category: str) -> None:
    _, train, folders = PUBLISHED[category]
    planned = Counter((p.split, p.folder) for p in plan(CATALOGUE[category], 1.0, seed=0))
    expected = {("train", "good"): train} | {("test", f): n for f, n in folders.items()}
    assert planned == expected


@pytest.mark.parametrize("category", PUBLISHED)
def test_folders_names_counts_and_sizes_are_autovis(dataset: Path, category: str) -> None:
    size, train, folders = PUBLISHED[category]
    counts = {f"train/{'good'}": train} | {f"test/{name}": n for name, n in folders.items()}
    base = dataset / category
    assert {path.name for path in base.iterdir()} == {
        "train",
        "test",
        "ground_truth",
        "defects_config.json",
    }
    assert {path.name for path in (base / "test").iterdir()} == set(folders)
    for folder, count in counts.items():
        names = sorted(path.name for path in (base / folder).iterdir())
        assert names == [f"{i:04d}.png" for i in range(max(1, round(SCALE * count)))]
        for name in names:
            with Image.open(base / folder / name) as image:
                assert (image.size, image.mode, image.format) == (size, "RGB", "PNG")


@pytest.mark.parametrize("category", PUBLISHED)
def test_the_scorer_reads_the_same_counts(dataset: Path, category: str) -> None:
    size, train, folders = PUBLISHED[category]
    manifest = read_manifest(dataset).categories[category]
    assert manifest.n_train == max(1, round(SCALE * train))
    assert manifest.folders == {f: max(1, round(SCALE * n)) for f, n in folders.items()}
    assert set(manifest.images.values()) == {size}


@pytest.mark.parametrize("category", PUBLISHED)
def test_every_anomalous_image_has_regions_and_no_other_has(dataset: Path, category: str) -> None:
    base = dataset / category
    drawn = {
        (path.parent.name, path.stem)
        for path in base.glob("test/*/*.png")
        if path.parent.name != "good"
    }
    assert {(p.parents[1].name, p.parent.name) for p in region_files(dataset, category)} == drawn
    for folder in base.glob("ground_truth/*/*"):
        names = sorted(path.name for path in folder.iterdir())
        assert names == [f"{i:04d}.png" for i in range(len(names))]
        assert len(names) >= (2 if folder.parent.name == "multiple" else 1)


@pytest.mark.parametrize("category", PUBLISHED)
def test_a_region_holds_one_value_of_the_config_in_the_images_size(
    dataset: Path, category: str
) -> None:
    entries = json.loads((dataset / category / "defects_config.json").read_text())
    names = {entry["pixel_value"]: entry["defect_name"] for entry in entries}
    for path in region_files(dataset, category):
        with Image.open(path) as image:
            assert image.size == PUBLISHED[category][0]
            assert image.mode in ("L", "RGB")
            pixels = np.atleast_3d(np.asarray(image))
        red = pixels[..., 0]
        (value,) = np.unique(red[red > 0]).tolist()
        assert np.count_nonzero(red) >= 100
        for other in range(1, pixels.shape[-1]):  # AutoVI's files: red alone, or all three alike
            assert not pixels[..., other].any() or np.array_equal(pixels[..., other], red)
        folder = path.parents[1].name
        assert names[value] == folder or folder == "multiple"


def test_the_region_files_come_in_all_three_forms(dataset: Path) -> None:
    forms = set()
    for path in dataset.glob("*/ground_truth/*/*/0000.png"):
        with Image.open(path) as image:
            pixels = np.atleast_3d(np.asarray(image))
        forms.add((pixels.shape[-1], bool(pixels[..., -1].any())))
    assert forms == {(1, True), (3, True), (3, False)}


@pytest.mark.parametrize("category", PUBLISHED)
def test_the_defects_config_is_complete_and_its_values_are_distinct(
    dataset: Path, category: str
) -> None:
    entries = json.loads((dataset / category / "defects_config.json").read_text())
    values = [entry["pixel_value"] for entry in entries]
    assert len(set(values)) == len(values)
    assert all(1 <= value <= 255 for value in values)
    assert {e["defect_name"] for e in entries} == set(PUBLISHED[category][2]) - {"good", "multiple"}
    saturation = {e["defect_name"]: e["saturation_threshold"] for e in entries}
    relative = {e["defect_name"]: e["relative_saturation"] for e in entries}
    for name, threshold in saturation.items():
        assert threshold > 1 if not relative[name] else 0 < threshold <= 1
    assert saturation.get("missing", 0.7) == 0.7
    assert relative.get("blue_hoop") is (False if category == "engine_wiring" else None)
    assert saturation.get("unclipped", 0.5) == 0.5


@pytest.mark.parametrize(
    ("category", "defect"), [("tank_screw", "missing"), ("underbody_pipes", "obstruction")]
)
def test_a_region_is_where_the_picture_differs_from_a_good_one(category: str, defect: str) -> None:
    (bad,) = [p for p in plan(CATALOGUE[category], 1e-9, 3) if p.folder == defect]
    good = type(bad)(bad.category, bad.split, bad.folder, bad.index, ())
    with_defect, [(name, mask)] = render(bad, seed=3)
    without, nothing = render(good, seed=3)
    assert (name, nothing) == (defect, [])
    change = np.abs(with_defect.astype(int) - without.astype(int)).mean(axis=-1)
    assert change[mask].mean() > 5 * change[~mask].mean()


def test_equal_arguments_give_equal_bytes_whatever_the_jobs(dataset: Path, tmp_path: Path) -> None:
    """The second drawing is by two processes, and of two categories only."""
    chosen = ["underbody_pipes", "pipe_clip"]
    draw_dataset(tmp_path / "again", SCALE, SEED, categories=chosen, jobs=2)
    again = tree(tmp_path / "again")
    first = tree(dataset)
    assert {name: first[name] for name in again} == again
    assert {name.split("/")[0] for name in again} == {*chosen, "README.md"}


def test_another_seed_gives_another_picture_of_the_same_scene(
    dataset: Path, tmp_path: Path
) -> None:
    draw_dataset(tmp_path / "other", 0.001, SEED + 1, categories=["pipe_clip"], jobs=1)
    name = "pipe_clip/test/good/0000.png"
    assert (dataset / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_no_two_pictures_are_alike(dataset: Path) -> None:
    files = [path.read_bytes() for path in dataset.glob("*/t*/*/*.png")]
    assert len(set(files)) == len(files)


def test_progress_counts_every_picture(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    draw_dataset(
        tmp_path / "d",
        0.01,
        1,
        categories=["pipe_staple"],
        jobs=2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(i, 5) for i in range(1, 6)]


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(SampleDataError, match=r"is not empty; expected a new or an empty folder"):
        draw_dataset(tmp_path, 0.01, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    with pytest.raises(SampleDataError, match=r"kept\.txt: exists and is no folder"):
        draw_dataset(tmp_path / "kept.txt", 0.01, 1)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    draw_dataset(tmp_path / "d", 0.001, 1, categories=["pipe_staple"], jobs=1)
    assert (tmp_path / "d" / "pipe_staple" / "train" / "good" / "0000.png").is_file()


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path, jobs: int) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_dataset(
            tmp_path / "d", 0.03, 1, categories=["pipe_staple"], jobs=jobs, progress=interrupt
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "scale: 0.0; expected a number above 0"),
        ({"scale": float("nan")}, "scale: nan; expected a number above 0"),
        ({"scale": float("inf")}, "scale: inf; expected a number above 0"),
        ({"jobs": 0}, "jobs: 0; expected at least 1"),
        ({"categories": ["bottle"]}, "categories: bottle; expected some of engine_wiring"),
        ({"categories": []}, "categories: none given; expected some of"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(SampleDataError, match=message):
        draw_dataset(tmp_path / "d", **{"scale": 0.01, "seed": 1, **arguments})
    assert list(tmp_path.iterdir()) == []
