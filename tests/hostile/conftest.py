from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.corpus import Room, write_room


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the datasets that hostile archives are sent to. Nobody writes to it."""
    return write_room(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def room(datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A place to build an archive in; afterwards no file, process or descriptor may be left."""
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    here, children, descriptors = os.listdir(), child_processes(), len(os.listdir("/proc/self/fd"))
    yield Room(datasets, tmp_path)
    for archive in filter(Path.is_file, tmp_path.glob("maps.*")):
        archive.unlink()  # some are large, and pytest keeps the folders of the last runs
    assert list(spool.iterdir()) == []
    assert os.listdir() == here
    assert child_processes() == children
    assert len(os.listdir("/proc/self/fd")) == descriptors


def child_processes() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}
