"""A category's regions, read from the official layout and cached beside the dataset.

Only scoring opens this: checking an upload never does.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from scoring.errors import DatasetError
from scoring.manifest import GOOD, CategoryManifest, files_below
from scoring.truth import CategoryTruth, Region, folder_of, saturation_area
from scoring.truth_pack import SCHEMA, pack_bytes, read_pack

__all__ = [
    "CACHE_FOLDER",
    "CategoryTruth",
    "DefectsConfig",
    "Region",
    "decode_region",
    "folder_of",
    "pack_bytes",
    "parse_defects_config",
    "read_defects_config",
    "read_pack",
    "read_truth",
    "saturation_area",
]

CACHE_FOLDER = ".autovi-cache"
_CACHE_FORMAT = f"pack-{SCHEMA}"
_REGION_MODES = ("L", "LA", "RGB", "RGBA")
UNREADABLE = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,  # some broken PNG files
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # where warnings are errors
)
"""What Pillow raises for a file that is no image, is damaged or announces too many pixels."""

DefectsConfig = dict[int, tuple[float, bool]]
"""Pixel value -> (saturation threshold, whether it is relative to the region's area)."""


def read_truth(category: CategoryManifest, *, cache: bool = True) -> CategoryTruth:
    """Read, or take from the cache, a category's regions.

    The cache lies in the dataset's folder under a name made from the hash of all ground-truth
    bytes, so a changed file is never missed. A folder that cannot be written is not an error.

    Raises `DatasetError`, naming the file, if the ground truth is not as docs/submitting.md says.
    """
    if category.flat:
        raise DatasetError(
            f"{category.root}: test images have opaque ids; their ground truth is not here"
        )
    files = _region_files(category)
    path = _cache_path(category, files)
    truth = _cached(path) if cache else None
    if truth is None:
        truth = _truth(category, files)
        if cache:
            _save(path, pack_bytes(truth))
    return truth


def _truth(category: CategoryManifest, files: list[str]) -> CategoryTruth:
    regions: dict[str, list[Region]] = {}
    for key, region in _read_regions(category, files):
        regions.setdefault(key, []).append(region)
    keys = sorted(category.images)
    return CategoryTruth(
        category.name,
        category.images,
        {key: tuple(found) for key, found in sorted(regions.items())},
        tuple(key for key in keys if folder_of(key) != GOOD),
        tuple(key for key in keys if folder_of(key) == GOOD),
    )


def _region_files(category: CategoryManifest) -> list[str]:
    """Region files, relative to `ground_truth`."""
    return files_below(category.root / "ground_truth", (".png",))


def _cache_path(category: CategoryManifest, files: list[str]) -> Path:
    digest = hashlib.sha256(_CACHE_FORMAT.encode())
    root = str(category.root)
    for name in ("defects_config.json", *(f"ground_truth/{name}" for name in files)):
        try:
            with open(os.path.join(root, name), "rb", buffering=0) as file:
                data = file.read()
        except FileNotFoundError:
            data = b""
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    digest.update(json.dumps(category.images, sort_keys=True).encode())
    return category.root / CACHE_FOLDER / f"{category.name}-{digest.hexdigest()[:32]}.npz"


def _read_regions(category: CategoryManifest, files: list[str]) -> Iterator[tuple[str, Region]]:
    config = read_defects_config(category.root / "defects_config.json") if files else {}
    for name in files:
        path = category.root / "ground_truth" / name
        key = name.rpartition("/")[0]
        if key not in category.images or folder_of(key) == GOOD:
            raise DatasetError(f"{path}: there is no anomalous test image {key}")
        yield key, _read_region(path, category.images[key], config)


def read_defects_config(path: Path) -> DefectsConfig:
    """`defects_config.json` as pixel value -> (saturation threshold, relative).

    Raises `DatasetError`, naming the file, with the first of its problems.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be used ({error}); {_EXPECTED_CONFIG}") from error
    config, problems = parse_defects_config(text)
    if problems:
        raise DatasetError(f"{path}: {problems[0]}")
    return config


_KEYS = ("defect_name", "pixel_value", "saturation_threshold", "relative_saturation")
_EXPECTED_CONFIG = f"expected a list of {', '.join(_KEYS)}"


def parse_defects_config(text: str) -> tuple[DefectsConfig, list[str]]:
    """The text of a `defects_config.json` as its entries and everything wrong with it."""
    problems: list[str] = []
    try:
        entries = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, problems),
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        return {}, [f"cannot be used ({error}); {_EXPECTED_CONFIG}"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return {}, [f"cannot be used (no list of objects); {_EXPECTED_CONFIG}"]
    config: DefectsConfig = {}
    for number, entry in enumerate(entries, 1):
        problem = _entry_problem(entry)
        if problem is None and entry["pixel_value"] in config:
            problem = (
                f"has the pixel_value {entry['pixel_value']} a second time; "
                "expected distinct pixel values 1..255"
            )
        if problem is None:
            config[entry["pixel_value"]] = (
                entry["saturation_threshold"],
                entry["relative_saturation"],
            )
        else:
            problems.append(f"entry {number} {problem}")
    return config, problems


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _object(pairs: list[tuple[str, Any]], problems: list[str]) -> dict[str, Any]:
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            problems.append(f"an entry has the key {key!r} {count} times; expected each key once")
    return dict(pairs)


def _entry_problem(entry: dict[str, Any]) -> str | None:
    missing = [key for key in _KEYS if key not in entry]
    if missing:
        return f"has no {', '.join(missing)}; {_EXPECTED_CONFIG}"
    name = entry["defect_name"]
    if not isinstance(name, str) or not name.isprintable():
        return f"has the defect_name {name!r}; expected printable text"
    value, relative = entry["pixel_value"], entry["relative_saturation"]
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 255:
        return f"has the pixel_value {value!r}; expected distinct pixel values 1..255"
    threshold = entry["saturation_threshold"]
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not isinstance(relative, bool) or not number:
        return "needs a number as saturation_threshold, true or false as relative_saturation"
    if not (0 < threshold <= 1 if relative else 1 <= threshold < math.inf):
        return f"has a saturation_threshold of {threshold}, which is out of range"
    return None


def _read_region(path: Path, size: tuple[int, int], config: DefectsConfig) -> Region:
    try:
        with path.open("rb") as file:
            return decode_region(file, size, config)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error


def decode_region(file: IO[bytes] | bytes, size: tuple[int, int], config: DefectsConfig) -> Region:
    """One region file's pixels; `size` is its image's (width, height).

    Raises `DatasetError` with what is wrong with the file, without its name.
    """
    try:
        source = io.BytesIO(file) if isinstance(file, bytes) else file
        with Image.open(source, formats=("PNG",)) as image:
            if image.mode not in _REGION_MODES:
                raise DatasetError(f"has mode {image.mode}; expected grey or RGB, 8 bits")
            if image.size != size:
                raise DatasetError(f"is {image.size} pixels (width, height); its image is {size}")
            red = np.asarray(image)
    except UNREADABLE as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"is no readable image ({reason(error)}); expected a PNG") from error
    red = red if red.ndim == 2 else red[..., 0]
    pixels = np.flatnonzero(red).astype(np.int32)
    values = np.unique(red.reshape(-1)[pixels])
    if len(values) != 1:
        raise DatasetError(f"holds the values {values.tolist()} above 0; expected exactly one")
    if int(values[0]) not in config:
        raise DatasetError(f"the value {values[0]} stands for no defect in defects_config.json")
    return Region(pixels, saturation_area(len(pixels), *config[int(values[0])]))


def reason(error: Exception) -> str:
    """What Pillow says of a file that it cannot read, without the address of its bytes."""
    return str(error).partition(" <")[0]


def _cached(path: Path) -> CategoryTruth | None:
    try:
        return read_pack(path)
    except DatasetError:
        return None  # absent, or half-written by something other than us: made anew


def _save(path: Path, data: bytes) -> None:
    temporary = None
    try:
        path.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = file.name
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
