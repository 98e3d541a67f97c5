"""Where an import of a test writes, and everything that is there."""

from __future__ import annotations

import hashlib
from pathlib import Path

from leaderboard.datasets.models import Dataset, DatasetVersion


def state(*roots: Path) -> tuple[object, ...]:
    """The database's rows and every file below ``roots``, by content and time."""
    rows = [list(model.objects.order_by("pk").values()) for model in (Dataset, DatasetVersion)]
    files = {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and path.name != "lock"
    }
    return (*rows, files)
