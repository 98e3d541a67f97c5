"""The downloads of a dataset version: two zips a category, equal packs giving equal bytes."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.core.files.storage import Storage, storages

from leaderboard.datasets import thumbnails
from leaderboard.datasets.importing.layouts import CONFIG
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.storages import FolderStorage

PARTS = ("train", "test")
_CHUNK = 1 << 20
_IN_PART = {"train": ("train/", "validation/"), "test": ("test/", CONFIG)}
"""What of a category stands in which of its two zips."""


@dataclass(frozen=True)
class Download:
    """One stored zip."""

    name: str
    sha256: str
    size: int


def names(version: DatasetVersion) -> Iterator[str]:
    """The names of all downloads, such as ``pipe_clip-train.zip``."""
    for category in version.categories:
        for part in PARTS:
            yield download_name(category, part)


def download_name(category: str, part: str) -> str:
    """The name of one download; ``part`` is ``train`` or ``test``."""
    return f"{category}-{part}.zip"


def stored_path(version: DatasetVersion, name: str) -> str:
    """Where a download lies in the storage ``public``."""
    return f"downloads/{version.slug}/{version.version}/{name}"


def store_downloads(
    version: DatasetVersion,
    pack: Path,
    manifest: dict[str, dict[str, dict[str, str]]],
    work: Path,
    step: Callable[[], None],
) -> list[Download]:
    """Zip the pack's categories into the storage ``public``; what is there already stays.

    ``manifest`` holds the pack's categories with their ``files``; ``work`` is a
    folder for the zips until they are stored.
    """
    work.mkdir(parents=True, exist_ok=True)
    done = []
    for category, entry in manifest.items():
        for part in PARTS:
            name = download_name(category, part)
            inside = [file for file in sorted(entry["files"]) if file.startswith(_IN_PART[part])]
            _zip(work / name, pack / category, category, inside)
            done.append(_store(version, work / name))
            (work / name).unlink(missing_ok=True)
            step()
    shutil.rmtree(work, ignore_errors=True)
    return done


def store_pictures(version: DatasetVersion, pack: Path) -> None:
    """Bring the training images of the galleries into an object store.

    Elsewhere the whole pack lies below the storage ``public`` and they are there.
    """
    public = storages["public"]
    if isinstance(public, FolderStorage):
        return
    for category in sorted(path.name for path in pack.iterdir() if path.is_dir()):
        images = pack / category / "train/good"
        for name in thumbnails.chosen(sorted(path.name for path in images.iterdir())):
            target = f"{thumbnails.stored_folder(version, category)}/{name}"
            if not public.exists(target):
                with (images / name).open("rb") as file:
                    public.save(target, File(file))


def _zip(target: Path, folder: Path, category: str, names: list[str]) -> None:
    """Stored, as PNG does not pack; one time for all; in the order of the names."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            info = zipfile.ZipInfo(f"{category}/{name}")
            info.external_attr = 0o644 << 16
            archive.writestr(info, (folder / name).read_bytes())


class _Movable(File):
    """A file of ours that a storage in folders takes over by a rename; another one reads it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def _store(version: DatasetVersion, path: Path) -> Download:
    public = storages["public"]
    name = stored_path(version, path.name)
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not _holds(public, name, digest):
            public.delete(name)
            file.seek(0)
            public.save(name, _Movable(file, str(path)))
    return Download(path.name, digest, size)


def _holds(storage: Storage, name: str, sha256: str) -> bool:
    if not storage.exists(name):
        return False
    digest = hashlib.sha256()
    with storage.open(name) as file:
        for chunk in file.chunks(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == sha256
