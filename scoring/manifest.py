"""What a dataset's public half says: categories, test images and their sizes.

Nothing here opens `ground_truth`, so validating an upload cannot depend on a label.
Layout: docs/submitting.md, "The dataset".
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scoring.errors import DatasetError

GOOD = "good"
"""Name of the test folder that holds the images without an anomaly."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class CategoryManifest:
    """One category's test images.

    Attributes
    ----------
    name : str
    root : Path
        The folder that holds `test`.
    images : dict of str to (int, int)
        ``<folder>/<image_id>`` (or ``<public_id>`` where labels are hidden) to (width, height) in
        pixels, in sorted order.
    n_train : int
    folders : dict of str to int
        Test images in each folder; empty where labels are hidden.
    """

    name: str
    root: Path
    images: dict[str, tuple[int, int]]
    n_train: int
    folders: dict[str, int]

    @property
    def n_test(self) -> int:
        return len(self.images)

    @property
    def flat(self) -> bool:
        """Whether test images stand under opaque ids, without folders."""
        return not self.folders


@dataclass(frozen=True)
class Manifest:
    """A dataset: its categories by name, in sorted order."""

    root: Path
    categories: dict[str, CategoryManifest]


def read_manifest(dataset: Path) -> Manifest:
    """Read the layout of the dataset folder; only image headers are opened.

    Raises `DatasetError`, naming the path, if it is not a dataset.
    """
    dataset = Path(dataset)
    if not dataset.is_dir():
        raise DatasetError(f"{dataset}: not a folder; expected a dataset with <category>/test/...")
    categories = {}
    for entry in sorted(dataset.iterdir()):
        root = category_root(entry)
        if root is not None:
            categories[entry.name] = _read_category(entry.name, root)
    if not categories:
        raise DatasetError(f"{dataset}: no category found; expected folders <category>/test/...")
    return Manifest(dataset, categories)


def category_root(entry: Path) -> Path | None:
    """The folder that holds `test`: the entry itself, or the same name nested once more in it."""
    if entry.name.startswith(".") or not entry.is_dir():
        return None
    for root in (entry, entry / entry.name):
        if (root / "test").is_dir():
            return root
    return None


def _read_category(category: str, root: Path) -> CategoryManifest:
    images: dict[str, tuple[int, int]] = {}
    test = str(root / "test")  # thousands of paths: text is faster to join
    for name in files_below(root / "test", IMAGE_SUFFIXES):
        key = name.rpartition(".")[0]
        if key in images:
            raise DatasetError(f"{root / 'test' / name}: a second file for the test image {key}")
        images[key] = image_size(os.path.join(test, name))
    if not images:
        raise DatasetError(f"{root / 'test'}: no test image; expected <folder>/<image_id>.png")
    depths = Counter(key.count("/") for key in images)
    if set(depths) not in ({0}, {1}):
        raise DatasetError(
            f"{root / 'test'}: images at different depths; expected test/<folder>/<image_id>.png "
            "or test/<public_id>.png throughout"
        )
    folders = Counter(key.partition("/")[0] for key in images if "/" in key)
    n_train = len(files_below(root / "train", IMAGE_SUFFIXES))
    return CategoryManifest(category, root, images, n_train, dict(sorted(folders.items())))


def files_below(root: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Paths of the files with these suffixes, relative to `root`, sorted."""
    found = []
    for folder, _, names in os.walk(root):
        inner = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if inner == "." else f"{inner}/"
        found += [prefix + name for name in names if name.lower().endswith(suffixes)]
    return sorted(found)


def image_size(path: Path | str) -> tuple[int, int]:
    """(width, height) in pixels from the header alone.

    Raises `DatasetError` if the file is no image.
    """
    with open(path, "rb", buffering=0) as file:
        head = file.read(24)
    if head[:8] == _PNG_SIGNATURE and len(head) == 24:
        width, height = struct.unpack(">II", head[16:24])  # PNG specification, section 11.2.1
        return width, height
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.size
    except (UnidentifiedImageError, OSError) as error:
        raise DatasetError(f"{path}: not a readable image ({error}); expected a PNG") from error
