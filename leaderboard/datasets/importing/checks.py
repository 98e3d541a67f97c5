"""Read and check every file of a category before anything is written."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from leaderboard.datasets.importing import pictures
from leaderboard.datasets.importing.layouts import CONFIG, CategoryLayout, TestImage
from leaderboard.datasets.importing.problems import ImportProblems
from leaderboard.datasets.importing.sources import SourceFile
from scoring.errors import DatasetError, MapError
from scoring.ground_truth import DefectsConfig, decode_region, parse_defects_config
from scoring.manifest import GOOD
from scoring.truth import CategoryTruth, Region, folder_of

_AHEAD = 32
Item = TypeVar("Item")
Result = TypeVar("Result")
Step = Callable[[], None]


@dataclass(frozen=True)
class Checked:
    """A category that is sound.

    ``size`` is (width, height) of most images, ``lines`` a line a file with
    its SHA-256 and its name in the dataset, ``defects`` the configuration's
    entries, ``has_colour`` whether an image has three channels, ``depths`` the
    bits a channel that images have.
    """

    layout: CategoryLayout
    truth: CategoryTruth
    size: tuple[int, int]
    lines: tuple[str, ...]
    defects: list[dict[str, Any]] = field(default_factory=list)
    has_colour: bool = False
    depths: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        return self.layout.name

    def counts(self) -> dict[str, int]:
        """Test images by folder."""
        return dict(sorted(Counter(map(folder_of, self.layout.test)).items()))


class _Read(NamedTuple):
    """What an image file holds; ``size`` is None where it cannot be used, for ``problem``."""

    size: tuple[int, int] | None = None
    digest: str = ""
    problem: str = ""
    has_colour: bool = False
    depth: int = 8


def in_order(work: Callable[[Item], Result], items: Iterable[Item], step: Step) -> Iterator[Result]:
    """``work`` of each item, in order, by threads; ``step`` is called after each.

    Threads work some items ahead, so that they need not wait for what is done with a result.
    """
    remaining = iter(items)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        ahead = deque(pool.submit(work, item) for item in islice(remaining, _AHEAD))
        while ahead:
            result = ahead.popleft().result()
            ahead.extend(pool.submit(work, item) for item in islice(remaining, 1))
            step()
            yield result


def n_files(layout: CategoryLayout) -> int:
    """How many files a check reads; `step` is called as often."""
    regions = sum(len(image.regions) + bool(image.mask) for image in layout.test.values())
    return len(layout.train) + len(layout.validation) + len(layout.test) + regions


def check(
    layout: CategoryLayout, *, one_size: bool, problems: ImportProblems, step: Step
) -> Checked:
    """Check a category; whatever is wrong goes to ``problems``.

    The result means something only where there are none.
    """
    config, defects, config_lines = _config(layout, problems)
    named = _images(layout)
    if not layout.train:
        problems.add(layout.name, "has no training image; expected train/good/<image_id>.png")
    if not layout.test:
        problems.add(layout.name, "has no test image; expected test/<folder>/<image_id>.png")
    read = list(in_order(_read_image, named.values(), step))
    images = dict(zip(named, read, strict=True))
    for name, image in images.items():
        if image.size is None:
            problems.add(named[name].place, image.problem)
    usual = _usual_size(images, named, one_size, problems)
    test_sizes = {key: images[f"test/{key}"].size for key in sorted(layout.test)}
    regions, region_lines = _regions(layout, test_sizes, config, problems, step)
    truth = CategoryTruth(
        layout.name,
        {key: size or (0, 0) for key, size in test_sizes.items()},
        regions,
        tuple(key for key in test_sizes if folder_of(key) != GOOD),
        tuple(key for key in test_sizes if folder_of(key) == GOOD),
    )
    image_lines = [f"{image.digest}  {layout.name}/{name}" for name, image in images.items()]
    lines = (*config_lines, *image_lines, *region_lines)
    has_colour = any(image.has_colour for image in read)
    depths = frozenset(image.depth for image in read)
    return Checked(layout, truth, usual, lines, defects, has_colour, depths)


def _images(layout: CategoryLayout) -> dict[str, SourceFile]:
    """All images by split and key."""
    return {
        **{f"train/{GOOD}/{key}": file for key, file in sorted(layout.train.items())},
        **{f"validation/{GOOD}/{key}": file for key, file in sorted(layout.validation.items())},
        **{f"test/{key}": image.file for key, image in sorted(layout.test.items())},
    }


def _read_image(file: SourceFile) -> _Read:
    try:
        data = file.read()
        pixels = pictures.decode(data)
    except (MapError, pictures.PictureError) as error:
        return _Read(problem=str(error))
    digest = hashlib.sha256(data).hexdigest()
    has_colour, depth = pixels.ndim == 3, pictures.depth(pixels)
    return _Read(pictures.size_of(pixels), digest, has_colour=has_colour, depth=depth)


def _usual_size(
    images: Mapping[str, _Read],
    files: Mapping[str, SourceFile],
    one_size: bool,
    problems: ImportProblems,
) -> tuple[int, int]:
    known = {name: image.size for name, image in images.items() if image.size is not None}
    if not known:
        return 0, 0
    usual = Counter(known.values()).most_common(1)[0][0]
    for name, size in known.items():
        if one_size and size != usual:
            problems.add(
                files[name].place,
                f"is {size[0]}x{size[1]} pixels; expected {usual[0]}x{usual[1]}, "
                "as the other images of the category",
            )
    return usual


def _config(
    layout: CategoryLayout, problems: ImportProblems
) -> tuple[DefectsConfig | None, list[dict[str, Any]], list[str]]:
    """The configuration (None where it cannot be read), its entries, its line."""
    if layout.config is None:
        if any(image.regions for image in layout.test.values()):
            problems.add(f"{layout.name}/{CONFIG}", "is missing; it explains the region files")
        return None, [], []
    try:
        data = layout.config.read()
        text = data.decode("utf-8")
    except (MapError, UnicodeDecodeError) as error:
        problems.add(layout.config.place, f"cannot be read ({error}); expected UTF-8 text")
        return None, [], []
    config, wrong = parse_defects_config(text)
    for problem in wrong:
        problems.add(layout.config.place, problem)
    if wrong:
        return None, [], []
    line = f"{hashlib.sha256(data).hexdigest()}  {layout.name}/{CONFIG}"
    return config, json.loads(text), [line]


def _regions(
    layout: CategoryLayout,
    sizes: Mapping[str, tuple[int, int] | None],
    config: DefectsConfig | None,
    problems: ImportProblems,
    step: Step,
) -> tuple[dict[str, tuple[Region, ...]], list[str]]:
    """Regions by image key, and a line a file."""
    found: dict[str, tuple[Region, ...]] = {}
    lines = []
    anomalous = [layout.test[key] for key in sizes if not layout.test[key].is_good]
    for image in anomalous:
        if not _region_files(image):
            problems.add(image.file.place, "is anomalous but has no region in the ground truth")
    work = [(image, file) for image in anomalous for file in _region_files(image)]

    def read(item: tuple[TestImage, SourceFile]) -> tuple[tuple[Region, ...], str, str]:
        return _read_region(item[1], sizes[item[0].key], config, layout.has_masks)

    for (image, file), (regions, digest, problem) in zip(
        work, in_order(read, work, step), strict=True
    ):
        if problem:
            problems.add(file.place, problem)
        found[image.key] = (*found.get(image.key, ()), *regions)
        last = file.member.name.rpartition("/")[2]
        lines.append(f"{digest}  {layout.name}/ground_truth/{image.key}/{last}")
    return dict(sorted(found.items())), lines


def _region_files(image: TestImage) -> Sequence[SourceFile]:
    return [image.mask] if image.mask is not None else image.regions


def _read_region(
    file: SourceFile,
    size: tuple[int, int] | None,
    config: DefectsConfig | None,
    is_mask: bool,
) -> tuple[tuple[Region, ...], str, str]:
    """The file's regions, its SHA-256, and what is wrong with it.

    Where its image or the configuration cannot be read, that is said there.
    """
    try:
        data = file.read()
    except MapError as error:
        return (), "", str(error)
    if size is None or (config is None and not is_mask):
        return (), "", ""
    try:
        if is_mask:
            regions = pictures.components(data, size)
        else:
            regions = (decode_region(data, size, config or {}),)
    except (DatasetError, pictures.PictureError) as error:
        return (), "", str(error)
    return regions, hashlib.sha256(data).hexdigest(), ""
