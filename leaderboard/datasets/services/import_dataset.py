"""Bring a dataset onto this server: public pack, private packs, downloads, and its row.

Everything is checked before anything is changed. What a killed import has
written lies where nobody looks and is taken up again by the next one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.core.files.storage import storages
from django.db import transaction
from django.db.models.functions import Now

from leaderboard.datasets import ground_truth, packs
from leaderboard.datasets.importing import build, opaque, presets, staging
from leaderboard.datasets.importing.checks import Checked, check, n_files
from leaderboard.datasets.importing.found import Found, build_key, find, hashes_of
from leaderboard.datasets.importing.layouts import CategoryLayout
from leaderboard.datasets.importing.presets import Naming, Preset
from leaderboard.datasets.importing.problems import ImportProblems, ImportRefused
from leaderboard.datasets.importing.published import check_sources
from leaderboard.datasets.importing.sources import Source, opened
from leaderboard.datasets.manifests import describe
from leaderboard.datasets.models import Dataset, DatasetVersion, Labels
from leaderboard.datasets.services.downloads import (
    PARTS,
    Download,
    store_downloads,
    store_pictures,
    stored_path,
)
from scoring.ground_truth import pack_bytes

__all__ = ["ImportRefused", "Naming", "import_dataset"]

Progress = Callable[[int, int], None]
RESERVED = frozenset({"downloads", staging.NAME})
HIDDEN_PER_MONTH = 20
"""Submissions a person, and a team, within 30 days where labels are hidden: probing takes many."""


def import_dataset(
    source: Path | Sequence[Path],
    naming: Naming,
    progress: Progress | None = None,
    *,
    preset: str = "generic",
    labels: str = Labels.PUBLIC,
    accept_hash: bool = False,
) -> DatasetVersion:
    """Import zips or folders and make them the board's current version.

    Equal content under the same version changes nothing but what ``naming``
    names of it; other content or other labels under it raise ImportRefused, as
    scores would no longer say what they rest on. ``accept_hash`` takes zips
    that are not the published ones, under a name of their own.
    ``progress(done, total)`` is called after every file read or written. Raises
    ImportRefused with every problem, and GroundTruthClosed; then the database
    and all storages are as they were.
    """
    ground_truth.storage()
    if naming.slug in RESERVED:
        raise ImportRefused(f"--name {naming.slug}: is reserved; expected another one")
    paths = [source] if isinstance(source, Path) else list(source)
    kind = presets.PRESETS[preset]
    counter = _Counter(progress)
    problems = ImportProblems()
    with staging.alone(), opened(paths, kind.anchors, problems) as contents:
        check_sources(contents, kind, naming, accept_hash, problems)
        version = _existing(naming)
        told_before = (contents.sources, preset, labels)
        if version is not None and not problems.lines and _same_zips(version, *told_before):
            return _tell(version, naming)
        layouts = kind.layout(contents, problems)
        if not layouts and not problems.lines:
            problems.add(", ".join(map(str, paths)), "no category found; expected <category>/test/")
        checked = _check_all(layouts, kind, counter, problems)
        problems.raise_if_any()
        found = find(naming, preset, Labels(labels), checked, contents.sources)
        if version is not None:
            _refuse_other(version, found)
            if _is_whole(version, found.secret_check):
                return _tell(version, naming)
        return _bring(found, version, counter)


class _Counter:
    """Counts files for the progress; each is read once and each image written once."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress or (lambda done, total: None)
        self.done = self.total = 0

    def step(self) -> None:
        self.done += 1
        self._progress(self.done, self.total)


def _check_all(
    layouts: dict[str, CategoryLayout],
    preset: Preset,
    counter: _Counter,
    problems: ImportProblems,
) -> tuple[Checked, ...]:
    images = sum(len(one.train) + len(one.validation) + len(one.test) for one in layouts.values())
    counter.total = sum(map(n_files, layouts.values())) + images + len(layouts) * len(PARTS)
    return tuple(
        check(layout, one_size=preset.one_size, problems=problems, step=counter.step)
        for layout in layouts.values()
    )


def _existing(naming: Naming) -> DatasetVersion | None:
    rows = DatasetVersion.objects.select_related("dataset")
    return rows.filter(dataset__slug=naming.slug, version=naming.version).first()


def _refuse_other(version: DatasetVersion, found: Found) -> None:
    if not version.content_sha256:
        return
    if version.labels != found.labels:
        raise ImportRefused(
            f"{version} was imported with {version.labels} labels; expected these or a new version"
        )
    if version.content_sha256 != found.digest:
        # The digest is keyed where labels are hidden: which of the two it is cannot be told.
        secret = " or another AUTOVI_ID_SECRET" if version.is_hidden else ""
        raise ImportRefused(
            f"{version} was imported with other content{secret}; "
            "expected the same files or a new version"
        )


def _same_zips(
    version: DatasetVersion, sources: tuple[Source, ...], preset: str, labels: str
) -> bool:
    """Whether these very zips were imported like this before: then nothing has to be read."""
    hashes = hashes_of(sources)
    if len(hashes) < len(sources) or hashes != version.sources:
        return False
    if (version.preset, version.labels) != (preset, labels):
        return False
    return _is_whole(version, opaque.fingerprint() if version.is_hidden else "")


def _is_whole(version: DatasetVersion, secret_check: str) -> bool:
    """Whether the version is imported and none of its files was lost since."""
    built = build.read_manifest(packs.folder(version))
    if not version.content_sha256 or not version.is_current or built is None:
        return False
    try:
        index = ground_truth.read_index(version)
    except FileNotFoundError:
        return False
    public = storages["public"]
    return (
        built["build"] == build_key(version.content_sha256, version.labels, secret_check)
        and index["id_secret"] == secret_check
        and all(ground_truth.holds(version, category) for category in version.manifest)
        and all(public.exists(stored_path(version, name)) for name in version.hashes)
    )


def _bring(found: Found, version: DatasetVersion | None, counter: _Counter) -> DatasetVersion:
    """Build, place and record. Until the row is written, nothing points at the files."""
    naming = found.naming
    place = version or DatasetVersion(dataset=_dataset(naming), version=naming.version)
    target = packs.folder(place)
    staged = staging.folder() / naming.slug / naming.version / found.key
    built = build.read_manifest(target)
    if built is None or built["build"] != found.key:
        built = build.build(staged, found.checked, _about(found, place), counter.step)
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)
    _write_private(place, found)
    work = staged.with_name("downloads")
    downloads = store_downloads(place, target, built["categories"], work, counter.step)
    store_pictures(place, target)
    shutil.rmtree(staging.folder() / naming.slug, ignore_errors=True)
    return _record(found, downloads)


def _dataset(naming: Naming) -> Dataset:
    """The dataset, where it is new one that is not saved."""
    known = Dataset.objects.filter(slug=naming.slug).first()
    return known or Dataset(slug=naming.slug, name=naming.name or naming.slug)


def _about(found: Found, version: DatasetVersion) -> dict[str, Any]:
    naming = found.naming
    return {
        "name": naming.name or version.dataset.name,
        "version": naming.version,
        "labels": found.labels.value,
        "doi": naming.doi or version.doi,
        "licence": naming.licence or version.licence,
        "build": found.key,
    }


def _write_private(version: DatasetVersion, found: Found) -> None:
    about = {
        "counts": {one.name: one.counts() for one in found.checked},
        "defects": {one.name: one.defects for one in found.checked},
        "groups": {name: list(folders) for name, folders in found.preset.groups.items()},
        "id_secret": found.secret_check,
    }
    truths = {one.name: pack_bytes(one.truth) for one in found.checked}
    ground_truth.write(version, truths, about)


def _record(found: Found, downloads: list[Download]) -> DatasetVersion:
    naming = found.naming
    with transaction.atomic():
        dataset, _ = Dataset.objects.get_or_create(
            slug=naming.slug,
            defaults={"name": naming.name or naming.slug, "description": naming.description},
        )
        version, _ = DatasetVersion.objects.select_for_update().get_or_create(
            dataset=dataset, version=naming.version, defaults={"is_current": False}
        )
        _refuse_other(version, found)
        others = dataset.versions.exclude(pk=version.pk)
        others.filter(is_current=True).update(is_current=False)
        DatasetVersion.objects.filter(pk=version.pk).update(
            labels=found.labels,
            preset=found.preset_name,
            manifest=describe(found.checked, found.preset, found.labels),
            hashes={download.name: download.sha256 for download in downloads},
            files={download.name: download.size for download in downloads},
            sources=found.sources,
            content_sha256=found.digest,
            **_monthly_limits(found, version),
            imported_at=version.imported_at or Now(),
            is_current=True,
        )
        return _tell(version, naming)


def _monthly_limits(found: Found, version: DatasetVersion) -> dict[str, int]:
    """The limits that a version begins with; later they are a maintainer's matter."""
    if version.imported_at is not None:
        return {}
    limit = HIDDEN_PER_MONTH if found.labels == Labels.HIDDEN else 0
    return {"submissions_per_month": limit, "team_submissions_per_month": limit}


def _tell(version: DatasetVersion, naming: Naming) -> DatasetVersion:
    """Take over what ``naming`` names, and nothing else, of a version that is there."""
    with transaction.atomic():
        version = (
            DatasetVersion.objects.select_for_update().select_related("dataset").get(pk=version.pk)
        )
        dataset = version.dataset
        dataset.name = naming.name or dataset.name
        dataset.description = naming.description or dataset.description
        dataset.save(update_fields=["name", "description"])
        for field in ("doi", "licence", "citation"):
            setattr(version, field, getattr(naming, field) or getattr(version, field))
        if naming.submissions_per_day is not None:
            version.submissions_per_day = naming.submissions_per_day
        version.save(update_fields=["doi", "licence", "citation", "submissions_per_day"])
    return version
