"""Write the public half of a dataset: a folder of images that says nothing of labels.

Every file is written whole under another name and renamed, so a build that was
killed goes on where it ended. All files carry the same time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaderboard.datasets.importing import pictures
from leaderboard.datasets.importing.checks import Checked, Step, in_order
from leaderboard.datasets.importing.layouts import CONFIG
from leaderboard.datasets.importing.sources import SourceFile
from scoring.manifest import GOOD

MANIFEST = "manifest.json"
SCHEMA = 1
CONSTANT_TIME = 315_532_800
"""1980-01-01 00:00 UTC, the zip format's first moment: the time of every file of a pack."""


@dataclass(frozen=True)
class Output:
    """One file to write: its name in its category, where it comes from, whether to re-encode."""

    name: str
    file: SourceFile
    encode: bool


def n_outputs(checked: Sequence[Checked]) -> int:
    """How many images a build writes; `step` is called as often."""
    return sum(
        len(one.layout.train) + len(one.layout.validation) + len(one.layout.test) for one in checked
    )


def build(
    root: Path, checked: Sequence[Checked], about: dict[str, Any], step: Step
) -> dict[str, Any]:
    """Fill ``root`` and return its manifest, which is written last.

    ``about`` is what the manifest says of the whole. Files that are there
    already are left as they are.
    """
    categories = {}
    for one in checked:
        files = {}
        for output, digest in _written(root / one.name, one, step):
            files[output] = digest
        categories[one.name] = _entry(one, files)
    manifest = {"schema": SCHEMA, **about, "categories": categories}
    text = json.dumps(manifest, indent=1) + "\n"
    write_whole(root / MANIFEST, text.encode())
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        os.utime(folder, (CONSTANT_TIME, CONSTANT_TIME))
    return manifest


def read_manifest(root: Path) -> dict[str, Any] | None:
    """The manifest of a pack that was built to its end, or None."""
    try:
        manifest: dict[str, Any] = json.loads((root / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return manifest if manifest.get("schema") == SCHEMA else None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name, give it the constant time, and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(data)
    os.utime(partial, (CONSTANT_TIME, CONSTANT_TIME))
    partial.replace(path)


def _entry(one: Checked, files: dict[str, str]) -> dict[str, Any]:
    width, height = one.size
    counts = {"n_train": len(one.layout.train), "n_test": len(one.layout.test)}
    if one.layout.validation:
        counts["n_validation"] = len(one.layout.validation)
    return {"width": width, "height": height, **counts, "files": files}


def _outputs(one: Checked) -> Iterator[Output]:
    """All images of a category, test images in the order of their public names."""
    hidden = one.truth.hidden
    for split, images in (("train", one.layout.train), ("validation", one.layout.validation)):
        for image_id, file in sorted(images.items()):
            name = f"{split}/{GOOD}/{image_id}.png"
            yield Output(name, file, hidden or not _is_png(file))
    tests = sorted((one.truth.public_id(key), image) for key, image in one.layout.test.items())
    for name, image in tests:
        yield Output(f"test/{name}.png", image.file, hidden or not _is_png(image.file))


def _is_png(file: SourceFile) -> bool:
    return file.member.name.lower().endswith(".png")


def _written(root: Path, one: Checked, step: Step) -> Iterator[tuple[str, str]]:
    """(name, SHA-256) of every file of a category, written if it is not there."""

    def prepare(output: Output) -> tuple[str, bytes, bool]:
        path = root / output.name
        if path.exists():
            return output.name, path.read_bytes(), True
        data = output.file.read()
        if output.encode:
            pixels = pictures.decode(data)
            # Of a mixture of grey and colour files, the kind could go with the label.
            alike = one.truth.hidden and one.has_colour
            data = pictures.encode(pictures.in_colour(pixels) if alike else pixels)
        return output.name, data, False

    if one.layout.config is not None and not one.truth.hidden:
        data = one.layout.config.read()
        write_whole(root / CONFIG, data)
        yield CONFIG, hashlib.sha256(data).hexdigest()
    for name, data, there in in_order(prepare, _outputs(one), step):
        if not there:  # here and not in the threads: in the order of the names
            write_whole(root / name, data)
        yield name, hashlib.sha256(data).hexdigest()
