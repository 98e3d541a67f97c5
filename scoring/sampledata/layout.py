"""Reading a dataset folder in AutoVI's layout: its test images, their sizes and regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.sampledata.files import SampleDataError


@dataclass(frozen=True)
class TestImage:
    """One test image of a dataset: where its map belongs and where its regions lie."""

    __test__ = False  # no test case, whatever pytest thinks of the name

    category: str
    folder: str
    image_id: str
    path: Path
    regions: Path  # the folder of its region files; it need not exist

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), from the file's header."""
        with Image.open(self.path) as image:
            return image.size

    def region_masks(self) -> list[NDArray[np.bool_]]:
        """Its regions, each (h, w), in the order of their names; empty for a good image."""
        if self.folder == "good":
            return []
        return [_region(path) for path in sorted(self.regions.glob("*.png"))]


def find_images(dataset: Path, categories: Sequence[str] | None = None) -> list[TestImage]:
    """All test images, sorted by category, folder and id.

    `categories`: names, default all there are. Raises SampleDataError where `dataset` is no folder,
    holds no category, or lacks one of those named.
    """
    found = _categories(dataset)
    names = sorted(found) if categories is None else sorted(set(categories))
    missing = [name for name in names if name not in found]
    if missing or not names:
        raise SampleDataError(
            f"{dataset}: no category {', '.join(missing) or 'at all'}; expected folders that hold "
            f"test/<folder>/*.png (there are: {', '.join(sorted(found)) or 'none'})"
        )
    return [image for name in names for image in _images(name, found[name])]


def _categories(dataset: Path) -> dict[str, Path]:
    if not dataset.is_dir():
        raise SampleDataError(f"{dataset}: is no folder; expected a dataset in AutoVI's layout")
    found = {}
    for path in dataset.iterdir():
        for root in (path, path / path.name):  # some copies nest the folder in itself
            if (root / "test").is_dir():
                found[path.name] = root
    return found


def _images(category: str, root: Path) -> list[TestImage]:
    truth = root / "ground_truth"
    return [
        TestImage(category, folder.name, path.stem, path, truth / folder.name / path.stem)
        for folder in sorted((root / "test").iterdir())
        if folder.is_dir()
        for path in sorted(folder.glob("*.png"))
    ]


def _region(path: Path) -> NDArray[np.bool_]:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return (pixels if pixels.ndim == 2 else pixels[..., 0]) > 0
