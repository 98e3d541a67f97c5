"""A worker that dies in the middle of its work: one set of scores, and no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from scoring import score
from tests.leaderboard import support
from tests.stack import Stack, submit_code, wait_until

N_GOOD = 500
SIZE = (640, 480)  # width, height
QUICK = {
    "AUTOVI_JOB_LEASE_SECONDS": "2",
    "AUTOVI_JOB_RENEW_SECONDS": "0.5",
    "AUTOVI_JOB_SWEEP_SECONDS": "0.5",
    "AUTOVI_JOB_RESEND_SECONDS": "3",
}


def make_dataset(folder: Path) -> Path:
    """One category with enough images that its scoring takes seconds."""
    blank = support.png(np.full((SIZE[1], SIZE[0]), 90, np.uint8))
    region = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    region[100:180, 200:260] = 255
    config = [
        {
            "defect_name": "missing",
            "pixel_value": 255,
            "saturation_threshold": 0.5,
            "relative_saturation": True,
        }
    ]
    files = {"train/good/0000.png": blank, "test/missing/0000.png": blank}
    files |= {f"test/good/{number:04}.png": blank for number in range(N_GOOD)}
    files |= {"ground_truth/missing/0000/0000.png": support.png(region)}
    files |= {"defects_config.json": json.dumps(config).encode()}
    for name, data in files.items():
        path = folder / "plate" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def make_maps(archive: Path) -> Path:
    random = np.random.default_rng(5)
    coarse = random.integers(0, 60_000, (20, SIZE[1] // 8, SIZE[0] // 8), dtype=np.uint16)
    maps = [support.png(np.kron(values, np.ones((8, 8), np.uint16))) for values in coarse]
    names = ["missing/0000", *(f"good/{number:04}" for number in range(N_GOOD))]
    files = {f"plate/test/{name}.png": maps[i % len(maps)] for i, name in enumerate(names)}
    archive.write_bytes(support.zipped(files))
    return archive


def kill_everything(worker: subprocess.Popen[bytes], holder: int) -> None:
    Stack.kill(worker)


def kill_the_one_that_scores(worker: subprocess.Popen[bytes], holder: int) -> None:
    """The pool's process only: the worker itself lives on and hands the message back."""
    os.kill(holder, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_everything, kill_the_one_that_scores])
def test_a_killed_worker_leaves_exactly_one_set_of_scores(kill, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    archive = make_maps(tmp_path / "maps.zip")
    with Stack(tmp_path / "var", **QUICK) as stack:
        naming = ["--name", "plates", "--dataset-version", "1", "--labels", "public"]
        stack.manage("import_dataset", str(dataset), *naming)
        number = stack.python(submit_code(archive, "plates", "Steady")).strip()
        worker = stack.worker()
        stack.beat()

        running = "SELECT worker FROM submissions_job WHERE kind='score' AND state='running'"
        found = wait_until(lambda: stack.rows(f"{running} AND done > 0"), "a score job runs")
        kill(worker, int(found[0][0].rpartition(":")[2]))
        assert stack.rows("SELECT count(*) FROM submissions_score") == [(0,)]
        if kill is kill_everything:
            stack.worker()

        over = "SELECT state FROM submissions_submission WHERE state IN ('scored', 'failed')"
        assert wait_until(lambda: stack.rows(over), "the submission ends") == [("scored",)]
        scored_once(stack)
        text = stack.python(
            "from leaderboard.submissions.models import Submission\n"
            "from leaderboard.submissions.results import report_json\n"
            f"print(report_json(Submission.objects.get(pk='{number}')), end='')"
        )
        assert text == score(dataset, archive).dumps()


def scored_once(stack: Stack) -> None:
    assert stack.rows("SELECT run, category FROM submissions_score") == [("run_0", "plate")]
    jobs = stack.rows("SELECT kind, state, attempt FROM submissions_job ORDER BY id")
    assert jobs == [("validate", "done", 1), ("score", "done", 2)]
    events = "SELECT kind FROM submissions_event WHERE kind <> 'log'"
    kinds = [kind for (kind,) in stack.rows(f"{events} ORDER BY id")]
    assert kinds == [
        *("draft", "uploading", "queued", "validating", "scoring"),
        *("queued", "scoring", "scored"),
    ]
    assert stack.rows("SELECT attempt FROM submissions_submission") == [(2,)]
