"""Bringing a dataset's files onto the server."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from leaderboard.datasets import autovi, ground_truth, packs
from leaderboard.datasets.models import Dataset, DatasetVersion
from leaderboard.datasets.services.import_dataset import ImportRefused, Naming, import_dataset
from leaderboard.datasets.services.register_autovi import register_autovi
from scoring import read_manifest
from scoring.ground_truth import read_truth
from tests.leaderboard import support

pytestmark = pytest.mark.django_db
NAMING = Naming("small", "Small parts", "1")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, settings) -> None:
    settings.GROUND_TRUTH_ROOT = tmp_path / "private"
    settings.PACKS_ROOT = tmp_path / "packs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return support.make_dataset(tmp_path / "dataset")


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def public_names(folder: Path) -> set[str]:
    """What of a dataset's folder stands in its public pack."""
    return {name for name in names(folder) if "/ground_truth/" not in name} | {"manifest.json"}


def test_the_manifest_says_what_the_files_hold(folder: Path) -> None:
    version = import_dataset(folder, NAMING)
    assert version.is_open
    assert version.categories == support.CATEGORIES
    assert version.manifest["clip"] == {
        "label": "Clip",
        "width": support.SIZE[0],
        "height": support.SIZE[1],
        "train": 1,
        "test": 6,
        "good": 3,
        "folders": {"bent": 1, "missing": 2},
        "defects": support.DEFECTS,
    }


def test_the_pack_has_the_images_and_no_ground_truth(folder: Path) -> None:
    version = import_dataset(folder, NAMING)
    hidden = {name for name in names(folder) if "/ground_truth/" in name}
    assert len(hidden) == 6
    assert names(packs.path(version)) == names(folder) - hidden | {"manifest.json"}


def test_the_private_packs_hold_exactly_the_ground_truth(folder: Path) -> None:
    version = import_dataset(folder, NAMING)
    manifest = read_manifest(folder)
    for category in support.CATEGORIES:
        found = ground_truth.truth(version, category)
        read = read_truth(manifest.categories[category], cache=False)
        assert (found.sizes, found.good, found.anomalous) == (read.sizes, read.good, read.anomalous)
        assert found.regions.keys() == read.regions.keys()
        for key, regions in read.regions.items():
            for one, other in zip(found.regions[key], regions, strict=True):
                assert one.saturation_area == other.saturation_area
                np.testing.assert_array_equal(one.pixels, other.pixels)


def test_the_same_files_again_change_nothing(folder: Path) -> None:
    first = import_dataset(folder, NAMING)
    again = import_dataset(folder, NAMING)
    assert (again.pk, again.imported_at) == (first.pk, first.imported_at)
    assert DatasetVersion.objects.count() == 1


def test_other_files_under_the_same_version_are_refused(folder: Path) -> None:
    version = import_dataset(folder, NAMING)
    (folder / "clip/test/missing/0001.png").unlink()
    shutil.rmtree(folder / "clip/ground_truth/missing/0001")
    with pytest.raises(ImportRefused, match="other content"):
        import_dataset(folder, NAMING)
    assert "clip/test/missing/0001.png" in names(packs.path(version))


def test_a_new_version_takes_the_boards_place(folder: Path) -> None:
    first = import_dataset(folder, NAMING)
    second = import_dataset(folder, Naming("small", "Small parts", "2"))
    first.refresh_from_db()
    assert (first.is_current, second.is_current) == (False, True)
    assert [version.pk for version in DatasetVersion.objects.current()] == [second.pk]


def test_what_an_import_left_halfway_is_replaced(folder: Path, tmp_path: Path) -> None:
    left = tmp_path / "packs/small/1/clip/test/good/0009.png"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    version = import_dataset(folder, NAMING)
    assert names(packs.path(version)) == public_names(folder)


def test_a_folder_nested_twice_is_accepted(folder: Path, tmp_path: Path) -> None:
    nested = tmp_path / "nested"
    for category in support.CATEGORIES:
        shutil.copytree(folder / category, nested / category / category)
    version = import_dataset(nested, NAMING)
    assert names(packs.path(version)) == public_names(folder)


def test_hidden_files_and_caches_are_left_out(folder: Path) -> None:
    (folder / "clip/.autovi-cache").mkdir()
    (folder / "clip/.autovi-cache/clip.npz").write_bytes(b"")
    version = import_dataset(folder, NAMING)
    assert not [name for name in names(packs.path(version)) if ".autovi-cache" in name]


def test_the_command_says_what_was_imported(folder: Path, capsys) -> None:
    options = ["--name", "small", "--title", "Small parts", "--dataset-version", "1"]
    call_command("import_dataset", str(folder), *options, "--labels", "public")
    assert "Small parts 1: 2 categories, 12 test images" in capsys.readouterr().out


def test_importing_again_keeps_what_a_maintainer_set(folder: Path) -> None:
    command = ["import_dataset", str(folder), "--name=small", "--dataset-version=1"]
    call_command(*command)
    version = DatasetVersion.objects.select_related("dataset").get()
    assert (version.dataset.name, version.submissions_per_day) == ("small", 2)
    Dataset.objects.update(name="Renamed")
    DatasetVersion.objects.update(submissions_per_day=7)
    call_command(*command)
    version = DatasetVersion.objects.select_related("dataset").get()
    assert (version.dataset.name, version.submissions_per_day) == ("Renamed", 7)
    call_command(*command, "--title=New title", "--submissions-per-day=3")
    version = DatasetVersion.objects.select_related("dataset").get()
    assert (version.dataset.name, version.submissions_per_day) == ("New title", 3)


def test_what_scores_rest_on_cannot_be_edited_afterwards(folder: Path, admin_client) -> None:
    version = import_dataset(folder, NAMING)
    for name, row, fixed in (
        ("dataset", version.dataset, {"slug"}),
        ("datasetversion", version, {"dataset", "version", "labels"}),
    ):
        page = admin_client.get(f"/admin/datasets/{name}/{row.pk}/change/")
        assert not fixed & set(page.context["adminform"].form.fields), name
    new = admin_client.get("/admin/datasets/dataset/add/")
    assert "slug" in new.context["adminform"].form.fields
    # A version comes with its files, by the import.
    assert admin_client.get("/admin/datasets/datasetversion/add/").status_code == 403


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--name": "no slash/es"}, "--name"),
        ({"--dataset-version": "../1"}, "--dataset-version"),
        ({"--dataset-version": ".1"}, "--dataset-version"),
        ({"path": "/nowhere/at/all"}, "cannot be opened"),
    ],
)
def test_the_command_names_what_is_wrong(change, message: str, folder: Path) -> None:
    options = {"--name": "small", "--dataset-version": "1"} | change
    path = options.pop("path", str(folder))
    with pytest.raises(CommandError, match=message):
        call_command("import_dataset", path, *[part for pair in options.items() for part in pair])
    assert not Dataset.objects.exists()


def test_elsewhere_the_ground_truth_is_closed(folder: Path, settings) -> None:
    version = import_dataset(folder, NAMING)
    del settings.GROUND_TRUTH_ROOT
    with pytest.raises(ground_truth.GroundTruthClosed, match="AUTOVI_GROUND_TRUTH is not set"):
        ground_truth.truth(version, "clip")
    with pytest.raises(AttributeError):
        settings.GROUND_TRUTH_ROOT  # noqa: B018 - asking is the test
    with pytest.raises(CommandError, match="closed to this process"):
        call_command("import_dataset", str(folder), "--name=other", "--dataset-version=1")


def test_autovi_is_known_before_its_files_are_here() -> None:
    version = register_autovi()
    assert register_autovi() == version
    assert not version.is_open
    counts = {name: (c["train"], c["good"]) for name, c in version.manifest.items()}
    assert counts == {
        "engine_wiring": (285, 285),
        "pipe_clip": (195, 195),
        "pipe_staple": (191, 188),
        "tank_screw": (318, 318),
        "underbody_pipes": (161, 161),
        "underbody_screw": (373, 374),
    }
    assert version.manifest["engine_wiring"]["folders"]["fastening"] == 277
    assert version.label("tank_screw") == autovi.LABELS["tank_screw"]
