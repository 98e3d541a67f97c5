"""More than AutoVI: other datasets' layouts become boards with no code of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from leaderboard.datasets import ground_truth, packs
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import ImportRefused
from tests.leaderboard.datasets import sources

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, settings) -> None:
    settings.GROUND_TRUTH_ROOT = tmp_path / "private"
    settings.PACKS_ROOT = tmp_path / "packs"


def imported(*arguments: object) -> DatasetVersion:
    call_command("import_dataset", *map(str, arguments))
    return DatasetVersion.objects.get()


def test_mvtec_ads_masks_become_their_connected_components(tmp_path: Path) -> None:
    version = imported(sources.mvtec_ad(tmp_path / "mvtec"), "--preset", "mvtec_ad")
    assert (version.slug, version.labels, version.licence) == (
        "mvtec-ad",
        "public",
        "CC BY-NC-SA 4.0",
    )
    truth = ground_truth.truth(version, "bottle")
    first, second = truth.regions["broken/000"]
    assert (len(first.pixels), first.saturation_area) == (18, 18)  # two boxes touch at a corner
    assert len(second.pixels) == 9
    assert version.manifest["bottle"]["folders"] == {"broken": 2}
    mask = np.asarray(
        Image.open(tmp_path / "mvtec/bottle/ground_truth/broken/000_mask.png")
    ).reshape(-1)
    found = np.sort(np.concatenate([first.pixels, second.pixels]))
    np.testing.assert_array_equal(found, np.flatnonzero(mask))


def test_visas_split_decides_and_its_pictures_become_png(tmp_path: Path) -> None:
    version = imported(sources.visa(tmp_path / "visa"), "--preset", "visa")
    entry = version.manifest["candle"]
    assert (entry["train"], entry["good"], entry["folders"]) == (1, 1, {"anomaly": 1})
    assert len(ground_truth.truth(version, "candle").regions["anomaly/000"]) == 2
    written = packs.path(version) / "candle/test/anomaly/000.png"
    source = tmp_path / "visa/candle/Data/Images/Anomaly/000.JPG"
    with Image.open(written) as png, Image.open(source) as jpg:
        assert png.format == "PNG"
        np.testing.assert_array_equal(np.asarray(png), np.asarray(jpg))


def test_visas_images_outside_the_split_are_told(tmp_path: Path) -> None:
    folder = sources.visa(tmp_path / "visa")
    sources.picture(folder / "candle/Data/Images/Normal/0009.JPG", 9)
    (folder / "candle/Data/Images/Normal/0001.JPG").unlink()
    with pytest.raises(CommandError) as error:
        imported(folder, "--preset", "visa")
    assert "0009.JPG: stands in no row" in str(error.value)
    assert "0001.JPG: there is no such image" in str(error.value)


def test_locos_validation_images_and_groups_are_kept(tmp_path: Path) -> None:
    folder = sources.loco(tmp_path / "loco")
    version = imported(folder, "--preset", "mvtec_loco")
    entry = version.manifest["pushpins"]
    assert entry["validation"] == 1
    assert entry["groups"] == {
        "logical": ["logical_anomalies"],
        "structural": ["structural_anomalies"],
    }
    assert (packs.path(version) / "pushpins/validation/good/000.png").exists()


def test_validation_images_are_stray_files_elsewhere(tmp_path: Path) -> None:
    folder = sources.loco(tmp_path / "loco")
    with pytest.raises(CommandError, match="validation"):
        imported(folder, "--name=x", "--dataset-version=1")


def test_generic_data_are_hidden_unless_said_otherwise(tmp_path: Path) -> None:
    folder = sources.official(tmp_path / "own", ("bolt",), {"good": 2, "missing": 1})
    with pytest.raises(CommandError, match="--name: is missing"):
        imported(folder)
    assert imported(folder, "--name=own", "--dataset-version=1").is_hidden


def test_a_category_folder_and_a_zip_without_folders_are_taken(tmp_path: Path) -> None:
    folder = sources.official(tmp_path / "own", ("bolt", "nut"), {"good": 2, "missing": 1})
    bare = sources.zipped(folder / "nut", tmp_path / "nut.zip", "")
    version = imported(folder / "bolt", bare, "--name=own", "--dataset-version=1")
    assert version.categories == ("bolt", "nut")


def test_a_second_dataset_is_a_second_set_of_boards(tmp_path: Path, client) -> None:
    own = sources.official(tmp_path / "own", ("bolt",), {"good": 2, "missing": 1})
    imported(own, "--name=own", "--dataset-version=1")
    call_command("import_dataset", str(sources.mvtec_ad(tmp_path / "ad")), "--preset=mvtec_ad")
    boards = client.get("/boards/").content.decode()
    for slug, category in (("own", "bolt"), ("mvtec-ad", "bottle")):
        assert f"/boards/{slug}/" in boards
        assert client.get(f"/boards/{slug}/").status_code == 200
        assert client.get(f"/boards/{slug}/{category}/").status_code == 200
    assert client.get("/boards/own/bottle/").status_code == 404


def test_an_unknown_split_file_is_told(tmp_path: Path) -> None:
    from leaderboard.datasets.importing.presets import Naming
    from leaderboard.datasets.services.import_dataset import import_dataset

    folder = sources.visa(tmp_path / "visa")
    (folder / "split_csv/1cls.csv").unlink()
    with pytest.raises(ImportRefused, match=r"1cls\.csv: was found 0 times"):
        import_dataset(folder, Naming("visa", "VisA", "1"), preset="visa")
