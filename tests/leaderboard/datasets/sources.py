"""Datasets of each preset's layout for tests of the import: real files, tiny pictures."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (24, 16)  # width, height


def picture(path: Path, seed: int, size: tuple[int, int] = SIZE) -> None:
    """A noisy RGB picture: good and bad ones come from the same generator."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(values).save(path)


def mask(path: Path, boxes: list[tuple[int, int]], value: int = 255) -> np.ndarray:
    """A grey mask with 3x3 boxes at (x, y)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    for x, y in boxes:
        values[y : y + 3, x : x + 3] = value
    Image.fromarray(values).save(path)
    return values


def official(root: Path, categories: tuple[str, ...], counts: dict[str, int]) -> Path:
    """The official layout, with ``counts`` images a test folder."""
    for number, category in enumerate(categories):
        base = root / category
        for index in range(2):
            picture(base / f"train/good/{index:04}.png", 1000 * number + index)
        for place, (folder, count) in enumerate(sorted(counts.items())):
            for index in range(count):
                seed = 1000 * number + 100 * (place + 1) + index
                picture(base / f"test/{folder}/{index:04}.png", seed)
                if folder != "good":
                    mask(base / f"ground_truth/{folder}/{index:04}/0000.png", [(index % 9, 4)])
        entry = {
            "defect_name": "any",
            "pixel_value": 255,
            "saturation_threshold": 1.0,
            "relative_saturation": True,
        }
        (base / "defects_config.json").write_text(json.dumps([entry]))
    return root


def zipped(folder: Path, target: Path, top: str) -> Path:
    """A folder's files as a zip, under the folders ``top``."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{top}{path.relative_to(folder).as_posix()}")
    return target


def mvtec_ad(root: Path) -> Path:
    """One category with two components in one mask, which touch at a corner, and one apart."""
    base = root / "bottle"
    for name in ("train/good/000", "test/good/000", "test/broken/000", "test/broken/001"):
        picture(base / f"{name}.png", len(name))
    mask(base / "ground_truth/broken/000_mask.png", [(2, 2), (5, 5), (15, 9)])
    mask(base / "ground_truth/broken/001_mask.png", [(0, 0)])
    (base / "license.txt").write_text("free")
    (base / "readme.txt").write_text("read")
    return root


def visa(root: Path) -> Path:
    """One object with its split."""
    rows = [("candle", "train", "normal", "candle/Data/Images/Normal/0000.JPG", "")]
    rows += [("candle", "test", "normal", "candle/Data/Images/Normal/0001.JPG", "")]
    bad, its_mask = "candle/Data/Images/Anomaly/000.JPG", "candle/Data/Masks/Anomaly/000.png"
    rows += [("candle", "test", "anomaly", bad, its_mask)]
    for number, row in enumerate(rows):
        picture(root / row[3], number)
    mask(root / its_mask, [(3, 3), (12, 9)], value=1)
    (root / "candle/image_anno.csv").write_text("image,label,mask\n")
    (root / "split_csv").mkdir()
    with (root / "split_csv/1cls.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("object", "split", "label", "image", "mask"), *rows])
    return root


def loco(root: Path) -> Path:
    """One category with validation images and both kinds of anomalies."""
    counts = {"good": 2, "logical_anomalies": 1, "structural_anomalies": 1}
    official(root, ("pushpins",), counts)
    picture(root / "pushpins/validation/good/000.png", 77)
    return root
