"""Whether what is to be imported is what was published, where a preset knows that."""

from __future__ import annotations

from leaderboard.datasets.importing.presets import Naming, Preset
from leaderboard.datasets.importing.problems import ImportProblems
from leaderboard.datasets.importing.sources import Contents


def check_sources(
    contents: Contents,
    preset: Preset,
    naming: Naming,
    accept_hash: bool,
    problems: ImportProblems,
) -> None:
    """All categories, each from its own zip, which is the published one.

    ``accept_hash`` takes other zips, though never under the published dataset's own name.
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
    for name in preset.zips:
        if name not in contents.categories:
            problems.add(name, "is missing; expected all categories of the preset")
