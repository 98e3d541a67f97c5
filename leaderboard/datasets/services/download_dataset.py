"""Fetch AutoVI's published zips from its record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings

from leaderboard.datasets import autovi
from leaderboard.datasets.fetching import fetch

Say = Callable[[str, int, int], None]
"""Called with a zip's name, the bytes here and the bytes in all (0: not known)."""


def download_autovi(folder: Path, say: Say | None = None, base_url: str = "") -> list[Path]:
    """Bring the six zips into ``folder``; those that are there with the right hash stay.

    ``base_url`` is by default ``settings.DOWNLOAD_URL``. Raises FetchFailed.
    """
    tell = say or (lambda name, done, total: None)
    base = (base_url or settings.DOWNLOAD_URL).rstrip("/")
    paths = []
    for category, sha256 in autovi.ZIPS.items():
        path = folder / f"{category}.zip"
        if not _is_here(path, sha256):
            fetch(
                f"{base}/{path.name}?download=1",
                path,
                sha256,
                partial(tell, path.name),
            )
        tell(path.name, path.stat().st_size, path.stat().st_size)
        paths.append(path)
    return paths


def _is_here(path: Path, sha256: str) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
