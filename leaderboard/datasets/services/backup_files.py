"""All files of the site into a folder, and back: every storage, wherever it lies.

A copy is made beside its place and renamed, so that a folder of copies never
holds half a file, and both ways can be run again to go on.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.core.files.storage import Storage, storages

from leaderboard.datasets import ground_truth
from leaderboard.datasets.storages import listed

ALIASES = ("public", "submissions", "results", "ground_truth")
"""Not the previews, which are made again when asked for."""
COMPARED_BYTES = 1 << 20
"""Up to this size equal length is not enough: the file is copied again."""
_CHUNK = 1 << 20


class NotABackup(Exception):
    """The folder holds no copy of the storages."""


@dataclass
class Copied:
    """How many files were copied, and how many were there already."""

    copied: int = 0
    there: int = 0


def backup_files(folder: Path) -> dict[str, Copied]:
    """Copy every file that is not in ``folder`` yet; how many, a storage.

    Files that were deleted since an earlier copy stay in the folder. Raises
    GroundTruthClosed, before anything is copied, in a process that is not
    given the ground truth.
    """
    ground_truth.storage()
    return {alias: _save(storages[alias], folder / alias) for alias in ALIASES}


def restore_files(folder: Path) -> dict[str, Copied]:
    """Copy every file of ``folder`` back that its storage does not hold; how many, a storage.

    Raises NotABackup where a storage's folder is missing, GroundTruthClosed.
    """
    ground_truth.storage()
    for alias in ALIASES:
        if not (folder / alias).is_dir():
            raise NotABackup(f"{folder}: has no folder {alias}; expected what backup_files made")
    return {alias: _load(storages[alias], folder / alias) for alias in ALIASES}


def _save(storage: Storage, folder: Path) -> Copied:
    done = Copied()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _names(storage, ""):
        target = folder / name
        if target.exists() and _same(target.stat().st_size, storage.size(name)):
            done.there += 1
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with storage.open(name) as file, partial.open("wb") as out:
                for chunk in file.chunks(_CHUNK):
                    out.write(chunk)
            os.replace(partial, target)
        except FileNotFoundError:
            continue  # deleted since it was listed
        finally:
            partial.unlink(missing_ok=True)
        done.copied += 1
    return done


def _load(storage: Storage, folder: Path) -> Copied:
    done = Copied()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if storage.exists(name):
            if _same(storage.size(name), path.stat().st_size):
                done.there += 1
                continue
            storage.delete(name)
        with path.open("rb") as file:
            storage.save(name, File(file))
        done.copied += 1
    return done


def _same(one: int, other: int) -> bool:
    return one == other and one > COMPARED_BYTES


def _names(storage: Storage, folder: str) -> Iterator[str]:
    """Every file below a folder of a storage; what lies in hidden folders is work in progress."""
    folders, files = listed(storage, folder)
    for name in sorted(files):
        yield f"{folder}/{name}".lstrip("/")
    for name in sorted(folders):
        if name and not name.startswith("."):
            yield from _names(storage, f"{folder}/{name}".lstrip("/"))
