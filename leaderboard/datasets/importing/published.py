"""Whether what is to be imported is what was published, where a preset knows that."""

from __future__ import annotations

from leaderboard.datasets.importing.presets import Naming, Preset
from leaderboard.datasets.importing.problems import ImportProblems
from leaderboard.datasets.importing.sources import CategoryFiles, Contents
from scoring.manifest import IMAGE_SUFFIXES


def check_sources(
    contents: Contents,
    preset: Preset,
    naming: Naming,
    accept_hash: bool,
    problems: ImportProblems,
) -> None:
    """All categories, each from its own zip, which is the published one.

    ``accept_hash`` takes other zips, though never under the published dataset's own name. A folder
    has no hash: under that name it must at least have as many images as were published.
    """
    if not preset.zips:
        return
    own_name = preset.naming is None or naming.slug != preset.naming.slug
    for name, category in contents.categories.items():
        source = category.source
        expected = preset.zips.get(name)
        if expected is None:
            problems.add(source.path, f"holds {name}; expected one of {', '.join(preset.zips)}")
        elif source.sha256 and source.path.stem in preset.zips and source.path.stem != name:
            problems.add(source.path, f"holds the category {name}; expected {source.path.stem}")
        elif source.sha256 and source.sha256 != expected and not (accept_hash and own_name):
            problems.add(
                source.path,
                f"has the SHA-256 {source.sha256}; expected {expected} as published "
                "(--accept-hash takes other zips, under a --name of their own)",
            )
        elif not source.sha256 and not own_name:
            _check_counts(category, preset, problems)
    for name in preset.zips:
        if name not in contents.categories:
            problems.add(name, "is missing; expected all categories of the preset")


def _check_counts(category: CategoryFiles, preset: Preset, problems: ImportProblems) -> None:
    images = [name for name in category.files if name.lower().endswith(IMAGE_SUFFIXES)]
    train, test = (sum(name.startswith(part) for name in images) for part in ("train/", "test/"))
    expected = preset.counts.get(category.name, (train, test))
    if (train, test) != expected:
        problems.add(
            category.source.path,
            f"holds {train} training and {test} test images of {category.name}; expected "
            f"{expected[0]} and {expected[1]} as published (another set of images needs a --name "
            "of its own)",
        )
