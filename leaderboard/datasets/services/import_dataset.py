"""Bring a dataset's files onto this server: private files, public pack, manifest."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from leaderboard.datasets import autovi, ground_truth, packs
from leaderboard.datasets.models import Dataset, DatasetVersion
from scoring import read_manifest
from scoring.manifest import GOOD, CategoryManifest, Manifest

GROUND_TRUTH = "ground_truth"
Progress = Callable[[int, int], None]


class ImportRefused(Exception):
    """The files cannot be imported under this name; the message says why."""


@dataclass(frozen=True)
class Naming:
    """Under what a dataset version goes, and what is said of it.

    What is left empty (or None) stays as it is where the version is there
    already: an import never undoes what a maintainer set.
    """

    slug: str
    name: str
    version: str
    description: str = ""
    doi: str = ""
    licence: str = ""
    citation: str = ""
    submissions_per_day: int | None = None


def import_dataset(
    source: Path, naming: Naming, progress: Progress | None = None
) -> DatasetVersion:
    """Import the dataset folder ``source`` and make it the board's current version.

    Equal content under the same version changes nothing; other content under
    it raises ImportRefused, as scores would no longer say what they rest on.
    Files appear under their final name at once or not at all. Raises
    scoring's DatasetError where ``source`` is not a dataset.
    """
    manifest = read_manifest(source)
    files = list(_files(manifest))
    digest = _digest(files, progress or (lambda done, total: None))
    version = _row(naming)
    if version.content_sha256 not in ("", digest):
        raise ImportRefused(
            f"{version} was imported with other content; expected the same files or a new version"
        )
    private, public = ground_truth.path(version), packs.path(version)
    if not version.content_sha256:  # an import that ended halfway may have left other files
        shutil.rmtree(private, ignore_errors=True)
        shutil.rmtree(public, ignore_errors=True)
    _place(private, files, shutil.copyfile)
    shown = [(name, private / name) for name, _ in files if not _is_private(name)]
    _place(public, shown, _link)
    return _record(version, naming, manifest, digest)


def describe(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The manifest as the database keeps it (DatasetVersion says what stands in it)."""
    return {name: _describe(name, category) for name, category in manifest.categories.items()}


def _describe(name: str, category: CategoryManifest) -> dict[str, Any]:
    (width, height), _ = Counter(category.images.values()).most_common(1)[0]
    defects = {folder: n for folder, n in category.folders.items() if folder != GOOD}
    return {
        "label": autovi.LABELS.get(name) or name.replace("_", " ").capitalize(),
        "width": width,
        "height": height,
        "train": category.n_train,
        "good": category.folders.get(GOOD, 0),
        "folders": defects,
    }


def _files(manifest: Manifest) -> Iterator[tuple[str, Path]]:
    """(name in the official layout, path) of every file that is not hidden, sorted."""
    for name, category in manifest.categories.items():
        for path in sorted(category.root.rglob("*")):
            inside = path.relative_to(category.root)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                yield f"{name}/{inside.as_posix()}", path


def _is_private(name: str) -> bool:
    """Whether ``<category>/<folder>/...`` lies in the folder of the regions."""
    return name.split("/")[1] == GROUND_TRUTH


def _digest(files: list[tuple[str, Path]], progress: Progress) -> str:
    """SHA-256 over the names and contents of all files."""
    digest = hashlib.sha256()
    for done, (name, path) in enumerate(files, 1):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{content}  {name}\n".encode())
        progress(done, len(files))
    return digest.hexdigest()


def _place(
    target: Path, files: list[tuple[str, Path]], put: Callable[[Path, Path], object]
) -> None:
    """Fill ``target`` under another name and rename it; leave it where it is already there."""
    if target.exists():
        return
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        for name, path in files:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            put(path, partial / name)
        os.rename(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _row(naming: Naming) -> DatasetVersion:
    with transaction.atomic():
        dataset, _ = Dataset.objects.get_or_create(
            slug=naming.slug,
            defaults={"name": naming.name or naming.slug, "description": naming.description},
        )
        version, _ = DatasetVersion.objects.get_or_create(
            dataset=dataset, version=naming.version, defaults={"is_current": False}
        )
    return version


def _record(
    version: DatasetVersion, naming: Naming, manifest: Manifest, digest: str
) -> DatasetVersion:
    with transaction.atomic():
        others = version.dataset.versions.exclude(pk=version.pk)
        others.filter(is_current=True).update(is_current=False)
        DatasetVersion.objects.filter(pk=version.pk).update(
            manifest=describe(manifest),
            content_sha256=digest,
            doi=naming.doi or version.doi,
            licence=naming.licence or version.licence,
            citation=naming.citation or version.citation,
            submissions_per_day=_given(naming.submissions_per_day, version.submissions_per_day),
            imported_at=version.imported_at or Now(),
            is_current=True,
        )
        dataset = version.dataset
        Dataset.objects.filter(pk=dataset.pk).update(
            name=naming.name or dataset.name,
            description=naming.description or dataset.description,
        )
    return DatasetVersion.objects.select_related("dataset").get(pk=version.pk)


def _given(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
