"""What an import makes: two halves, of which the public one says nothing of labels."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import storages
from PIL import Image

from leaderboard.datasets import ground_truth, packs
from leaderboard.datasets.importing.build import CONSTANT_TIME
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.downloads import names, stored_path
from leaderboard.datasets.services.import_dataset import ImportRefused, import_dataset
from scoring import DatasetError, read_manifest
from scoring.ground_truth import pack_bytes, read_pack
from scoring.image_level import auroc, threshold_counts
from tests.leaderboard.datasets import places, sources

pytestmark = pytest.mark.django_db
NAMING = Naming("parts", "Parts", "1")
COUNTS = {"good": 5, "missing": 3, "torn": 2}


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, settings) -> None:
    settings.GROUND_TRUTH_ROOT = tmp_path / "private"
    settings.PACKS_ROOT = tmp_path / "packs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sources.official(tmp_path / "dataset", ("bolt", "nut"), COUNTS)


@pytest.fixture
def hidden(folder: Path) -> DatasetVersion:
    return import_dataset(folder, NAMING, labels="hidden")


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def download(version: DatasetVersion, name: str) -> bytes:
    with storages["public"].open(stored_path(version, name)) as file:
        return file.read()


def test_hidden_test_images_stand_flat_under_ranks(hidden: DatasetVersion) -> None:
    manifest = read_manifest(packs.path(hidden))
    for category in manifest.categories.values():
        assert list(category.images) == [f"{rank:04}" for rank in range(10)]
    words = ("missing", "torn", "ground_truth", "defect")
    for name, data in files(packs.path(hidden)).items():
        assert not any(word in name for word in words)
        assert not any(word.encode() in data for word in words)


def test_ids_are_ranks_by_the_keyed_hash(hidden: DatasetVersion, settings) -> None:
    secret = (settings.GROUND_TRUTH_ROOT / "id.secret").read_bytes()
    truth = ground_truth.truth(hidden, "bolt")
    keys = [*truth.good, *truth.anomalous]
    by_hash = sorted(
        keys, key=lambda key: hmac.new(secret, f"bolt/{key}".encode(), hashlib.sha256).digest()
    )
    assert truth.public_ids == {key: f"{rank:04}" for rank, key in enumerate(by_hash)}
    assert truth.public_ids != ground_truth.truth(hidden, "nut").public_ids


def test_pixels_are_the_same_and_nothing_else_is(hidden: DatasetVersion, folder: Path) -> None:
    truth, pack = ground_truth.truth(hidden, "bolt"), packs.path(hidden) / "bolt"
    for key, public in truth.public_ids.items():
        here, there = pack / f"test/{public}.png", folder / f"bolt/test/{key}.png"
        np.testing.assert_array_equal(np.asarray(Image.open(here)), np.asarray(Image.open(there)))
        assert here.stat().st_mtime == CONSTANT_TIME


def test_metadata_and_the_encoder_leave_no_trace(folder: Path, tmp_path: Path) -> None:
    """One image written in three ways becomes the same bytes."""
    from PIL.PngImagePlugin import PngInfo

    image = Image.open(folder / "bolt/test/good/0000.png")
    told = PngInfo()
    told.add_text("label", "missing")
    image.save(folder / "bolt/test/missing/0000.png", pnginfo=told, compress_level=9)
    image.save(folder / "bolt/test/torn/0000.png", compress_level=0)
    version = import_dataset(folder, NAMING, labels="hidden")
    truth = ground_truth.truth(version, "bolt")
    same = ("good/0000", "missing/0000", "torn/0000")
    written = {
        (packs.path(version) / f"bolt/test/{truth.public_ids[key]}.png").read_bytes()
        for key in same
    }
    (data,) = written
    assert b"tEXt" not in data
    assert data.count(b"IDAT") == 1


def test_whether_a_file_was_grey_or_had_a_palette_leaves_no_trace(folder: Path) -> None:
    grey = Image.open(folder / "bolt/test/missing/0000.png").convert("L")
    grey.save(folder / "bolt/test/missing/0000.png")
    grey.convert("P").save(folder / "bolt/test/torn/0000.png")
    grey.convert("RGBA").save(folder / "bolt/test/good/0000.png")
    version = import_dataset(folder, NAMING, labels="hidden")
    colour_type = {path.read_bytes()[25] for path in (packs.path(version) / "bolt").rglob("*.png")}
    assert colour_type == {2}  # RGB
    truth = ground_truth.truth(version, "bolt")
    same = {
        (packs.path(version) / f"bolt/test/{truth.public_ids[key]}.png").read_bytes()
        for key in ("good/0000", "missing/0000", "torn/0000")
    }
    assert len(same) == 1


def test_two_depths_in_a_category_are_refused_where_labels_are_hidden(folder: Path) -> None:
    place = folder / "bolt/test/missing/0000.png"
    grey = np.asarray(Image.open(place).convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(place)
    with pytest.raises(ImportRefused, match=r"^bolt: has images of 8 and of 16 bits"):
        import_dataset(folder, NAMING, labels="hidden")
    assert not DatasetVersion.objects.exists()
    import_dataset(folder, NAMING, labels="public")


def test_the_row_of_a_hidden_version_counts_no_labels(hidden: DatasetVersion) -> None:
    assert hidden.manifest["bolt"] == {
        "label": "Bolt",
        "width": 24,
        "height": 16,
        "train": 2,
        "test": 10,
    }
    assert "missing" not in json.dumps(list(DatasetVersion.objects.values()), default=str)
    assert ground_truth.read_index(hidden)["counts"]["bolt"] == COUNTS
    assert (hidden.submissions_per_month, hidden.is_open) == (20, True)


def test_private_files_are_their_owners_only(hidden: DatasetVersion, settings) -> None:
    found = [path for path in settings.GROUND_TRUTH_ROOT.rglob("*") if path.is_file()]
    assert len(found) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


def test_the_secret_of_the_environment_goes_first(folder: Path, settings) -> None:
    settings.ID_SECRET = "a secret of sufficient length"
    version = import_dataset(folder, NAMING, labels="hidden")
    assert not (settings.GROUND_TRUTH_ROOT / "id.secret").exists()
    ids = ground_truth.truth(version, "bolt").public_ids
    settings.ID_SECRET = "another secret that is long"
    with pytest.raises(ImportRefused, match="other content or another AUTOVI_ID_SECRET"):
        import_dataset(folder, NAMING, labels="hidden")
    assert ground_truth.truth(version, "bolt").public_ids == ids
    settings.ID_SECRET = "short"
    with pytest.raises(ImportRefused, match="at least 16 characters"):
        import_dataset(folder, NAMING, labels="hidden")


def test_labels_of_a_version_do_not_change(hidden: DatasetVersion, folder: Path) -> None:
    with pytest.raises(ImportRefused, match="imported with hidden labels"):
        import_dataset(folder, NAMING, labels="public")


@pytest.mark.parametrize("labels", ["public", "hidden"])
def test_the_same_again_changes_nothing_and_says_its_progress(
    labels: str, folder: Path, settings
) -> None:
    told: list[tuple[int, int]] = []
    import_dataset(folder, NAMING, lambda done, total: told.append((done, total)), labels=labels)
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    roots = settings.GROUND_TRUTH_ROOT, settings.PACKS_ROOT
    before = places.state(*roots)
    import_dataset(folder, NAMING, labels=labels)
    assert places.state(*roots) == before


@pytest.mark.parametrize("labels", ["public", "hidden"])
def test_zips_that_were_imported_need_not_be_read_again(
    labels: str, folder: Path, tmp_path: Path
) -> None:
    zips = [
        sources.zipped(folder / name, tmp_path / f"{name}.zip", f"{name}/{name}/")
        for name in ("bolt", "nut")
    ]
    told: list[int] = []
    first = import_dataset(zips, NAMING, lambda done, total: told.append(done), labels=labels)
    assert told
    told.clear()
    assert import_dataset(zips, NAMING, lambda d, t: told.append(d), labels=labels) == first
    assert told == []
    storages["public"].delete(stored_path(first, "bolt-test.zip"))
    import_dataset(zips, NAMING, labels=labels)
    assert storages["public"].exists(stored_path(first, "bolt-test.zip"))


def test_lost_files_are_made_again(hidden: DatasetVersion, folder: Path) -> None:
    before = files(packs.path(hidden))
    (packs.path(hidden) / "manifest.json").unlink()
    (packs.path(hidden) / "bolt/test/0003.png").unlink()
    import_dataset(folder, NAMING, labels="hidden")
    assert files(packs.path(hidden)) == before


@pytest.mark.parametrize("labels", ["public", "hidden"])
def test_downloads_have_equal_bytes_wherever_they_are_made(
    labels: str, folder: Path, tmp_path: Path, settings
) -> None:
    settings.ID_SECRET = "a secret of sufficient length"
    first = import_dataset(folder, NAMING, labels=labels)
    stored = {name: download(first, name) for name in names(first)}
    for name, data in stored.items():
        assert hashlib.sha256(data).hexdigest() == first.hashes[name]
        assert len(data) == first.files[name]
    zips = [
        sources.zipped(folder / name, tmp_path / f"{name}.zip", f"{name}/")
        for name in ("nut", "bolt")
    ]
    settings.PACKS_ROOT = tmp_path / "elsewhere"
    second = import_dataset(zips, Naming("parts", "Parts", "2"), labels=labels)
    assert second.hashes == first.hashes
    with zipfile.ZipFile(io.BytesIO(stored["bolt-test.zip"])) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())


def test_a_machine_without_the_pack_takes_it_from_the_downloads(hidden: DatasetVersion) -> None:
    here = packs.path(hidden)
    before = files(here)
    here.rename(here.with_name("away"))
    after = files(packs.path(hidden))
    assert after == {name: data for name, data in before.items() if name != "manifest.json"}
    here.rename(here.with_name("again"))
    storages["public"].delete(stored_path(hidden, "nut-test.zip"))
    with pytest.raises(packs.PackMissing, match=r"nut-test\.zip is not in the public storage"):
        packs.path(hidden)
    assert not here.exists()


def test_a_changed_pack_is_noticed(hidden: DatasetVersion, settings) -> None:
    (path,) = (settings.GROUND_TRUTH_ROOT / "parts/1").glob("bolt-*.npz")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="the pack's SHA-256 is"):
        ground_truth.pack(hidden, "bolt")


def test_a_storage_elsewhere_is_read_once_and_cached_by_hash(
    folder: Path, tmp_path: Path, settings
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    settings.ID_SECRET = "a secret of sufficient length"
    elsewhere = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "elsewhere")},
    }
    settings.STORAGES = {**settings.STORAGES, "ground_truth": elsewhere}
    version = import_dataset(folder, NAMING, labels="hidden")
    path = ground_truth.pack(version, "bolt")
    assert path.parent == tmp_path / "var/ground-truth-cache"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for stored in (tmp_path / "elsewhere").rglob("*.npz"):
        stored.unlink()
    assert ground_truth.pack(version, "bolt") == path
    settings.ID_SECRET = ""
    with pytest.raises(ImportRefused, match="AUTOVI_ID_SECRET: is not set"):
        import_dataset(folder, Naming("parts", "Parts", "2"), labels="hidden")


def test_a_pack_is_small_and_the_same_again(hidden: DatasetVersion, tmp_path: Path) -> None:
    path = ground_truth.pack(hidden, "bolt")
    assert pack_bytes(read_pack(path)) == path.read_bytes()
    assert path.stat().st_size < 5_000
    assert ground_truth.truth(hidden, "bolt") is ground_truth.truth(hidden, "bolt")
    (tmp_path / "no.npz").write_bytes(b"PK")
    with pytest.raises(DatasetError, match=r"no\.npz: no ground-truth pack"):
        read_pack(tmp_path / "no.npz")


def learned(rows: list[list[float]], labels: list[bool]) -> list[float]:
    """AUROC of two classifiers, fitted on one half and asked about the other."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    order = np.random.default_rng(5).permutation(len(labels))
    features = StandardScaler().fit_transform(np.array(rows, float))[order]
    known = np.array(labels)[order]
    half = len(labels) // 2
    areas = []
    for model in (
        LogisticRegression(max_iter=1000),
        RandomForestClassifier(100, min_samples_leaf=5, random_state=0),
    ):
        model.fit(features[:half], known[:half])
        given = model.predict_proba(features[half:])[:, 1]
        good, anomalous = given[~known[half:]].tolist(), given[known[half:]].tolist()
        areas.append(auroc(threshold_counts(good, anomalous)))
    return areas


def test_a_classifier_learns_nothing_from_the_pack_but_pixels(tmp_path: Path, settings) -> None:
    """Position, id bits, sizes, times, order in folder and zip: AUROC 0.5 within its noise."""
    settings.ID_SECRET = "a secret of sufficient length"
    n = 200
    folder = sources.official(tmp_path / "many", ("bolt",), {"good": n, "missing": n})
    version = import_dataset(folder, NAMING, labels="hidden")
    truth = ground_truth.truth(version, "bolt")
    key_of = {public: key for key, public in truth.public_ids.items()}
    root = packs.path(version) / "bolt/test"
    on_disk = [path.stem for path in root.iterdir()]
    with zipfile.ZipFile(io.BytesIO(download(version, "bolt-test.zip"))) as archive:
        infos = {Path(info.filename).stem: info for info in archive.infolist()}
    rows, published, labels = [], [], []
    for place, path in enumerate(sorted(root.iterdir())):
        number, told, info = int(path.stem), path.stat(), infos[path.stem]
        bits = [number >> bit & 1 for bit in range(9)]
        times = [told.st_mtime, told.st_ino - root.stat().st_ino, told.st_mode, *info.date_time]
        sizes = [told.st_size, info.header_offset, info.compress_size]
        rows.append([place, on_disk.index(path.stem), *bits, *times, *sizes])
        published.append([sorted(key_of.values()).index(key_of[path.stem])])
        labels.append(key_of[path.stem] in truth.anomalous)
    noise = np.sqrt((n + 1) / (12 * (n / 2) ** 2))  # of the Mann-Whitney statistic by chance
    assert max(abs(area - 0.5) for area in learned(rows, labels)) < 3 * noise
    assert min(learned(published, labels)) > 0.95, "the published order tells labels"
