"""A version's manifest as its row keeps it: what may be told of each category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaderboard.datasets import autovi
from leaderboard.datasets.importing.checks import Checked
from leaderboard.datasets.importing.presets import Preset
from leaderboard.datasets.models import Labels
from scoring.manifest import GOOD


def describe(
    checked: Sequence[Checked], preset: Preset, labels: Labels
) -> dict[str, dict[str, Any]]:
    """The manifest (DatasetVersion says what stands in it)."""
    return {one.name: _describe(one, preset, labels) for one in checked}


def _describe(one: Checked, preset: Preset, labels: Labels) -> dict[str, Any]:
    width, height = one.size
    entry: dict[str, Any] = {
        "label": autovi.LABELS.get(one.name) or one.name.replace("_", " ").capitalize(),
        "width": width,
        "height": height,
        "train": len(one.layout.train),
        "test": len(one.layout.test),
    }
    if one.layout.validation:
        entry["validation"] = len(one.layout.validation)
    if labels == Labels.HIDDEN:
        return entry
    counts = one.counts()
    entry["good"] = counts.pop(GOOD, 0)
    entry["folders"] = counts
    if one.defects:
        entry["defects"] = one.defects
    if preset.groups:
        entry["groups"] = {name: list(folders) for name, folders in preset.groups.items()}
    return entry
