"""What a dataset's page says: tasks, counts beside the paper's, defects, how it was split.

Words and the paper's counts are data of a preset (``about/<preset>.json``,
``paper/*.csv``). Where labels are hidden nothing is counted or named by label.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from leaderboard.datasets import autovi, thumbnails
from leaderboard.datasets.models import DatasetVersion, Labels

HERE = Path(__file__).parent

GENERIC_TASK = (
    "Good parts to learn from; test images that are good or show something that should not be "
    "there, or lack something that should."
)
GENERIC_SPLIT = (
    "Training and test images are those of the dataset as it was published; the training images "
    "are all good."
)
HIDDEN_SPLIT = (
    "The labels of the test images are not published. A test image's name is a rank under a keyed "
    "hash, so it tells nothing of the image; all test images were written anew, without metadata "
    "or time stamps. Maps are handed in under these names."
)
OPENED_SPLIT = (
    "The labels of the test images were hidden and have been opened since. Images keep the names "
    "that they had, ranks under a keyed hash; maps are handed in under these names."
)
PUBLIC_SPLIT = (
    "Test images lie in a folder each for the good ones and for every kind of defect; the labels "
    "are known to everybody."
)


@dataclass(frozen=True)
class Count:
    """A count of the imported files, and the paper's where it prints one."""

    here: int
    paper: int | None = None

    @property
    def differs(self) -> bool:
        return self.paper is not None and self.paper != self.here


@dataclass(frozen=True)
class Defect:
    """An entry of defects_config.json, in words."""

    name: str
    images: int | None
    """Test images of the folder of that name; None where there is no such folder."""
    saturation: str


@dataclass(frozen=True)
class Task:
    """One category: what is inspected, its counts, its pictures."""

    name: str
    label: str
    text: str
    width: int
    height: int
    train: Count
    test: Count
    good: Count | None
    anomalous: Count | None
    folders: tuple[tuple[str, int], ...]
    defects: tuple[Defect, ...]
    pictures: range


@dataclass(frozen=True)
class About:
    """All that the page says beside downloads and licence."""

    tasks: tuple[Task, ...]
    totals: tuple[int, ...]
    """Sums of the columns: train, test, and where labels are public good and anomalous."""
    split: tuple[str, ...]
    paper: Mapping[str, str] | None
    """``table``, ``url`` and ``difference`` where the paper counted this dataset."""
    labels_are_public: bool

    @property
    def has_defects(self) -> bool:
        """Whether anything is known of kinds of defects, and may be said."""
        return any(task.defects for task in self.tasks)

    @property
    def differs(self) -> bool:
        """Whether any count differs from the paper's."""
        return any(
            count is not None and count.differs
            for task in self.tasks
            for count in (task.train, task.test, task.good, task.anomalous)
        )


def about(version: DatasetVersion) -> About:
    """What the page says of ``version``; a few files of the project are read once."""
    words = words_of(version)
    paper = words.get("paper")
    counted = _paper_counts(paper["counts"]) if paper else {}
    tasks = tuple(
        _task(version, name, words.get("tasks", {}), counted.get(name, {}))
        for name in version.categories
    )
    public = version.labels == Labels.PUBLIC
    told = OPENED_SPLIT if version.has_opaque_ids else PUBLIC_SPLIT
    split = (words.get("split", GENERIC_SPLIT), told if public else HIDDEN_SPLIT)
    return About(tasks, _totals(tasks, public), split, paper, public)


def image_counts(version: DatasetVersion) -> tuple[int, int]:
    """Numbers of all training and of all test images."""
    train = sum(entry["train"] for entry in version.manifest.values())
    return train, sum(map(version.n_test, version.manifest))


def _task(
    version: DatasetVersion, name: str, texts: Mapping[str, str], paper: Mapping[str, int]
) -> Task:
    entry = version.manifest[name]
    public = version.labels == Labels.PUBLIC
    in_all = paper["test_good"] + paper["test_anomalous"] if paper else None
    good = anomalous = None
    if public:
        good = Count(entry["good"], paper.get("test_good"))
        anomalous = Count(sum(entry["folders"].values()), paper.get("test_anomalous"))
    return Task(
        name=name,
        label=version.label(name),
        text=texts.get(name, GENERIC_TASK),
        width=entry["width"],
        height=entry["height"],
        train=Count(entry["train"], paper.get("train")),
        test=Count(version.n_test(name), in_all),
        good=good,
        anomalous=anomalous,
        folders=tuple(sorted(entry["folders"].items())) if public else (),
        defects=_defects(entry) if public else (),
        pictures=range(thumbnails.count(version, name)),
    )


def _defects(entry: Mapping[str, Any]) -> tuple[Defect, ...]:
    return tuple(
        Defect(defect["defect_name"], entry["folders"].get(defect["defect_name"]), _rule(defect))
        for defect in entry.get("defects", ())
    )


def _rule(defect: Mapping[str, Any]) -> str:
    """The saturation area of a region of this defect, in words."""
    threshold = defect["saturation_threshold"]
    if not defect["relative_saturation"]:
        return f"{threshold:g} pixels, or the whole region where it is smaller"
    if threshold == 1:
        return "the whole region"
    return f"{100 * threshold:g} % of the region"


def _totals(tasks: tuple[Task, ...], public: bool) -> tuple[int, ...]:
    columns = [[task.train.here for task in tasks], [task.test.here for task in tasks]]
    if public:
        columns.append([task.good.here for task in tasks if task.good])
        columns.append([task.anomalous.here for task in tasks if task.anomalous])
    return tuple(map(sum, columns))


def words_of(version: DatasetVersion) -> Mapping[str, Any]:
    """What the preset of a version's import says of it; nothing where it has no words.

    Another dataset of the same tasks (such as the drawn samples) shares what is
    said of the tasks, not where the images come from.
    """
    if version.slug == autovi.SLUG:
        return _words(autovi.SLUG)
    words = _words(version.preset)
    return {"tasks": words["tasks"]} if "tasks" in words else {}


@cache
def _words(preset: str) -> Mapping[str, Any]:
    known = {path.stem: path for path in (HERE / "about").glob("*.json")}
    return json.loads(known[preset].read_text()) if preset in known else {}


@cache
def _paper_counts(name: str) -> Mapping[str, Mapping[str, int]]:
    """Rows of a table of counts by category."""
    with (HERE / "paper" / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["category"]: {key: int(value) for key, value in row.items() if key != "category"}
        for row in rows
    }
