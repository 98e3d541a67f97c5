"""The one door to the private files of a dataset version."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from leaderboard.datasets.models import DatasetVersion


class GroundTruthClosed(Exception):
    """This process was not given the place of the ground truth."""


def root() -> Path:
    """The folder of all private files; raises GroundTruthClosed outside worker and import."""
    try:
        return Path(settings.GROUND_TRUTH_ROOT)
    except AttributeError:
        raise GroundTruthClosed(
            "the ground truth is closed to this process: AUTOVI_GROUND_TRUTH is not set; "
            "only scoring workers and maintenance commands are given it"
        ) from None


def path(version: DatasetVersion) -> Path:
    """The folder of a version's files in the official layout, ground truth included."""
    return root() / version.slug / version.version
