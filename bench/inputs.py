"""The files that the benchmarks work on: made once, kept under bench/data.

Everything is cut from one drawn dataset with AutoVI's counts and sizes. The maps of a selection of
images are copies of the drawn ones, so that every contender and every selection meets the same
bytes. Members are stored, as the maps' own compression leaves nothing to pack.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scoring.sampledata import draw_dataset, draw_maps

DATA = Path(__file__).parent / "data"
KINDS = ("png8", "png16", "tiff32")
SEED = 0
QUALITY = 0.8
Picks = Mapping[str, Mapping[str, str]]
_EXTENSION = {"png8": "png", "png16": "png", "tiff32": "tiff"}


@dataclass(frozen=True)
class Work:
    """A dataset and its maps.

    Attributes
    ----------
    dataset : Path
    maps_from : Work or None
        Where the maps are copied from; None if they are drawn.
    picks : dict of str to dict of str to str
        For copied maps, by category: image key ``<folder>/<id>`` here to the key there.
    """

    dataset: Path
    maps_from: Work | None = None
    picks: Picks | None = None

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def categories(self) -> list[str]:
        return sorted(path.parent.name for path in self.dataset.glob("*/test"))

    @property
    def keys(self) -> list[str]:
        """Keys ``<folder>/<id>`` of all test images, sorted, category after category."""
        return [key for category in self.categories for key in self.keys_of(category)]

    def keys_of(self, category: str) -> list[str]:
        """Those of one category."""
        path = self.dataset / category / "test"
        return [
            str(image.relative_to(path).with_suffix("")) for image in sorted(path.glob("*/*.png"))
        ]

    def archive(self, kind: str) -> Path:
        """The archive of anomaly maps of that kind, made if it is not there yet."""
        path = DATA / f"{self.name}-{kind}.zip"
        if not path.exists():
            print(f"making {path.name} ...", flush=True)
            if self.maps_from is None:
                draw_maps(self.dataset, path, QUALITY, SEED, kind=kind)  # type: ignore[arg-type]
            else:
                self._copy_maps(self.maps_from.archive(kind), path, _EXTENSION[kind])
        return path

    def _copy_maps(self, source: Path, path: Path, extension: str) -> None:
        assert self.picks is not None
        unfinished = path.with_suffix(".part")
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(unfinished, "w") as new:
            for category, picks in sorted(self.picks.items()):
                for key, picked in sorted(picks.items()):
                    body = old.read(f"{category}/test/{picked}.{extension}")
                    new.writestr(zipfile.ZipInfo(f"{category}/test/{key}.{extension}"), body)
        unfinished.rename(path)


def whole(scale: float) -> Work:
    """All six categories at this share of AutoVI's counts."""
    path = DATA / f"all-{scale:g}"
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        print(f"drawing {path.name} (minutes at scale 1) ...", flush=True)
        draw_dataset(path, scale, SEED)
    return Work(path)


def one_category(category: str, scale: float) -> Work:
    """One category of the whole; its maps are those of the whole, too."""
    source = whole(scale)
    path = DATA / f"{category}-{scale:g}"
    _link(source.dataset, path, {category: {key: key for key in source.keys_of(category)}})
    return Work(path)


def selection(source: Work, label: str, picks: Picks) -> Work:
    """Some images, under keys of their own: by category, new key to old key."""
    path = DATA / f"{source.name}-{label}"
    _link(source.dataset, path, picks)
    return Work(path, source, picks)


def two_images(source: Work) -> Work:
    """One good and one anomalous image of each category: what start-up is timed on."""
    picks = {}
    for category in source.categories:
        keys = source.keys_of(category)
        good = next(key for key in keys if key.startswith("good/"))
        anomalous = next(key for key in keys if not key.startswith("good/"))
        picks[category] = {good: good, anomalous: anomalous}
    return selection(source, "two", picks)


def spread(source: Work, count: int) -> Work:
    """So many images, evenly spread over the sorted list of all."""
    (category,), keys = source.categories, source.keys
    count = min(count, len(keys))
    picked = [keys[i * len(keys) // count] for i in range(count)]
    return selection(source, f"{count}", {category: {key: key for key in picked}})


def with_good(source: Work, count: int) -> Work:
    """All anomalous images, and so many good ones: the drawn ones over and over."""
    (category,) = source.categories
    good = [key for key in source.keys if key.startswith("good/")]
    picks = {key: key for key in source.keys if not key.startswith("good/")}
    picks |= {f"good/{i:04}": good[i % len(good)] for i in range(count)}
    return selection(source, f"good{count}", {category: picks})


def unsaturated(work: Work) -> Path:
    """The same dataset with every region wholly wanted: its sPRO is the PRO of others."""
    (category,) = work.categories
    path = work.dataset.with_name(f"{work.name}-pro")
    if not path.exists():
        shutil.copytree(work.dataset, path, copy_function=os.link)
        config = path / category / "defects_config.json"
        entries = json.loads(config.read_text())
        for entry in entries:
            entry |= {"saturation_threshold": 1.0, "relative_saturation": True}
        config.unlink()  # it is a link to the other dataset's
        config.write_text(json.dumps(entries))
    return path


def size_on_disk() -> int:
    """Bytes under bench/data, files with several names counted once."""
    stats = {(s.st_dev, s.st_ino): s.st_size for s in (p.stat() for p in DATA.rglob("*"))}
    return sum(stats.values())


def _link(source: Path, target: Path, picks: Picks) -> None:
    """A dataset of hard links: test images, their regions, the saturation tables."""
    if target.exists():
        return
    unfinished = target.with_name(target.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    for category, keys in picks.items():
        _link_category(source / category, unfinished / category, keys)
    unfinished.rename(target)


def _link_category(source: Path, target: Path, picks: Mapping[str, str]) -> None:
    for key, picked in picks.items():
        _link_one(source / "test" / f"{picked}.png", target / "test" / f"{key}.png")
        regions = source / "ground_truth" / picked
        for region in sorted(regions.glob("*.png")):
            _link_one(region, target / "ground_truth" / key / region.name)
    _link_one(source / "defects_config.json", target / "defects_config.json")


def _link_one(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)
