"""Sample maps are one submission archive, as good as asked for, the same bytes each time."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from sklearn.metrics import roc_auc_score

from scoring import validate
from scoring.sampledata import SampleDataError, draw_dataset, draw_maps


@pytest.fixture(scope="module")
def staples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About thirty test images of one category."""
    out = tmp_path_factory.mktemp("staples") / "dataset"
    draw_dataset(out, 0.1, 2, categories=["pipe_staple"], jobs=1)
    return out


def member_names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as file:
        return file.namelist()


def mean_auroc(archive: Path) -> float:
    """Image AUROC with the maximum as the score, mean over the runs."""
    runs: dict[str, tuple[list[bool], list[int]]] = {}
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            if name.endswith(".png"):
                run, _, _, folder, _ = name.split("/")
                labels, scores = runs.setdefault(run, ([], []))
                labels.append(folder != "good")
                scores.append(int(np.asarray(Image.open(io.BytesIO(file.read(name)))).max()))
    return float(np.mean([roc_auc_score(labels, scores) for labels, scores in runs.values()]))


def test_better_quality_gives_a_higher_image_auroc(staples: Path, tmp_path: Path) -> None:
    aurocs = []
    for quality in (0.0, 0.3, 0.6, 1.0):
        out = tmp_path / f"{quality}.zip"
        draw_maps(staples, out, quality, seed=4, runs=2)
        aurocs.append(mean_auroc(out))
    assert aurocs == sorted(aurocs)
    assert 0.35 < aurocs[0] < 0.65
    assert 0.75 < aurocs[2] < 0.97
    assert aurocs[-1] > 0.98


def test_one_run_stands_at_the_top_and_several_in_folders(dataset: Path, tmp_path: Path) -> None:
    images = [str(path.relative_to(dataset)) for path in dataset.glob("*/test/*/*.png")]
    draw_maps(dataset, tmp_path / "one.zip", 0.8, 1)
    assert member_names(tmp_path / "one.zip") == [*sorted(images), "submission.json"]
    chosen = ["pipe_clip"]
    draw_maps(dataset, tmp_path / "two.zip", 0.8, 1, runs=2, categories=chosen)
    clips = sorted(name for name in images if name.startswith("pipe_clip/"))
    expected = [f"run_{k}/{name}" for k in (0, 1) for name in clips]
    assert member_names(tmp_path / "two.zip") == [*expected, "submission.json"]


def test_members_are_stored_with_one_fixed_time_stamp(staples: Path, tmp_path: Path) -> None:
    draw_maps(staples, tmp_path / "m.zip", 0.8, 1)
    with zipfile.ZipFile(tmp_path / "m.zip") as file:
        stamps = {(member.compress_type, member.date_time) for member in file.infolist()}
    assert stamps == {(zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0))}


def test_the_metadata_declares_what_the_maps_are(staples: Path, tmp_path: Path) -> None:
    draw_maps(staples, tmp_path / "m.zip", 0.75, 11)
    with zipfile.ZipFile(tmp_path / "m.zip") as file:
        metadata = json.loads(file.read("submission.json"))
    assert metadata["method"] == "Sample maps, quality 0.75"
    assert metadata["seed"] == 11
    assert metadata["no_test_images_used"] is True
    assert {"description", "family", "backbone", "supervision"} <= set(metadata)


@pytest.mark.parametrize("kind", ["png8", "png16", "tiff32"])
def test_every_kind_passes_the_validation_of_a_submission(
    dataset: Path, tmp_path: Path, kind: str
) -> None:
    draw_maps(dataset, tmp_path / "m.zip", 0.8, 1, runs=2, kind=kind, categories=["pipe_clip"])
    contents = validate(dataset, tmp_path / "m.zip", categories=["pipe_clip"])
    assert contents.runs == ("run_0", "run_1")
    assert contents.categories == ("pipe_clip",)
    assert contents.metadata["family"] == "samples"


def test_the_kinds_hold_the_same_map(staples: Path, tmp_path: Path) -> None:
    maps = {}
    for kind, extension in (("png8", "png"), ("png16", "png"), ("tiff32", "tiff")):
        draw_maps(staples, tmp_path / kind, 0.8, 1, kind=kind)
        with zipfile.ZipFile(tmp_path / kind) as file:
            body = io.BytesIO(file.read(f"pipe_staple/test/missing/0000.{extension}"))
        read = tifffile.imread if extension == "tiff" else lambda f: np.asarray(Image.open(f))
        maps[kind] = read(body)
    assert [maps[kind].dtype for kind in maps] == [np.uint8, np.uint16, np.float32]
    assert {values.shape for values in maps.values()} == {(400, 400)}
    assert np.allclose(maps["png8"] / 255, maps["tiff32"], atol=0.51 / 255)
    assert np.allclose(maps["png16"] / 65535, maps["tiff32"], atol=0.51 / 65535)


def test_equal_arguments_give_equal_bytes_and_each_seed_and_run_its_own(
    staples: Path, tmp_path: Path
) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_maps(staples, tmp_path / name, 0.8, seed, runs=2)
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other
    with zipfile.ZipFile(tmp_path / "a") as file:
        maps = [file.read(f"run_{k}/pipe_staple/test/good/0000.png") for k in (0, 1)]
    assert maps[0] != maps[1]


def test_progress_counts_every_map(staples: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    draw_maps(staples, tmp_path / "m.zip", 1.0, 1, runs=2, progress=lambda *s: seen.append(s))
    assert seen == [(i, len(seen)) for i in range(1, len(seen) + 1)]
    assert len(seen) == 2 * len(list(staples.glob("*/test/*/*.png")))


def test_an_interrupted_archive_leaves_the_old_one(staples: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "m.zip"
    out.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        draw_maps(staples, out, 1.0, 1, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["m.zip"]
    assert out.read_bytes() == b"before"


def test_a_copy_with_nested_category_folders_gives_the_same_maps(
    staples: Path, tmp_path: Path
) -> None:
    (tmp_path / "nested" / "pipe_staple").mkdir(parents=True)
    (tmp_path / "nested" / "pipe_staple" / "pipe_staple").symlink_to(staples / "pipe_staple")
    draw_maps(staples, tmp_path / "a.zip", 0.6, 1)
    draw_maps(tmp_path / "nested", tmp_path / "b.zip", 0.6, 1)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quality": 1.1}, "quality: 1.1; expected a number from 0 to 1"),
        ({"quality": float("nan")}, "quality: nan; expected"),
        ({"runs": 0}, "runs: 0; expected 1 to 10"),
        ({"runs": 11}, "runs: 11; expected 1 to 10"),
        ({"kind": "jpeg"}, "kind: jpeg; expected one of png8, png16, tiff32"),
        ({"categories": ["bottle"]}, r"no category bottle; expected .* \(there are: pipe_staple\)"),
    ],
)
def test_arguments_out_of_range_are_refused(
    staples: Path, tmp_path: Path, arguments: dict, message: str
) -> None:
    with pytest.raises(SampleDataError, match=message):
        draw_maps(staples, tmp_path / "m.zip", **{"quality": 0.5, "seed": 1, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleDataError, match="is no folder; expected a dataset"):
        draw_maps(tmp_path / "absent", tmp_path / "m.zip", 0.5, 1)
    with pytest.raises(SampleDataError, match="no category at all"):
        draw_maps(tmp_path, tmp_path / "m.zip", 0.5, 1)
    with pytest.raises(SampleDataError, match="is a folder; expected the name of a file"):
        (tmp_path / "d" / "c" / "test" / "good").mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "d" / "c" / "test" / "good" / "0000.png")
        draw_maps(tmp_path / "d", tmp_path, 0.5, 1)
