from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from leaderboard.accounts.models import User
from leaderboard.celery import app
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import Naming, import_dataset
from leaderboard.submissions.models import Job, Score, Submission
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.submit import Handed, submit
from leaderboard.submissions.states import JobState
from tests.leaderboard import support


@pytest.fixture(autouse=True)
def places(
    tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> Path:
    """All files of a test in its own folder; a broker in memory."""
    settings.GROUND_TRUTH_ROOT = tmp_path / "ground_truth"
    settings.PACKS_ROOT = tmp_path / "packs"
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.VAR_DIR = tmp_path
    archive, arrays = Submission._meta.get_field("archive"), Score._meta.get_field("arrays")
    for field, folder in ((archive, "archives"), (arrays, "results")):
        monkeypatch.setattr(field, "storage", FileSystemStorage(location=tmp_path / folder))
    monkeypatch.setitem(app.conf, "broker_url", "memory://")
    monkeypatch.setitem(app.conf, "broker_write_url", "memory://")
    return tmp_path


@pytest.fixture
def version(tmp_path: Path) -> DatasetVersion:
    folder = support.make_dataset(tmp_path / "dataset")
    return import_dataset(folder, Naming("small", "Small parts", "1"))


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("demo", "demo@example.org", "a long password")


def handed(data: bytes, name: str = "maps.zip", **fields: object) -> Handed:
    """An archive's bytes as what the service takes, by default for a new method."""
    values: dict = {"method_name": f"Method {Submission.objects.count()}", "declared": True}
    digest = hashlib.sha256(data).hexdigest()
    return Handed(ContentFile(data, name), name, digest, **(values | fields))


Submit = Callable[..., Submission]


@pytest.fixture
def hand_in(owner: User, version: DatasetVersion) -> Submit:
    """Submit an archive given as bytes or as members."""

    def hand_in(
        content: bytes | dict[str, bytes] | None = None, name: str = "maps.zip", **fields: object
    ) -> Submission:
        if content is None:
            content = support.members()
        data = support.zipped(content) if isinstance(content, dict) else content
        return submit(owner, version, handed(data, name, **fields))

    return hand_in


@pytest.fixture
def work_off() -> Callable[[], None]:
    """Do all queued jobs, as a worker would."""

    def work_off() -> None:
        while job := Job.objects.filter(state=JobState.QUEUED).first():
            perform(job.pk, "test")

    return work_off
