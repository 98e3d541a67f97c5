"""An import that is killed: nothing is there for readers, and the next one ends the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.leaderboard.datasets import sources
from tests.stack import ROOT, Stack

NAME = ["--name", "parts", "--dataset-version", "1", "--labels", "hidden"]
SECRET = {"AUTOVI_ID_SECRET": "the same secret for both"}
CHECKED, WRITTEN = 2 * (2 + 200 + 50), 2 * (2 + 200)
"""Steps of the import: files that it reads and checks, then images that it writes."""
CODE = """
import os, signal
from pathlib import Path
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.services.import_dataset import import_dataset

def step(done, total):
    if done == {moment}:
        os.kill(os.getpid(), signal.SIGKILL)

import_dataset(Path({folder!r}), Naming("parts", "parts", "1"), step, labels="hidden")
"""


def kill_at(stack: Stack, folder: Path, moment: int) -> None:
    """Run an import in a process that is killed at a step."""
    code = CODE.format(moment=moment, folder=str(folder))
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=stack.private, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


@pytest.mark.parametrize(
    "moment",
    [CHECKED + 250, CHECKED + WRITTEN + 2],
    ids=["while images are written", "while downloads are written"],
)
def test_a_killed_import_is_taken_up_again(moment: int, tmp_path: Path) -> None:
    folder = sources.official(tmp_path / "own", ("bolt", "nut"), {"good": 150, "missing": 50})
    stack = Stack(tmp_path / "var", **SECRET)
    kill_at(stack, folder, moment)
    assert stack.rows("select * from datasets_datasetversion") == []
    kept = {
        path: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (stack.var / "packs").rglob("*.png")
    }
    assert kept
    assert "2 categories, 400 test images, hidden labels" in stack.manage(
        "import_dataset", str(folder), *NAME
    )
    inodes = {path.stat().st_ino for path in (stack.var / "packs").rglob("*.png")}
    assert {inode for inode, _ in kept.values()} <= inodes, "what was written is not written again"
    whole = Stack(tmp_path / "other", **SECRET)
    whole.manage("import_dataset", str(folder), *NAME)
    for place in ("packs", "ground_truth"):
        assert snapshot(stack.var / place) == snapshot(whole.var / place)
    assert os.listdir(stack.var / "packs/.staging") == ["lock"]
