"""Anomaly maps of a chosen quality for any dataset in AutoVI's layout, as one submission archive.

They are made from the regions themselves, so they are no method's result; they look like one: a
smooth noisy ground, a hill over most regions, some regions missed, some hills where nothing is.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from scoring.sampledata.canvas import Plane
from scoring.sampledata.files import SampleDataError, whole_file
from scoring.sampledata.layout import TestImage, find_images
from scoring.sampledata.png import encode_png
from scoring.sampledata.seeding import generator

Kind = Literal["png8", "png16", "tiff32"]
Progress = Callable[[int, int], None]

MAX_RUNS = 10
_CELL = 4  # maps are made at a quarter of the size, as a network's feature grid would
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time stamp a zip can hold


def draw_maps(
    dataset: Path,
    out: Path,
    quality: float,
    seed: int,
    *,
    runs: int = 1,
    kind: Kind = "png8",
    categories: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write an archive (zip, members stored) of anomaly maps for all test images of a dataset.

    `quality`: 0 (chance) to 1 (nearly perfect). `seed`: equal arguments give equal bytes; every run
    differs. `runs`: 1 gives `<category>/test/<folder>/<id>.<ext>`, more (to 10) put that under
    `run_0/`, `run_1/`... `kind`: 8- or 16-bit grey PNG, or float32 TIFF (0..1, deflate).
    `categories`: default all. `progress(done, total)` is called after each map. An existing file
    `out` is replaced at the end, never before.
    Raises SampleDataError (a ValueError) for an argument out of range, a folder that is no dataset.
    """
    _check(quality, runs, kind)
    images = find_images(Path(dataset), categories)
    prefixes = [""] if runs == 1 else [f"run_{run}/" for run in range(runs)]
    metadata = json.dumps(_metadata(quality, seed, runs), indent=2, sort_keys=True) + "\n"
    total, done = len(images) * runs, 0
    with whole_file(Path(out)) as work, zipfile.ZipFile(work, "w", zipfile.ZIP_STORED) as archive:
        for run, prefix in enumerate(prefixes):
            for name, body in _members(images, quality, seed, run, kind):
                _add(archive, prefix + name, body)
                done += 1
                if progress is not None:
                    progress(done, total)
        _add(archive, "submission.json", metadata.encode())


def _check(quality: float, runs: int, kind: str) -> None:
    if not 0 <= quality <= 1:
        raise SampleDataError(f"quality: {quality}; expected a number from 0 to 1")
    if not 1 <= runs <= MAX_RUNS:
        raise SampleDataError(f"runs: {runs}; expected 1 to {MAX_RUNS}")
    if kind not in get_args(Kind):
        raise SampleDataError(f"kind: {kind}; expected one of {', '.join(get_args(Kind))}")


def _members(
    images: Sequence[TestImage], quality: float, seed: int, run: int, kind: Kind
) -> Iterator[tuple[str, bytes]]:
    extension = "tiff" if kind == "tiff32" else "png"
    for image in images:
        rng = generator(seed, run, image.category, image.folder, image.image_id)
        values = anomaly_map(image.size, image.region_masks(), quality, rng)
        name = f"{image.category}/test/{image.folder}/{image.image_id}.{extension}"
        yield name, _encode(values, kind)


def _metadata(quality: float, seed: int, runs: int) -> dict[str, object]:
    return {
        "method": f"Sample maps, quality {quality:g}",
        "description": "Maps drawn from the regions themselves, for demonstrations and tests; "
        "no model was trained and the scores mean nothing.",
        "family": "samples",
        "backbone": "none",
        "pretraining_data": "none",
        "supervision": "none",
        "variant": f"quality={quality:g}, runs={runs}",
        "seed": seed,
        "no_test_images_used": True,
    }


@dataclass(frozen=True)
class _Habits:
    """What a quality means: hills over regions, misses, false alarms, noise (map units, 0..1)."""

    signal: float
    miss: float
    alarm: float
    noise: float

    @classmethod
    def of(cls, quality: float) -> _Habits:
        return cls(
            signal=0.56 * quality**0.8,
            miss=0.5 * (1 - quality),
            alarm=0.4 * (1 - quality) + 0.02,
            noise=0.07 - 0.04 * quality,
        )


def anomaly_map(
    size: tuple[int, int],
    regions: Sequence[NDArray[np.bool_]],
    quality: float,
    rng: np.random.Generator,
) -> Plane:
    """One map: float32, 0..1, shape (h, w) for `size` = (w, h). Higher is more anomalous.

    The same draws are made whatever the quality, so maps of two qualities with one seed differ by
    the quality alone.
    """
    habits = _Habits.of(quality)
    shape = (-(-size[1] // _CELL), -(-size[0] // _CELL))
    ground = _noise(shape, rng) * np.float32(habits.noise)
    level = np.float32(0.2 + 0.03 * rng.standard_normal())
    values = level + ground + _alarm(shape, habits, rng)
    hills = np.zeros(shape, np.float32)
    for region in regions:
        np.maximum(hills, _hill(region, shape, habits, quality, rng), out=hills)
    full = Image.fromarray(values + hills).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(full), 0, 1)


def _noise(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Smooth noise of zero mean and unit deviation: broad patches and finer grain."""
    broad = _unit(ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 7))
    fine = _unit(ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 2))
    return _unit(broad + np.float32(0.7) * fine)


def _unit(plane: Plane) -> Plane:
    spread = plane.std()
    return plane / spread if spread > 0 else plane


def _alarm(shape: tuple[int, int], habits: _Habits, rng: np.random.Generator) -> Plane:
    """A false hill somewhere, in some images."""
    happens, height = rng.uniform(), rng.gamma(3.0, 0.07)
    row, column, width = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(3, 9)
    if happens >= habits.alarm:
        return np.zeros(shape, np.float32)
    down = np.exp(-(((np.arange(shape[0]) - row) / width) ** 2) / 2)
    across = np.exp(-(((np.arange(shape[1]) - column) / width) ** 2) / 2)
    return (min(height, 0.6) * down[:, None] * across[None, :]).astype(np.float32)


def _hill(
    region: NDArray[np.bool_],
    shape: tuple[int, int],
    habits: _Habits,
    quality: float,
    rng: np.random.Generator,
) -> Plane:
    """The response to one region: softened, a little beside it, uneven, or absent."""
    missed, strength = rng.uniform() < habits.miss, np.clip(rng.normal(1, 0.22), 0.45, 1.35)
    shift, ripple = rng.normal(0, 1, 2), _noise(shape, rng)
    grey = Image.fromarray(region.astype(np.float32))
    small = np.asarray(grey.resize(shape[::-1], Image.Resampling.BOX))
    if missed or not small.any():
        return np.zeros(shape, np.float32)
    reach = np.sqrt(small.sum())
    soft = ndimage.gaussian_filter(small, 1 + (0.06 + 0.2 * (1 - quality)) * reach)
    soft = ndimage.shift(soft, shift * 0.12 * (1 - quality) * reach, order=1)
    uneven = 1 + np.float32(0.3 * (1 - 0.6 * quality)) * ripple
    return np.float32(habits.signal * strength) * soft / max(soft.max(), 1e-6) * uneven


def _encode(values: Plane, kind: Kind) -> bytes:
    if kind == "png8":
        return encode_png(np.round(values * 255).astype(np.uint8), level=4)
    if kind == "png16":
        return encode_png(np.round(values * 65535).astype(np.uint16), level=4)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        values,
        compression="adobe_deflate",
        metadata=None,
        software=False,
        photometric="minisblack",
    )
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, body: bytes) -> None:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system = 3
    member.external_attr = 0o100644 << 16
    archive.writestr(member, body, zipfile.ZIP_STORED)
