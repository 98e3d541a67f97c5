"""The one door to the private part of a dataset version: one pack a category.

An index beside the packs says under which name, made from its hash, a
category's pack lies. Opening any of it raises GroundTruthClosed in a process
that was not given the place (``AUTOVI_GROUND_TRUTH``).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.storages import GroundTruthClosed, GroundTruthStorage
from scoring.ground_truth import CategoryTruth, read_pack

__all__ = ["GroundTruthClosed", "holds", "keep", "pack", "read_index", "storage", "truth", "write"]

SCHEMA = 1
INDEX = "index.json"
_KEPT_TRUTHS = 16


def storage() -> Storage:
    """The storage of all private files; raises GroundTruthClosed where it is closed."""
    private = storages["ground_truth"]
    if isinstance(private, GroundTruthStorage):
        private.folder()
    return private


def folder(version: DatasetVersion) -> str:
    """Where a version's private files lie in the storage."""
    return f"{version.slug}/{version.version}"


def read_index(version: DatasetVersion) -> dict[str, Any]:
    """What is kept of a version; raises FileNotFoundError where nothing is."""
    with storage().open(f"{folder(version)}/{INDEX}") as file:
        index: dict[str, Any] = json.load(file)
    if index.get("schema") != SCHEMA:
        raise ValueError(f"{version}: the private index has schema {index.get('schema')}")
    return index


def pack(version: DatasetVersion, category: str) -> Path:
    """A category's pack as a local file, its bytes checked against the index.

    A storage that is no folder of this machine is read once: the copy lies in
    ``var/ground-truth-cache``, which only the worker's user can open, under its hash.
    """
    entry = read_index(version)["packs"][category]
    name = f"{folder(version)}/{entry['file']}"
    private = storage()
    if isinstance(private, GroundTruthStorage):
        path = Path(private.path(name))
    else:
        path = _fetched(private, name, entry["sha256"])
    _check(path, entry["sha256"])
    return path


def holds(version: DatasetVersion, category: str) -> bool:
    """Whether a category's pack is there."""
    entry = read_index(version)["packs"].get(category)
    return entry is not None and storage().exists(f"{folder(version)}/{entry['file']}")


def truth(version: DatasetVersion, category: str) -> CategoryTruth:
    """A category's ground truth; read once a process and hash."""
    path = pack(version, category)
    return _read(path)


def write(version: DatasetVersion, packs: dict[str, bytes], about: dict[str, Any]) -> None:
    """Keep a version's packs and its index, which names them and holds ``about``."""
    entries = {}
    for category, data in packs.items():
        digest = hashlib.sha256(data).hexdigest()
        name = f"{category}-{digest[:16]}.npz"
        keep(f"{folder(version)}/{name}", data)
        entries[category] = {"file": name, "sha256": digest}
    index = {"schema": SCHEMA, "packs": entries, **about}
    keep(f"{folder(version)}/{INDEX}", json.dumps(index, indent=1).encode())


def keep(name: str, data: bytes) -> None:
    """Write one private file; one that is there with these bytes is left as it is."""
    private = storage()
    if private.exists(name):
        with private.open(name) as file:
            if file.read() == data:
                return
        private.delete(name)
    private.save(name, ContentFile(data))


@lru_cache(maxsize=_KEPT_TRUTHS)
def _read(path: Path) -> CategoryTruth:
    return read_pack(path)


@lru_cache(maxsize=256)
def _check(path: Path, sha256: str) -> None:
    """Raise where the file is not the one that was written; once a process and file."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(f"{path.name}: the pack's SHA-256 is {found}; expected {sha256}")


def _fetched(private: Storage, name: str, sha256: str) -> Path:
    cache = Path(settings.VAR_DIR) / "ground-truth-cache"
    path = cache / f"{sha256}.npz"
    if not path.exists():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = cache / f".{sha256}.{uuid.uuid4().hex}"
        with private.open(name) as file:
            partial.write_bytes(file.read())
        partial.replace(path)
    return path
