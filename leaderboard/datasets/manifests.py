"""A version's manifest as its row keeps it: what may be told of each category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    groups = {name: list(folders) for name, folders in preset.groups.items()}
    return entry | _labels(one.counts(), one.defects, groups)


def with_labels(
    manifest: Mapping[str, dict[str, Any]], index: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The manifest of a version whose labels were hidden, with what its private index kept back."""
    return {
        name: entry
        | _labels(index["counts"][name], index["defects"][name], index["groups"])
        | {"opaque_ids": True}
        for name, entry in manifest.items()
    }


def _labels(
    counts: Mapping[str, int], defects: Sequence[Any], groups: Mapping[str, Any]
) -> dict[str, Any]:
    """What a manifest says of labels: test images by folder, defects, groups of folders."""
    folders = {name: count for name, count in counts.items() if name != GOOD}
    found: dict[str, Any] = {"good": counts.get(GOOD, 0), "folders": folders}
    if defects:
        found["defects"] = list(defects)
    if groups:
        found["groups"] = dict(groups)
    return found
