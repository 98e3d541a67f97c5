"""The public packs: a dataset version without its ground truth."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from leaderboard.datasets.models import DatasetVersion


def path(version: DatasetVersion) -> Path:
    """The folder of a version's images, in the official layout without ``ground_truth``."""
    return Path(settings.PACKS_ROOT) / version.slug / version.version
