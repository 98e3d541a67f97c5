"""Drawing a whole sample dataset: what to draw, one picture, and many of them over processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scoring.sampledata.camera import expose, project, random_camera
from scoring.sampledata.canvas import Canvas
from scoring.sampledata.catalogue import CATALOGUE, Category, RegionFormat, scaled
from scoring.sampledata.files import SampleDataError, whole_folder
from scoring.sampledata.png import encode_png
from scoring.sampledata.scenes import SCENES
from scoring.sampledata.seeding import generator
from scoring.sampledata.shading import random_light, shade

Progress = Callable[[int, int], None]

_BATCH = 8  # pictures a task: few enough to spread well, enough to outweigh sending it
_NOTE = """\
# Rendered samples

Every picture here was drawn by `autovi sample-data` (seed {seed}, scale {scale}). The folders,
names, sizes and counts follow AutoVI v1.0.0 (DOI 10.5281/zenodo.10459003), and nothing else does:
there is no photograph in it, and scores on it say nothing about any real inspection task.
"""


@dataclass(frozen=True)
class Picture:
    """One picture to draw: its place in the dataset and the defects it shows."""

    category: str
    split: str  # "train" | "test"
    folder: str
    index: int
    defects: tuple[str, ...]


def draw_dataset(
    out: Path,
    scale: float,
    seed: int,
    *,
    categories: Sequence[str] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Draw a dataset in AutoVI's layout: six categories of rendered parts, with their regions.

    `out`: a new or empty folder; it appears only when all is drawn. `scale`: share of the published
    counts, > 0, each folder keeping at least one picture; sizes are never scaled. `seed`: equal
    arguments give equal bytes, whatever `jobs` (processes; default: one a processor).
    `categories`: names to draw, default all; a category's pictures do not depend on the others.
    `progress(done, total)` is called after each picture.
    Raises SampleDataError (a ValueError) for a path in use, an unknown category, a scale or number
    of jobs that is not positive.
    """
    chosen = _chosen(categories)
    if not 0 < scale < float("inf"):
        raise SampleDataError(f"scale: {scale}; expected a number above 0, such as 0.05 or 1.0")
    workers = jobs if jobs is not None else os.cpu_count() or 1
    if workers < 1:
        raise SampleDataError(f"jobs: {workers}; expected at least 1")
    pictures = [picture for category in chosen for picture in plan(category, scale, seed)]
    with whole_folder(Path(out)) as work:
        for category in chosen:
            _make_folders(work, category)
        (work / "README.md").write_text(_NOTE.format(seed=seed, scale=scale), encoding="utf-8")
        done = 0
        for drawn in _draw_all(work, pictures, seed, workers):
            for _ in range(drawn):
                done += 1
                if progress is not None:
                    progress(done, len(pictures))


def plan(category: Category, scale: float, seed: int) -> list[Picture]:
    """All pictures of a category at a scale, in the order of their folders."""
    name = category.name
    pictures = [Picture(name, "train", "good", i, ()) for i in range(scaled(category.train, scale))]
    folders = {"good": category.good, **category.folders}
    for folder, count in sorted(folders.items()):
        for index in range(scaled(count, scale)):
            defects = _defects(category, folder, index, seed)
            pictures.append(Picture(name, "test", folder, index, defects))
    return pictures


def _defects(category: Category, folder: str, index: int, seed: int) -> tuple[str, ...]:
    if folder == "good":
        return ()
    if folder != "multiple":
        return (folder,)
    choice = generator(seed, category.name, "mixture").permutation(len(category.mixtures))
    return category.mixtures[int(choice[index % len(choice)])]


def _chosen(categories: Sequence[str] | None) -> list[Category]:
    names = list(CATALOGUE) if categories is None else sorted(set(categories))
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown or not names:
        given = ", ".join(unknown) or "none given"
        raise SampleDataError(f"categories: {given}; expected some of {', '.join(CATALOGUE)}")
    return [CATALOGUE[name] for name in names]


def _make_folders(root: Path, category: Category) -> None:
    base = root / category.name
    for folder in ("train/good", "test/good", *(f"test/{name}" for name in category.folders)):
        (base / folder).mkdir(parents=True)
    entries = json.dumps([defect.entry() for defect in category.defects], indent=4)
    (base / "defects_config.json").write_text(entries + "\n", encoding="utf-8")


def _draw_all(root: Path, pictures: Sequence[Picture], seed: int, workers: int) -> Iterator[int]:
    """Draw in batches; yields the number of pictures of each batch as it is done."""
    if workers == 1 or len(pictures) <= _BATCH:
        for picture in pictures:
            yield draw_batch(root, [picture], seed)
        return
    batches = [pictures[i : i + _BATCH] for i in range(0, len(pictures), _BATCH)]
    context = multiprocessing.get_context("spawn")
    workers = min(workers, len(batches))
    with ProcessPoolExecutor(workers, context, initializer=_leave_ctrl_c_to_the_parent) as pool:
        try:
            pending: set[Future[int]] = {pool.submit(draw_batch, root, b, seed) for b in batches}
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def draw_batch(root: Path, pictures: Sequence[Picture], seed: int) -> int:
    """Draw and write some pictures; the number of them."""
    for picture in pictures:
        _write(root, picture, seed)
    return len(pictures)


def render(
    picture: Picture, seed: int
) -> tuple[NDArray[np.uint8], list[tuple[str, NDArray[np.bool_]]]]:
    """One picture, uint8 (h, w, 3), and its regions: (defect, (h, w) mask), none of them empty."""
    rng = generator(seed, picture.category, picture.split, picture.folder, picture.index)
    size = CATALOGUE[picture.category].size
    canvas = _backdrop(picture.category, seed).copy(random_light(rng))
    camera = random_camera(rng, size, canvas.margin)
    regions = SCENES[picture.category].parts(canvas, rng, picture.defects)
    photograph = expose(shade(canvas), camera, size, rng)
    return photograph, [(defect, project(mask, camera, size)) for defect, mask in regions]


@lru_cache(maxsize=2)
def _backdrop(category: str, seed: int) -> Canvas:
    size = CATALOGUE[category].size
    canvas = Canvas(size, margin=28 if size[0] < 600 else 48)
    SCENES[category].backdrop(canvas, generator(seed, category, "backdrop"))
    return canvas


def _write(root: Path, picture: Picture, seed: int) -> None:
    category = CATALOGUE[picture.category]
    base = root / category.name
    pixels, regions = render(picture, seed)
    name = f"{picture.index:04d}"
    (base / picture.split / picture.folder / f"{name}.png").write_bytes(encode_png(pixels))
    for number, (defect, mask) in enumerate(regions):
        folder = base / "ground_truth" / picture.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        file = _region_file(mask, category.pixel_value(defect), category.region_format)
        (folder / f"{number:04d}.png").write_bytes(file)


def _region_file(mask: NDArray[np.bool_], value: int, kind: RegionFormat) -> bytes:
    grey = mask * np.uint8(value)
    if kind == "grey":
        return encode_png(grey, level=6)
    rgb = np.zeros((*grey.shape, 3), np.uint8)
    rgb[...] = grey[..., None] if kind == "rgb" else 0
    rgb[..., 0] = grey
    return encode_png(rgb, level=6)
