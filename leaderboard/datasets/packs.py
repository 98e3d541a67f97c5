"""The public packs: a dataset version without its ground truth.

On a machine that has not got a version's pack yet, it is taken from the
downloads in the storage ``public``.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from pathlib import Path

from django.conf import settings
from django.core.files.storage import storages

from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.downloads import names, stored_path
from scoring.archive import open_archive

_CHUNK = 1 << 20


class PackMissing(Exception):
    """The public pack is neither on this machine nor whole in the storage."""


def folder(version: DatasetVersion) -> Path:
    """Where a version's pack lies on this machine, once it is here."""
    return Path(settings.PACKS_ROOT) / version.slug / version.version


def path(version: DatasetVersion) -> Path:
    """The folder of a version's images, without ``ground_truth``; fetched where it is not here.

    Test images stand in the official layout, or flat under opaque ids where
    labels are hidden. Raises PackMissing.
    """
    here = folder(version)
    if not here.exists():
        _fetch(version, here)
    return here


def _fetch(version: DatasetVersion, here: Path) -> None:
    if not version.hashes:
        raise PackMissing(f"{version}: is not imported; there are no files of it")
    partial = here.with_name(f".{here.name}.{uuid.uuid4().hex}")
    partial.mkdir(parents=True)
    try:
        for name in names(version):
            _unpack(_download(version, name, partial), partial)
        if not here.exists():
            partial.rename(here)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _download(version: DatasetVersion, name: str, folder: Path) -> Path:
    """One zip from the storage, its hash checked."""
    target, digest = folder / name, hashlib.sha256()
    try:
        with storages["public"].open(stored_path(version, name)) as file, target.open("wb") as out:
            for chunk in file.chunks(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
    except FileNotFoundError as error:
        raise PackMissing(f"{version}: {name} is not in the public storage") from error
    if digest.hexdigest() != version.hashes.get(name):
        raise PackMissing(f"{version}: {name} in the public storage is not what was imported")
    return target


def _unpack(archive_path: Path, folder: Path) -> None:
    """Write the members of a zip of ours; its names were checked by the strict reader."""
    with open_archive(archive_path) as archive:
        for member in archive.members:
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(member.read(archive.fd, member.size))
    archive_path.unlink()
