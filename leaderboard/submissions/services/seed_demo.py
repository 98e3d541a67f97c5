"""The demo's contents, each step doing nothing where its result is there already."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File

from leaderboard.accounts.models import User
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import import_dataset
from leaderboard.submissions.models import Submission
from leaderboard.submissions.services.submit import Handed, submit
from leaderboard.submissions.states import ACTIVE

Say = Callable[[str], None]
Progress = Callable[[int, int], None]

SCALE, SEED = 0.05, 0
"""Those of ``autovi sample-data``: what it draws at home are this board's very files."""
SAMPLE = Naming(
    slug="sample",
    name="Sample parts",
    version="1",
    description="Drawn parts in AutoVI's layout, open for trying uploads. Not AutoVI's images: "
    "scores here say nothing about real ones.",
    licence="Apache-2.0",
    submissions_per_day=20,
)


@dataclass(frozen=True)
class Sample:
    """A sample submission: maps of a chosen quality, 0 (chance) to 1 (nearly perfect)."""

    name: str
    quality: float
    runs: int
    seed: int


SUBMISSIONS = (
    Sample("Sample method A", quality=0.85, runs=3, seed=11),
    Sample("Sample method B", quality=0.6, runs=1, seed=12),
)
TO_UPLOAD = Sample("Your method", quality=0.7, runs=1, seed=13)
UPLOAD_NAME = "upload-me.zip"


def demo_account() -> User:
    """The account `demo`; its name and random password stand in ``var/demo.json`` (mode 0600)."""
    note = Path(settings.VAR_DIR) / "demo.json"
    user, _ = User.objects.get_or_create(username="demo", defaults={"email": "demo@example.org"})
    if note.exists() and user.has_usable_password() and user.password:
        return user
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save(update_fields=["password"])
    _write(note, {"username": user.username, "password": password})
    return user


def _write(note: Path, content: dict[str, Any]) -> None:
    partial = note.with_name(f".demo.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    os.replace(partial, note)


def sample_board(say: Say, progress: Progress) -> DatasetVersion:
    """The board of drawn parts; draws and imports them where there are none."""
    there = DatasetVersion.objects.imported().filter(dataset__slug=SAMPLE.slug).first()
    if there is not None:
        return there
    folder = Path(settings.VAR_DIR) / "sample"
    if not folder.exists():
        # Here, because the drawing libraries take a while to load and are rarely needed.
        from scoring.sampledata import draw_dataset

        say(f"drawing sample parts into {folder}")
        draw_dataset(folder, SCALE, SEED, progress=progress)
    say("importing the sample parts")
    return import_dataset(folder, SAMPLE, progress)


def sample_submissions(owner: User, version: DatasetVersion, say: Say, progress: Progress) -> None:
    """Hand in the sample archives by the same door as everybody's; the worker scores them.

    All are drawn first, and the one to upload too: nothing is scored before all is ready.
    """
    dataset = Path(settings.VAR_DIR) / "sample"
    folder = Path(settings.VAR_DIR) / "sample-maps"
    missing = {
        sample: folder / f"{sample.name.lower().replace(' ', '-')}.zip"
        for sample in SUBMISSIONS
        if not Submission.objects.filter(owner=owner, method__name=sample.name).exists()
    }
    for sample, archive in missing.items():
        say(f"drawing the maps of {sample.name}")
        _draw(dataset, archive, sample, progress)
    if not (folder / UPLOAD_NAME).exists():
        say(f"drawing an archive to upload: {folder / UPLOAD_NAME}")
        _draw(dataset, folder / UPLOAD_NAME, TO_UPLOAD, progress)
    for sample, archive in missing.items():
        _hand_in(owner, version, sample, archive)
        archive.unlink()
    _tell_launcher(owner, version)


def _tell_launcher(owner: User, version: DatasetVersion) -> None:
    """Add to ``var/demo.json`` what ``./dev demo`` says at each start: the archive to upload, its
    board, and how many sample submissions wait for their scores."""
    note = Path(settings.VAR_DIR) / "demo.json"
    names = [sample.name for sample in SUBMISSIONS]
    waiting = Submission.objects.filter(owner=owner, method__name__in=names, state__in=ACTIVE)
    told = {
        "archive": str(Path(settings.VAR_DIR) / "sample-maps" / UPLOAD_NAME),
        "board": version.dataset.slug,
        "waiting": waiting.count(),
    }
    _write(note, json.loads(note.read_text()) | told)


def _draw(dataset: Path, archive: Path, sample: Sample, progress: Progress) -> None:
    from scoring.sampledata import draw_maps

    draw_maps(dataset, archive, sample.quality, sample.seed, runs=sample.runs, progress=progress)


def _hand_in(owner: User, version: DatasetVersion, sample: Sample, archive: Path) -> None:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        handed = Handed(
            archive=File(file, archive.name),
            archive_name=archive.name,
            sha256=digest,
            method=owner.methods.filter(name=sample.name).first(),
            method_name=sample.name,
            declared=True,
            metadata={"description": "Drawn maps of a chosen quality; no model made them."},
        )
        submit(owner, version, handed)
