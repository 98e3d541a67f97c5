"""Where each preset's images, regions and splits stand."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field

from leaderboard.datasets.importing.problems import ImportProblems
from leaderboard.datasets.importing.sources import (
    CategoryFiles,
    Contents,
    SourceFile,
    is_document,
)
from scoring.errors import MapError
from scoring.manifest import GOOD, IMAGE_SUFFIXES

CONFIG = "defects_config.json"
VISA_SPLIT = "split_csv/1cls.csv"
VISA_ANOMALY = "anomaly"
"""The one folder of VisA's anomalous images, which are not sorted further."""


@dataclass
class TestImage:
    """One test image by its key ``<folder>/<image_id>``: its file, its region files or its mask."""

    __test__ = False  # no test case, whatever pytest thinks of the name

    key: str
    file: SourceFile
    regions: list[SourceFile] = field(default_factory=list)
    mask: SourceFile | None = None

    @property
    def is_good(self) -> bool:
        return self.key.startswith(f"{GOOD}/")


@dataclass
class CategoryLayout:
    """A category's files, each known for what it is; train images by their id."""

    name: str
    train: dict[str, SourceFile] = field(default_factory=dict)
    validation: dict[str, SourceFile] = field(default_factory=dict)
    test: dict[str, TestImage] = field(default_factory=dict)
    config: SourceFile | None = None
    has_masks: bool = False
    """Whether regions are the connected components of masks."""


Layout = Callable[[Contents, ImportProblems], dict[str, CategoryLayout]]


def official(contents: Contents, problems: ImportProblems) -> dict[str, CategoryLayout]:
    """AutoVI's own: one file a region, their values explained by ``defects_config.json``."""
    return _by_category(contents, problems, _Official(problems))


def official_with_validation(
    contents: Contents, problems: ImportProblems
) -> dict[str, CategoryLayout]:
    """The same with ``validation/good``, as MVTec LOCO has it."""
    return _by_category(contents, problems, _Official(problems, validation=True))


def one_mask_an_image(contents: Contents, problems: ImportProblems) -> dict[str, CategoryLayout]:
    """MVTec AD's: ``ground_truth/<folder>/<image_id>_mask.png``."""
    return _by_category(contents, problems, _Official(problems, masks=True))


def _by_category(
    contents: Contents, problems: ImportProblems, read: _Official
) -> dict[str, CategoryLayout]:
    for name, file in contents.beside.items():
        if not is_document(name):
            problems.add(file.place, "is not expected here; expected <category>/...")
    return {name: read(files) for name, files in sorted(contents.categories.items())}


@dataclass
class _Official:
    problems: ImportProblems
    validation: bool = False
    masks: bool = False

    def __call__(self, files: CategoryFiles) -> CategoryLayout:
        layout = CategoryLayout(files.name, has_masks=self.masks)
        ground_truth = {}
        for name, file in sorted(files.files.items()):
            parts = tuple(name.split("/"))
            if parts[0] == "ground_truth":
                ground_truth[parts[1:]] = file
            elif name == CONFIG and not self.masks:
                layout.config = file
            elif not self._image(layout, parts, file):
                self.problems.add(file.place, f"is not expected here; expected {self._expected()}")
        for parts, file in ground_truth.items():
            self._ground_truth(layout, parts, file)
        return layout

    def _image(self, layout: CategoryLayout, parts: tuple[str, ...], file: SourceFile) -> bool:
        if len(parts) != 3 or not parts[2].lower().endswith(IMAGE_SUFFIXES):
            return False
        split, folder, image_id = parts[0], parts[1], parts[2].rpartition(".")[0]
        if split == "test":
            key = f"{folder}/{image_id}"
            if key in layout.test:
                self.problems.add(file.place, f"is a second file for the test image {key}")
            else:
                layout.test[key] = TestImage(key, file)
            return True
        allowed = {"train": layout.train} | (
            {"validation": layout.validation} if self.validation else {}
        )
        if folder != GOOD or split not in allowed:
            return False
        if image_id in allowed[split]:
            self.problems.add(file.place, f"is a second file for the image {split}/{image_id}")
        allowed[split][image_id] = file
        return True

    def _ground_truth(
        self, layout: CategoryLayout, parts: tuple[str, ...], file: SourceFile
    ) -> None:
        key = self._key(parts)
        if key is None:
            self.problems.add(file.place, f"is not expected here; expected {self._expected()}")
            return
        image = layout.test.get(key)
        if image is None or image.is_good:
            self.problems.add(file.place, f"is a region of no anomalous test image ({key})")
        elif self.masks:
            image.mask = file
        else:
            image.regions.append(file)

    def _key(self, parts: tuple[str, ...]) -> str | None:
        """The key of the image that a path below ``ground_truth`` belongs to."""
        if not parts or not parts[-1].lower().endswith(".png"):
            return None
        if not self.masks:
            return f"{parts[0]}/{parts[1]}" if len(parts) == 3 else None
        image_id = parts[-1].rpartition(".")[0].removesuffix("_mask")
        return f"{parts[0]}/{image_id}" if len(parts) == 2 else None

    def _expected(self) -> str:
        regions = (
            "ground_truth/<folder>/<image_id>_mask.png"
            if self.masks
            else f"ground_truth/<folder>/<image_id>/<region>.png, {CONFIG}"
        )
        validation = "validation/good/<image_id>.png, " if self.validation else ""
        return (
            f"train/good/<image_id>.png, {validation}test/<folder>/<image_id>.png "
            f"or {regions} in the category"
        )


def visa(contents: Contents, problems: ImportProblems) -> dict[str, CategoryLayout]:
    """VisA's: ``<category>/Data/...`` split by ``split_csv/1cls.csv``."""
    layouts = {name: CategoryLayout(name, has_masks=True) for name in sorted(contents.categories)}
    files = {
        f"{name}/{path}": file
        for name, category in contents.categories.items()
        for path, file in category.files.items()
    }
    used = set()
    for row in _visa_rows(contents, problems):
        used.update(_visa_image(row, layouts, files, problems))
    for name, file in sorted(files.items()):
        if name not in used:
            problems.add(file.place, f"stands in no row of {VISA_SPLIT}")
    for name, file in sorted(contents.beside.items()):
        if not is_document(name) and not name.endswith(".csv"):
            problems.add(file.place, "is not expected here; expected <category>/Data/...")
    return layouts


def _visa_rows(contents: Contents, problems: ImportProblems) -> list[dict[str, str]]:
    found = [file for name, file in contents.beside.items() if name.endswith(VISA_SPLIT)]
    if len(found) != 1:
        problems.add(VISA_SPLIT, f"was found {len(found)} times; expected once")
        return []
    try:
        text = found[0].read().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (MapError, UnicodeDecodeError, csv.Error) as error:
        problems.add(found[0].place, f"cannot be read ({error}); expected UTF-8 CSV")
        return []
    wanted = {"object", "split", "label", "image", "mask"}
    if not rows or not wanted <= set(rows[0]) or any(None in row.values() for row in rows):
        problems.add(found[0].place, f"expected rows with the columns {', '.join(sorted(wanted))}")
        return []
    return rows


def _visa_image(
    row: dict[str, str],
    layouts: dict[str, CategoryLayout],
    files: dict[str, SourceFile],
    problems: ImportProblems,
) -> list[str]:
    """Place the image of one row; the names of the files that it uses."""
    layout, file = layouts.get(row["object"]), files.get(row["image"])
    if layout is None or file is None:
        problems.add(f"{VISA_SPLIT}: {row['image']}", "there is no such image")
        return []
    image_id = row["image"].rpartition("/")[2].rpartition(".")[0]
    known = (row["split"], row["label"])
    if known == ("train", "normal"):
        layout.train[image_id] = file
        return [row["image"]]
    if known == ("test", "normal"):
        layout.test[f"{GOOD}/{image_id}"] = TestImage(f"{GOOD}/{image_id}", file)
        return [row["image"]]
    if known != ("test", "anomaly"):
        problems.add(f"{VISA_SPLIT}: {row['image']}", f"has split and label {known}")
        return [row["image"]]
    key = f"{VISA_ANOMALY}/{image_id}"
    layout.test[key] = TestImage(key, file, mask=files.get(row["mask"]))
    return [row["image"], row["mask"]]
