"""The published cases: every container, every kind of map, any number of processes."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scoring import score
from scoring.cli import main

KINDS = ("u8", "u16", "f32")


def leaves(
    tree: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def containers(vectors: Path, kind: str, tmp_path: Path) -> dict[str, Path]:
    """The same maps as zip, folder, tar and compressed tar."""
    archive = vectors / f"maps_{kind}.zip"
    folder = tmp_path / "folder"
    with zipfile.ZipFile(archive) as source:
        source.extractall(folder)
    found = {"zip": archive, "folder": folder}
    for suffix in ("tar", "tar.gz"):
        found[suffix] = tmp_path / f"maps.{suffix}"
        with tarfile.open(found[suffix], "w:gz" if suffix == "tar.gz" else "w") as target:
            target.add(folder, arcname=".")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_the_expected_ones(
    vectors: Path, expected: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    texts = set()
    for container in containers(vectors, kind, tmp_path).values():
        for jobs in (1, 2):
            report = score(vectors / "dataset", container, jobs=jobs)
            texts.add(report.dumps())
    assert len(texts) == 1, "equal maps gave different bytes"
    found = json.loads(texts.pop())["categories"]
    for category, kinds in expected.items():
        for path, value in leaves(kinds[kind]):
            entry = found[category]
            for key in path:
                entry = entry[key]
            assert entry == pytest.approx(value, abs=1e-9), (category, path)


def test_the_command_writes_the_report_and_the_curves(
    vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, curves = tmp_path / "report.json", tmp_path / "curves.npz"
    maps = vectors / "maps_u8.zip"
    arguments = [
        "score",
        str(vectors / "dataset"),
        str(maps),
        "--json",
        str(out),
        "--curves",
        str(curves),
    ]
    assert main(arguments) == 0
    assert out.read_text() == score(vectors / "dataset", maps).dumps()
    assert "bracket" in capsys.readouterr().out
    with np.load(curves) as stored:
        assert sorted(stored) == [
            f"run_0/{c}/{name}" for c in ("bracket", "clip") for name in ("pr", "roc", "spro")
        ]
        for name in stored:
            assert stored[name].ndim == 2
            assert stored[name].shape[1] == 2


def test_only_the_categories_asked_for_are_scored(vectors: Path) -> None:
    report = score(vectors / "dataset", vectors / "maps_u8.zip", categories=["clip"]).as_dict()
    assert list(report["categories"]) == ["clip"]
    assert report["mean"] is None
