"""The files of a dataset version that can be downloaded, as the import recorded them."""

from __future__ import annotations

from datetime import UTC, datetime

from django.core.files.storage import storages

from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.downloads import names, stored_path
from leaderboard.datasets.serving import StoredFile

_UNKNOWN = datetime(1980, 1, 1, tzinfo=UTC)


def downloads(version: DatasetVersion) -> dict[str, StoredFile]:
    """All downloads by name, category by category: ``<category>-train.zip``, then the test images.

    All have one time, that of the import to the second: nothing is told by which is older.
    """
    modified = (version.imported_at or _UNKNOWN).replace(microsecond=0)
    return {
        name: StoredFile(
            storage=storages["public"],
            path=stored_path(version, name),
            name=name,
            size=version.files[name],
            sha256=version.hashes[name],
            modified=modified,
        )
        for name in names(version)
        if name in version.hashes and name in version.files
    }


def sha256sums(version: DatasetVersion) -> str:
    """One line a download, as ``sha256sum --check`` reads them."""
    return "".join(f"{file.sha256}  {name}\n" for name, file in downloads(version).items())
