"""An imported dataset version with its public files, without the private ones."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from leaderboard.datasets.autovi import MANIFEST
from leaderboard.datasets.models import Dataset, DatasetVersion
from leaderboard.datasets.services.downloads import names, stored_path

IMPORTED = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
CATEGORIES = ("pipe_clip", "tank_screw")


def picture(width: int = 80, height: int = 60, seed: int = 0) -> bytes:
    """A PNG of noise."""
    values = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def folders(tmp_path: Path, settings) -> Path:
    settings.PACKS_ROOT = tmp_path / "packs"
    settings.THUMBNAILS_ROOT = tmp_path / "thumbnails"
    return tmp_path


@pytest.fixture
def make_version(db: None, folders: Path) -> Callable[..., DatasetVersion]:
    """A row with files: ``make_version("small", n_train=3, labels="hidden")``."""

    def make(slug: str = "small", *, n_train: int = 3, **fields: Any) -> DatasetVersion:
        dataset = Dataset.objects.create(slug=slug, name=slug.capitalize())
        values = {
            "version": "1.0",
            "manifest": {name: deepcopy(MANIFEST[name]) for name in CATEGORIES},
            "licence": "CC BY-NC-SA 4.0",
            "imported_at": IMPORTED,
        }
        version = DatasetVersion.objects.create(dataset=dataset, **(values | fields))
        for category in version.categories:
            for number in range(n_train):
                place = folders / f"packs/{slug}/1.0/{category}/train/good/{number:04}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(picture(seed=number))
        for name in names(version):
            _store(folders / "packs", version, name)
        version.save()
        return version

    return make


def _store(root: Path, version: DatasetVersion, name: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{name}/0000.png", picture(seed=len(name)))
    place = root / stored_path(version, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(stream.getvalue())
    version.files[name] = len(stream.getvalue())
    version.hashes[name] = hashlib.sha256(stream.getvalue()).hexdigest()


@pytest.fixture
def version(make_version: Callable[..., DatasetVersion]) -> DatasetVersion:
    return make_version()
