"""A small dataset and archives for it, for tests of the site."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (40, 32)  # width, height
CATEGORIES = ("bracket", "clip")
IMAGES = ("good/0000", "good/0001", "good/0002", "missing/0000", "missing/0001", "bent/0000")

DEFECTS = [
    {
        "defect_name": "missing",
        "pixel_value": 255,
        "saturation_threshold": 1.0,
        "relative_saturation": True,
    }
]


def png(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    return stream.getvalue()


def make_dataset(folder: Path) -> Path:
    """Two categories in the official layout, with one region an anomalous image."""
    for category in CATEGORIES:
        blank = png(np.full((SIZE[1], SIZE[0], 3), 120, np.uint8))
        for name in ["train/good/0000", *(f"test/{image}" for image in IMAGES)]:
            _write(folder / category / f"{name}.png", blank)
        for image in IMAGES:
            if not image.startswith("good"):
                region = _region(image).astype(np.uint8) * 255
                _write(folder / category / "ground_truth" / image / "0000.png", png(region))
        _write(folder / category / "defects_config.json", json.dumps(DEFECTS).encode())
    return folder


def _region(image: str) -> np.ndarray:
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    at = 4 + 5 * int(image[-1])
    mask[at : at + 8, at : at + 8] = True
    return mask


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def members(
    seed: int = 0, runs: int = 1, categories: Iterable[str] = CATEGORIES
) -> dict[str, bytes]:
    """Sound 8-bit maps by member name: noise, brighter inside the regions."""
    random = np.random.default_rng(seed)
    found = {}
    for run in range(runs):
        top = f"run_{run}/" if runs > 1 else ""
        for category in categories:
            for image in IMAGES:
                values = random.integers(0, 160, (SIZE[1], SIZE[0]))
                if not image.startswith("good"):
                    values = values + 90 * _region(image)
                found[f"{top}{category}/test/{image}.png"] = png(values.astype(np.uint8))
    return found


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    """The same as a compressed tar."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def unnamed_files(folder: Path) -> list[int]:
    """The sizes of the open files in a folder that have no name there."""
    sizes = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target, size = os.readlink(link), link.stat().st_size
        except FileNotFoundError:
            continue  # the listing's own
        if target.startswith(f"{folder}/") and target.endswith("(deleted)"):
            sizes.append(size)
    return sizes
