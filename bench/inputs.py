"""The files that the benchmarks work on: made once, kept under bench/data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scoring.sampledata import draw_dataset, draw_maps

DATA = Path(__file__).parent / "data"
KINDS = ("png8", "png16", "tiff32")
SEED = 0
QUALITY = 0.8


def dataset(category: str | None, scale: float = 1.0) -> Path:
    """Sample data of one category, or of all, at this share of AutoVI's counts."""
    path = DATA / f"{category or 'all'}-{scale:g}"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        print(f"drawing {path.name} ...", flush=True)
        draw_dataset(path, scale, SEED, categories=[category] if category else None)
    return path


def maps(source: Path, kind: str) -> Path:
    """Anomaly maps for that dataset."""
    path = DATA / f"{source.name}-{kind}.zip"
    if not path.exists():
        print(f"drawing {path.name} ...", flush=True)
        draw_maps(source, path, QUALITY, SEED, kind=kind)
    return path


def two_images(source: Path) -> Path:
    """The same category with one good and one anomalous image: what start-up is timed on."""
    path = DATA / f"{source.name}-two"
    if not path.exists():
        for category in (p for p in source.iterdir() if (p / "test").is_dir()):
            keys = _one_of_each(category)
            for key in keys:
                _copy(category, path / category.name, f"test/{key}.png")
                _copy(category, path / category.name, f"ground_truth/{key}")
            _copy(category, path / category.name, "defects_config.json")
    return path


def _one_of_each(category: Path) -> list[str]:
    folders = sorted(p.name for p in (category / "test").iterdir())
    anomalous = next(folder for folder in folders if folder != "good")
    return [f"{folder}/0000" for folder in ("good", anomalous)]


def _copy(source: Path, target: Path, name: str) -> None:
    path = source / name
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target / name)
    elif path.exists():
        os.link(path, target / name)
