"""What is refused, and in which words: the member, what is wrong, what is expected."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support import map_files, small_case, write_dataset, write_folder, write_tar, write_zip

from scoring import Refused, score, score_category, validate
from scoring.cli import main

FIRST = "part/test/good/0000.png"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset", {"part": small_case(), "other": small_case(seed=1)})


@pytest.fixture
def files() -> dict[str, bytes]:
    return map_files({"part": small_case()}, ".png")


def problems(dataset: Path, archive: Path) -> list[str]:
    """The lines of a refusal; validating and scoring must give the same."""
    with pytest.raises(Refused) as validated:
        validate(dataset, archive)
    with pytest.raises(Refused) as scored:
        score(dataset, archive)
    assert validated.value.lines() == scored.value.lines()
    return validated.value.lines()


def png(array: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", **options)
    return stream.getvalue()


def tiff(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, array)
    return stream.getvalue()


def test_a_missing_image_is_named(dataset: Path, files: dict[str, bytes], tmp_path: Path) -> None:
    del files[FIRST]
    assert problems(dataset, write_zip(tmp_path / "maps.zip", files)) == [
        "part/test/good/0000: is missing; expected one map for each test image"
    ]


def test_an_extra_image_is_named(dataset: Path, files: dict[str, bytes], tmp_path: Path) -> None:
    files["part/test/good/9999.png"] = files[FIRST]
    assert problems(dataset, write_zip(tmp_path / "maps.zip", files)) == [
        "part/test/good/9999.png: belongs to no test image of part"
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(np.zeros((12, 20, 3), np.uint8)), "is RGB; expected 8- or 16-bit grey"),
        (png(np.zeros((12, 20), np.uint8))[:-20], "cut short"),
        (png(np.zeros((12, 20), bool)), "has 1 bits a pixel"),
        (b"GIF89a", "is no PNG file"),
        (b"", "is no PNG file"),
        (png(np.zeros((100, 100), np.uint8)), "is 100x100 pixels; at most 960 pixels are taken"),
    ],
    ids=["rgb", "truncated", "bits", "not-png", "empty", "too-large"],
)
def test_a_map_that_cannot_be_used_is_named(
    dataset: Path, files: dict[str, bytes], tmp_path: Path, data: bytes, expected: str
) -> None:
    files[FIRST] = data
    (line,) = problems(dataset, write_zip(tmp_path / "maps.zip", files))
    assert line.startswith(f"{FIRST}: ")
    assert expected in line


def test_a_nan_is_refused(dataset: Path, tmp_path: Path) -> None:
    case = small_case(dtype="float32")
    case.maps["scratch/0000"][3, 4] = np.nan
    archive = write_zip(tmp_path / "maps.zip", map_files({"part": case}, ".tiff"))
    assert problems(dataset, archive) == [
        "part/test/scratch/0000.tiff: holds 1 values that are NaN or infinite; "
        "expected finite numbers"
    ]


def test_a_double_beyond_single_precision_is_refused(dataset: Path, tmp_path: Path) -> None:
    case = small_case(dtype="float64")
    case.maps["good/0000"][0, 0] = 1e39
    archive = write_zip(tmp_path / "maps.zip", map_files({"part": case}, ".npy"))
    (line,) = problems(dataset, archive)
    assert "beyond the range of float32" in line


def test_two_types_in_one_category_are_refused(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    files["part/test/scratch/0001.png"] = png(np.zeros((12, 20), np.uint16))
    (line,) = problems(dataset, write_zip(tmp_path / "maps.zip", files))
    assert "scratch/0001.png: holds uint16 values; expected uint8" in line


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../x.png", "has .. in its path"),
        ("/etc/x.png", "has an absolute path"),
        ("C:/x.png", "has an absolute path"),
        ("part\\test\\good\\x.png", "has a backslash in its name"),
        ("part/test/good/\x01.png", "has control characters"),
        ("part/test/good/GOOD/x.png", "is not expected here"),
        ("part/test/good/0000.tiff", "is a second map of one image"),
        ("part/test/good/0000.PNG", "is a duplicate of"),
        ("part/readme.txt", "is not expected here"),
        ("engine/test/good/0000.png", "'engine' is no category of this dataset"),
    ],
)
def test_a_name_that_has_no_place_is_refused(
    dataset: Path, files: dict[str, bytes], tmp_path: Path, name: str, expected: str
) -> None:
    files[name] = files[FIRST]
    for archive in (
        write_zip(tmp_path / "maps.zip", files),
        write_tar(tmp_path / "maps.tar", files),
        write_tar(tmp_path / "maps.tar.gz", files),
    ):
        lines = problems(dataset, archive)
        assert any(expected in line for line in lines), lines


def test_what_is_no_archive_is_refused(dataset: Path, tmp_path: Path) -> None:
    path = tmp_path / "maps.zip"
    path.write_bytes(b"these are not maps")
    assert problems(dataset, path) == [
        "maps.zip: is no archive; expected a .zip, .tar or .tar.gz file"
    ]


def test_all_problems_are_told_at_once_the_first_fifty_in_full(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    for index in range(60):
        files[f"part/test/good/x{index}.png"] = files[FIRST]
    lines = problems(dataset, write_zip(tmp_path / "maps.zip", files))
    assert len(lines) == 51
    assert lines[-1] == "... and 10 more"


def test_ignored_files_and_a_top_folder_do_no_harm(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    plain = score(dataset, write_zip(tmp_path / "plain.zip", files)).dumps()
    nested = {f"my_maps/{name}": data for name, data in files.items()}
    nested["__MACOSX/my_maps/._x"] = b""
    nested["my_maps/.DS_Store"] = b""
    assert score(dataset, write_zip(tmp_path / "nested.zip", nested)).dumps() == plain


def test_runs_are_scored_one_by_one_and_summed_up(dataset: Path, tmp_path: Path) -> None:
    cases = {k: {"part": small_case(), "other": small_case(seed=1)} for k in (1, 2, 10)}
    for k, case in cases.items():
        rng = np.random.default_rng(k)
        for part in case.values():
            part.maps = {
                key: rng.integers(0, 255, array.shape).astype(np.uint8)
                for key, array in part.maps.items()
            }
    files = {
        f"run_{k}/{name}": data
        for k, case in cases.items()
        for name, data in map_files(case, ".png").items()
    }
    archive = write_zip(tmp_path / "runs.zip", files)
    report = score(dataset, archive).as_dict()
    assert [run["run"] for run in report["runs"]] == ["run_1", "run_2", "run_10"]
    values = [run["categories"]["part"]["image_auroc"] for run in report["runs"]]
    summary = report["summary"]["categories"]["part"]["image_auroc"]
    assert summary["mean"] == pytest.approx(np.mean(values))
    assert summary["std"] == pytest.approx(np.std(values, ddof=1))
    assert summary["n"] == 3
    means = [report["summary"]["categories"][c]["image_auroc"]["mean"] for c in ("other", "part")]
    assert report["summary"]["mean"]["image_auroc"]["std"] == pytest.approx(np.std(means))
    one = score_category(dataset, archive, "run_2", "other").report
    assert one == report["runs"][1]["categories"]["other"]


def test_runs_with_different_categories_are_refused(dataset: Path, tmp_path: Path) -> None:
    cases = {"part": small_case(), "other": small_case(seed=1)}
    files = {f"run_0/{name}": data for name, data in map_files(cases, ".png").items()}
    files |= {f"run_1/{n}": d for n, d in map_files({"part": cases["part"]}, ".png").items()}
    (line,) = problems(dataset, write_zip(tmp_path / "maps.zip", files))
    assert line == "other: is missing from run_1; expected the same categories in every run"


def test_image_scores_replace_the_maxima(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    rows = ["category,image,score"]
    rows += [f"part,{key},{0 if key.startswith('good') else 1}" for key in small_case().regions]
    files["image_scores.csv"] = "\n".join(rows).encode()
    entry = score(dataset, write_zip(tmp_path / "maps.zip", files)).as_dict()["categories"]["part"]
    assert entry["image_auroc"] == 1.0


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("part,good/0001,high", "has the score 'high'"),
        ("part,good/0001,=1+1", "has the score '=1+1'"),
        ("part,good/0001,inf", "has the score 'inf'"),
        ("part,good/0000,1", "is a second score for part, good/0000"),
        ("part,good/77,1", "which is no test image"),
        ("part,good/0001", "has 2 fields; expected 3"),
        ("", "has no score for part, good/0001"),
    ],
)
def test_wrong_image_scores_are_told_by_line(
    dataset: Path, files: dict[str, bytes], tmp_path: Path, row: str, expected: str
) -> None:
    rows = [f"part,{key},1" for key in small_case().regions if key != "good/0001"]
    files["image_scores.csv"] = "\n".join(["category,image,score", *rows, row]).encode()
    lines = problems(dataset, write_zip(tmp_path / "maps.zip", files))
    assert any("image_scores.csv" in line and expected in line for line in lines), lines


def test_metadata_is_read(dataset: Path, files: dict[str, bytes], tmp_path: Path) -> None:
    files["submission.json"] = b'{"method": "PaDiM"}'
    contents = validate(dataset, write_zip(tmp_path / "maps.zip", files))
    assert contents.metadata == {"method": "PaDiM"}
    assert contents.categories == ("part",)
    assert contents.n_maps == 5


def test_validating_never_opens_ground_truth(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    import shutil

    for category in ("part", "other"):
        shutil.rmtree(dataset / category / "ground_truth")
        (dataset / category / "defects_config.json").unlink()
    assert validate(dataset, write_zip(tmp_path / "maps.zip", files)).n_maps == 5


def test_the_command_tells_problems_and_exits_with_1(
    dataset: Path, files: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del files[FIRST]
    archive = write_zip(tmp_path / "maps.zip", files)
    out = tmp_path / "report.json"
    for command in (["score", "--json", str(out)], ["validate"]):
        assert main([*command, str(dataset), str(archive)]) == 1
        assert "part/test/good/0000: is missing" in capsys.readouterr().err
    assert not out.exists()


def test_the_command_exits_with_2_on_wrong_usage(
    dataset: Path, files: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_zip(tmp_path / "maps.zip", files)
    assert main(["score", str(tmp_path / "nowhere"), str(archive)]) == 2
    assert "not a folder" in capsys.readouterr().err
    assert main(["score", str(dataset), str(archive), "--category", "nope"]) == 2
    assert "no such category" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["score"])
    assert stopped.value.code == 2


def test_overlapping_zip_entries_are_refused(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    path = write_zip(tmp_path / "maps.zip", files)
    with zipfile.ZipFile(path) as archive:
        first, second = archive.infolist()[:2]
    data = bytearray(path.read_bytes())
    at = data.rfind(second.filename.encode())
    offset_field = at - 46 + 42
    data[offset_field : offset_field + 4] = first.header_offset.to_bytes(4, "little")
    path.write_bytes(bytes(data))
    (line,) = problems(dataset, path)
    assert "named otherwise" in line or "overlap" in line


def test_a_folder_with_a_link_is_refused(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    root = write_folder(tmp_path / "maps", files)
    (root / FIRST).unlink()
    (root / FIRST).symlink_to(root / "part/test/good/0001.png")
    lines = problems(dataset, root)
    assert lines[0] == f"{FIRST}: is a link or a special file; expected a plain file"


def test_names_missing_images_and_bad_maps_are_told_together(
    dataset: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    del files[FIRST]
    files["../x.png"] = b""
    files["part/test/good/0001.png"] = png(np.zeros((12, 20, 3), np.uint8))
    files["part/test/scratch/0000.png"] = b""
    lines = problems(dataset, write_zip(tmp_path / "maps.zip", files))
    assert [line.partition(":")[0] for line in lines] == [
        "../x.png",
        "part/test/good/0000",
        "part/test/good/0001.png",
        "part/test/scratch/0000.png",
    ]


def test_bad_anomalous_float_maps_do_not_hide_bad_good_ones(dataset: Path, tmp_path: Path) -> None:
    case = small_case(dtype="float32")
    for key in case.maps:
        case.maps[key][0, 0] = np.inf
    archive = write_zip(tmp_path / "maps.zip", map_files({"part": case}, ".tiff"))
    for check in (validate, score):
        with pytest.raises(Refused) as refused:
            check(dataset, archive)
        assert refused.value.total == 5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image_scores.csv", "stands beside run folders"),
        ("run_7/image_scores.csv", "stands in a run without maps"),
    ],
)
def test_image_scores_of_no_run_are_refused(
    dataset: Path, files: dict[str, bytes], tmp_path: Path, name: str, expected: str
) -> None:
    runs = {f"run_{k}/{n}": data for k in (0, 1) for n, data in files.items()}
    runs[name] = b"category,image,score\n"
    (line,) = problems(dataset, write_zip(tmp_path / "maps.zip", runs))
    assert line.startswith(f"{name}: {expected}")


def test_a_result_that_could_not_be_kept_is_told_before_scoring(
    dataset: Path, files: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_zip(tmp_path / "maps.zip", files)
    out = tmp_path / "nowhere" / "report.json"
    assert main(["score", str(dataset), str(archive), "--json", str(out)]) == 2
    assert "cannot be written" in capsys.readouterr().err
