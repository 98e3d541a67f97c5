"""Bad input: every problem at once, with its path, and nothing changed."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from leaderboard.datasets import autovi
from leaderboard.datasets.importing import presets
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import ImportRefused, import_dataset
from tests.leaderboard.datasets import places, sources

pytestmark = pytest.mark.django_db
NAMING = Naming("parts", "Parts", "1")
COUNTS = {"good": 2, "missing": 2}


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, settings) -> tuple[Path, Path]:
    settings.GROUND_TRUTH_ROOT = tmp_path / "private"
    settings.PACKS_ROOT = tmp_path / "packs"
    return tmp_path / "private", tmp_path / "packs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sources.official(tmp_path / "dataset", ("bolt", "nut"), COUNTS)


def problems(source: Path | list[Path], **options: object) -> list[str]:
    """The problems of an import that changed nothing."""
    from django.conf import settings

    roots = settings.GROUND_TRUTH_ROOT, settings.PACKS_ROOT
    before = places.state(*roots)
    with pytest.raises(ImportRefused) as refused:
        import_dataset(source, NAMING, **options)  # type: ignore[arg-type]
    assert places.state(*roots) == before
    return list(refused.value.problems)


def region(folder: Path) -> Path:
    return folder / "bolt/ground_truth/missing/0000/0000.png"


def two_values(folder: Path) -> None:
    values = np.asarray(Image.open(region(folder))).copy()
    values[0, 0] = 7
    Image.fromarray(values).save(region(folder))


def unknown_value(folder: Path) -> None:
    sources.mask(region(folder), [(1, 1)], value=9)


def palette(folder: Path) -> None:
    Image.open(region(folder)).convert("P").save(region(folder))


def empty_region(folder: Path) -> None:
    sources.mask(region(folder), [])


def other_size(folder: Path) -> None:
    Image.new("L", (5, 5), 255).save(region(folder))


def no_image(folder: Path) -> None:
    region(folder).write_bytes(b"no image")


def announcing(path: str) -> Callable[[Path], None]:
    """The small PNG says to hold 4 x 10^8 pixels."""

    def apply(folder: Path) -> None:
        data = (folder / path).read_bytes()
        header = b"IHDR" + struct.pack(">II", 20_000, 20_000) + data[24:29]
        check = struct.pack(">I", zlib.crc32(header))
        (folder / path).write_bytes(data[:12] + header + check + data[33:])

    return apply


def no_region(folder: Path) -> None:
    shutil.rmtree(region(folder).parent)


def stray_file(folder: Path) -> None:
    (folder / "bolt/test/missing/notes.doc").write_text("x")


def stray_beside(folder: Path) -> None:
    (folder / "labels.json").write_text("{}")


def region_of_nothing(folder: Path) -> None:
    sources.mask(folder / "bolt/ground_truth/missing/0009/0000.png", [(1, 1)])


def region_of_a_good_image(folder: Path) -> None:
    sources.mask(folder / "bolt/ground_truth/good/0000/0000.png", [(1, 1)])


def smaller_image(folder: Path) -> None:
    sources.picture(folder / "bolt/test/good/0001.png", 1, (9, 9))


def cut_image(folder: Path) -> None:
    path = folder / "bolt/train/good/0001.png"
    path.write_bytes(path.read_bytes()[:200])


def second_file(folder: Path) -> None:
    sources.picture(folder / "bolt/test/good/0001.jpg", 1)


def no_train(folder: Path) -> None:
    shutil.rmtree(folder / "bolt/train")


def no_config(folder: Path) -> None:
    (folder / "bolt/defects_config.json").unlink()


def config(change: Callable[[str], str]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "bolt/defects_config.json"
        path.write_text(change(path.read_text()))

    return apply


@pytest.mark.parametrize(
    ("break_it", "where", "what"),
    [
        (two_values, "missing/0000/0000.png", "holds the values [7, 255] above 0"),
        (unknown_value, "missing/0000/0000.png", "the value 9 stands for no defect"),
        (palette, "missing/0000/0000.png", "has mode P; expected grey or RGB"),
        (empty_region, "missing/0000/0000.png", "holds the values [] above 0"),
        (other_size, "missing/0000/0000.png", "is (5, 5) pixels"),
        (no_image, "missing/0000/0000.png", "is no readable image"),
        (
            announcing("bolt/ground_truth/missing/0000/0000.png"),
            "missing/0000/0000.png",
            "exceeds limit",
        ),
        (announcing("bolt/test/good/0001.png"), "bolt/test/good/0001.png", "exceeds limit"),
        (no_region, "bolt/test/missing/0000.png", "is anomalous but has no region"),
        (stray_file, "bolt/test/missing/notes.doc", "is not expected here"),
        (stray_beside, "labels.json", "is not expected here"),
        (region_of_nothing, "missing/0009/0000.png", "no anomalous test image"),
        (region_of_a_good_image, "good/0000/0000.png", "no anomalous test image"),
        (smaller_image, "bolt/test/good/0001.png", "is 9x9 pixels; expected 24x16"),
        (cut_image, "bolt/train/good/0001.png", "is no readable image"),
        (second_file, "bolt/test/good/0001.png", "is a second file for the test image"),
        (no_train, "bolt", "has no training image"),
        (no_config, "bolt/defects_config.json", "is missing"),
        (config(lambda text: text[:-9]), "defects_config.json", "cannot be used"),
        (config(lambda text: '{"a": 1}'), "defects_config.json", "no list of objects"),
        (
            config(lambda text: json.dumps(json.loads(text) * 2)),
            "defects_config.json",
            "entry 2 has the pixel_value 255 a second time",
        ),
        (
            config(lambda text: text.replace('"defect_name": "any", ', "")),
            "defects_config.json",
            "entry 1 has no defect_name",
        ),
        (
            config(lambda text: text.replace("{", '{"pixel_value": 3, ')),
            "defects_config.json",
            "has the key 'pixel_value' 2 times",
        ),
        (
            config(lambda text: text.replace("1.0", "1.5")),
            "defects_config.json",
            "saturation_threshold of 1.5, which is out of range",
        ),
        (
            config(lambda text: text.replace("1.0", "1e999").replace("true", "false")),
            "defects_config.json",
            "saturation_threshold of inf, which is out of range",
        ),
        (
            config(lambda text: text.replace("1.0", "Infinity")),
            "defects_config.json",
            "Infinity is no JSON",
        ),
        (
            config(lambda text: text.replace('"any"', '"\\u0000"')),
            "defects_config.json",
            "has the defect_name '\\x00'; expected printable text",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_one_problem_is_one_line(break_it, where: str, what: str, folder: Path) -> None:
    break_it(folder)
    (line,) = problems(folder)
    path, _, said = line.partition(": ")
    assert path.endswith(where)
    assert what in said


def test_all_problems_are_told_at_once_and_the_exit_status_is_1(folder: Path) -> None:
    for break_it in (two_values, stray_file, smaller_image, cut_image, stray_beside):
        break_it(folder)
    sources.mask(folder / "nut/ground_truth/missing/0001/0000.png", [(1, 1)], value=3)
    assert len(problems(folder)) == 6
    with pytest.raises(CommandError, match="6 problems; nothing was changed") as error:
        call_command("import_dataset", str(folder), "--name=parts", "--dataset-version=1")
    assert error.value.returncode == 1


def test_the_same_lines_for_hidden_labels(folder: Path) -> None:
    two_values(folder)
    assert problems(folder, labels="hidden") == problems(folder)


@pytest.fixture
def zips(folder: Path, tmp_path: Path) -> dict[str, Path]:
    """Both categories as published: one zip each."""
    return {
        name: sources.zipped(folder / name, tmp_path / f"{name}.zip", f"{name}/")
        for name in ("bolt", "nut")
    }


def test_a_cut_zip_and_a_damaged_member_are_named(zips: dict[str, Path]) -> None:
    zips["bolt"].write_bytes(zips["bolt"].read_bytes()[:-100])
    with zipfile.ZipFile(zips["nut"]) as archive:
        at = archive.getinfo("nut/test/good/0000.png").header_offset + 80
    data = bytearray(zips["nut"].read_bytes())
    data[at] ^= 255
    zips["nut"].write_bytes(bytes(data))
    first, second = problems(list(zips.values()))
    assert "bolt.zip: the zip file has no directory at its end" in first
    assert "nut.zip: nut/test/good/0000.png: " in second


def test_what_is_no_dataset_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    (line,) = problems(tmp_path / "no.zip")
    assert line == f"{tmp_path / 'no.zip'}: is no archive; expected a .zip, .tar or .tar.gz file"
    (line,) = problems(tmp_path / "empty")
    assert line == f"{tmp_path / 'empty'}: no category found; expected <category>/test/"


def test_one_category_from_two_sources(zips: dict[str, Path], folder: Path) -> None:
    lines = problems([zips["bolt"], folder / "bolt"])
    assert lines
    assert all("is of bolt, which was found in" in line for line in lines)


@pytest.fixture
def two_known(zips: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The preset of a dataset whose published zips are `zips`."""
    import hashlib
    from dataclasses import replace

    from leaderboard.datasets.importing import presets

    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in zips.items()}
    known = replace(presets.PRESETS["autovi"], zips=hashes)
    monkeypatch.setitem(presets.PRESETS, "autovi", known)
    return zips


def test_the_published_zips_pass(two_known: dict[str, Path]) -> None:
    version = import_dataset(list(two_known.values()), NAMING, preset="autovi")
    assert version.sources == {
        "bolt.zip": version.sources["bolt.zip"],
        "nut.zip": version.sources["nut.zip"],
    }
    assert version.preset == "autovi"


def test_other_bytes_than_the_published_are_refused_unless_accepted(
    two_known: dict[str, Path], folder: Path
) -> None:
    sources.zipped(folder / "nut", two_known["nut"], "nut/nut/")
    (line,) = problems(list(two_known.values()), preset="autovi")
    assert "nut.zip: has the SHA-256" in line
    assert "--accept-hash" in line
    version = import_dataset(list(two_known.values()), NAMING, preset="autovi", accept_hash=True)
    assert version.categories == ("bolt", "nut")


def test_other_bytes_never_go_under_the_published_name(
    two_known: dict[str, Path], folder: Path
) -> None:
    sources.zipped(folder / "nut", two_known["nut"], "nut/nut/")
    paths, own = list(two_known.values()), presets.AUTOVI
    with pytest.raises(ImportRefused, match="under a --name of their own"):
        import_dataset(paths, own, preset="autovi", accept_hash=True)
    assert not DatasetVersion.objects.exists()
    with pytest.raises(CommandError, match="under a --name of their own"):
        call_command("import_dataset", *map(str, paths), "--preset", "autovi", "--accept-hash")
    call_command("import_dataset", *map(str, paths), "--preset", "autovi", "--accept-hash",
                 "--name", "packed-again", "--dataset-version", "1")  # fmt: skip
    (version,) = DatasetVersion.objects.all()
    assert (version.slug, version.dataset.name, version.doi) == ("packed-again", "packed-again", "")


def test_a_zip_for_another_category_and_a_missing_one(
    two_known: dict[str, Path], folder: Path
) -> None:
    sources.zipped(folder / "bolt", two_known["nut"], "bolt/")
    lines = problems([two_known["nut"]], preset="autovi")
    assert any("nut.zip: holds the category bolt; expected nut" in line for line in lines)
    assert any(line.startswith("nut: is missing") for line in lines)


def test_a_folder_goes_under_a_published_name_only_with_as_many_images(
    two_known: dict[str, Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn samples with the same categories must not become the published dataset."""
    from dataclasses import replace

    known = replace(presets.PRESETS["autovi"], counts={"bolt": (99, 98)})
    monkeypatch.setitem(presets.PRESETS, "autovi", known)
    with pytest.raises(ImportRefused, match=r"test images of bolt; expected 99 and 98 as publ"):
        import_dataset(folder, presets.AUTOVI, preset="autovi")
    assert not DatasetVersion.objects.exists()
    assert import_dataset(folder, NAMING, preset="autovi").categories == ("bolt", "nut")


def test_a_category_that_the_preset_does_not_know(folder: Path) -> None:
    lines = problems(folder, preset="autovi")
    assert any("holds bolt; expected one of engine_wiring" in line for line in lines)
    assert sum("is missing; expected all" in line for line in lines) == len(autovi.ZIPS)


def test_a_reserved_name(folder: Path) -> None:
    with pytest.raises(ImportRefused, match="is reserved"):
        import_dataset(folder, Naming("downloads", "x", "1"))
