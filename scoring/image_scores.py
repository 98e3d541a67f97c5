"""`image_scores.csv`: image scores that are not the maxima of the maps."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection

from scoring.archive import Member
from scoring.errors import MapError, Problems
from scoring.manifest import Manifest

HEADER = ["category", "image", "score"]
_LINE_BYTES = 2_048
_MAX_SCORE_TEXT = 64
_MORE_LINES = 100  # than twice the images: enough that each problem of an honest table is told


def read(
    member: Member, fd: int, manifest: Manifest, categories: Collection[str], problems: Problems
) -> dict[str, dict[str, float]]:
    """Scores by category and image key, for those categories that the file mentions.

    The file has the columns category, image (``<folder>/<image_id>`` or public id) and score; a
    category has all its images or none. Whatever is wrong is added to `problems` by line.
    """
    try:
        text = member.read(fd, (_images(manifest) + 1) * _LINE_BYTES).decode("utf-8-sig")
    except (MapError, UnicodeDecodeError) as error:
        problems.add(member.name, f"cannot be read ({error}); expected UTF-8 text")
        return {}
    scores = _rows(member.name, text, manifest, problems)
    for category, found in scores.items():
        for image in manifest.categories[category].images:
            if image not in found:
                problems.add(
                    member.name,
                    f"has no score for {category}, {image}; "
                    "expected all images of a category or none",
                )
    return {category: found for category, found in scores.items() if category in categories}


def _images(manifest: Manifest) -> int:
    return sum(category.n_test for category in manifest.categories.values())


def _rows(
    name: str, text: str, manifest: Manifest, problems: Problems
) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    most = 2 * _images(manifest) + _MORE_LINES
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if next(reader, None) != HEADER:
            problems.add(name, f"does not begin with the line {','.join(HEADER)}")
            return {}
        for row in reader:
            if reader.line_num > most:
                problems.add(name, f"has more than {most:,} lines; expected one for each image")
                return {}
            if row:
                _take(row, f"{name} line {reader.line_num}", manifest, scores, problems)
    except csv.Error as error:
        problems.add(f"{name} line {reader.line_num}", f"is no CSV ({error})")
    return scores


def _take(
    row: list[str],
    where: str,
    manifest: Manifest,
    scores: dict[str, dict[str, float]],
    problems: Problems,
) -> None:
    if len(row) != len(HEADER):
        problems.add(where, f"has {len(row)} fields; expected {len(HEADER)}")
        return
    category, image, text = row
    if category not in manifest.categories or image not in manifest.categories[category].images:
        problems.add(where, f"names {category[:80]!r}, {image[:80]!r}, which is no test image")
        return
    found = scores.setdefault(category, {})
    if image in found:
        problems.add(where, f"is a second score for {category}, {image}")
        return
    score = _number(text)
    found[image] = score
    if not math.isfinite(score):
        problems.add(where, f"has the score {text[:40]!r}; expected a finite number")


def _number(text: str) -> float:
    plain = len(text) <= _MAX_SCORE_TEXT and text.isascii() and "_" not in text
    try:
        return float(text) if plain else math.nan
    except ValueError:
        return math.nan
