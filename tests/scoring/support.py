"""Small datasets and archives, written as real files."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image


@dataclass
class Case:
    """A category in memory: regions and maps by image key, for files and for brute force."""

    size: tuple[int, int]
    regions: dict[str, list[np.ndarray]] = field(default_factory=dict)
    """Boolean masks (height, width) by ``<folder>/<image_id>``; good images have an empty list."""
    values: dict[str, list[int]] = field(default_factory=dict)
    """The pixel value of each region, in the same order."""
    config: dict[int, tuple[float, bool]] = field(default_factory=dict)
    """Pixel value -> (saturation threshold, relative)."""
    maps: dict[str, np.ndarray] = field(default_factory=dict)


def write_dataset(root: Path, cases: Mapping[str, Case]) -> Path:
    """Write the categories in the official layout."""
    for name, case in cases.items():
        base = root / name
        (base / "train/good").mkdir(parents=True)
        save_image(base / "train/good/0000.png", case.size)
        for key in case.regions:
            save_image(base / "test" / f"{key}.png", case.size)
            for index, mask in enumerate(case.regions[key]):
                path = base / "ground_truth" / key / f"{index:04}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask.astype(np.uint8) * case.values[key][index]).save(path)
        write_config(base, case.config)
    return root


def write_config(base: Path, config: Mapping[int, tuple[float, bool]]) -> None:
    entries = [
        {
            "defect_name": f"defect_{value}",
            "pixel_value": value,
            "saturation_threshold": threshold,
            "relative_saturation": relative,
        }
        for value, (threshold, relative) in config.items()
    ]
    (base / "defects_config.json").write_text(json.dumps(entries))


def save_image(path: Path, size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def encode(array: np.ndarray, extension: str, **options: Any) -> bytes:
    """A map as the bytes of a file."""
    stream = io.BytesIO()
    if extension == ".png":
        Image.fromarray(array).save(stream, "PNG")
    elif extension == ".npy":
        np.save(stream, array)
    else:
        tifffile.imwrite(stream, array, **{"compression": "deflate", **options})
    return stream.getvalue()


def map_files(cases: Mapping[str, Case], extension: str) -> dict[str, bytes]:
    """All maps of the categories: member name -> bytes."""
    return {
        f"{name}/test/{key}{extension}": encode(array, extension)
        for name, case in cases.items()
        for key, array in case.maps.items()
    }


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return path


def small_case(seed: int = 0, size: tuple[int, int] = (20, 12), dtype: str = "uint8") -> Case:
    """Two good and three anomalous images in two folders, with random maps."""
    rng = np.random.default_rng(seed)
    case = Case(size, config={1: (0.7, True), 2: (5, False)})
    width, height = size
    for key in ("good/0000", "good/0001", "scratch/0000", "scratch/0001", "missing/0000"):
        masks = []
        if not key.startswith("good"):
            for _ in range(int(rng.integers(1, 3))):
                mask = np.zeros((height, width), bool)
                x, y = rng.integers(0, width - 4), rng.integers(0, height - 4)
                mask[y : y + rng.integers(1, 5), x : x + rng.integers(1, 5)] = True
                masks.append(mask)
        case.regions[key] = masks
        case.values[key] = [int(rng.integers(1, 3)) for _ in masks]
        case.maps[key] = random_map(rng, (height, width), dtype)
    return case


def random_map(rng: np.random.Generator, shape: tuple[int, int], dtype: str) -> np.ndarray:
    if dtype.startswith("uint"):
        return rng.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)
