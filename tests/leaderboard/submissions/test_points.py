"""Points that end a process where a test asks for it, and are nothing otherwise."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from leaderboard.submissions.points import POINTS, asked

ROOT = Path(__file__).resolve().parents[3]
PASS = "from leaderboard.submissions.points import point; point('after-claim')"


def pass_it(**env: str) -> subprocess.CompletedProcess[str]:
    """A process that passes ``after-claim``."""
    return subprocess.run(
        [sys.executable, "-c", PASS],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", POINTS)
def test_each_point_stands_at_one_place_of_the_services(name: str) -> None:
    services = (ROOT / "leaderboard/submissions/services").glob("*.py")
    found = Counter(
        match for path in services for match in re.findall(rf'"({name})"', path.read_text())
    )
    assert found == {name: 1}


def test_a_point_that_nobody_asked_for_is_passed() -> None:
    assert pass_it(AUTOVI_STOP_AT="before-claim").returncode == 0


def test_a_process_is_killed_where_it_is_asked_to_be_once(tmp_path: Path) -> None:
    once = {"AUTOVI_STOP_AT": "before-claim,after-claim", "AUTOVI_STOP_ONCE": str(tmp_path / "it")}
    assert [pass_it(**once).returncode for _ in range(2)] == [-signal.SIGKILL, 0]


def test_what_to_do_can_stand_in_a_file_that_the_first_one_takes(tmp_path: Path) -> None:
    file = tmp_path / "stop"
    asks = {"AUTOVI_STOP_AT": f"@{file}"}
    assert pass_it(**asks).returncode == 0
    file.write_text("kill:before-claim")
    assert pass_it(**asks).returncode == 0
    file.write_text("kill:before-claim,after-claim")
    assert [pass_it(**asks).returncode for _ in range(2)] == [-signal.SIGKILL, 0]
    assert not file.exists()


def test_a_point_can_raise_instead() -> None:
    done = pass_it(AUTOVI_STOP_AT="raise:after-claim")
    assert (done.returncode, "StoppedHere" in done.stderr) == (1, True)


def test_a_process_can_be_stopped_and_go_on() -> None:
    env = os.environ | {"AUTOVI_STOP_AT": "stop:after-claim"}
    process = subprocess.Popen([sys.executable, "-c", PASS], cwd=ROOT, env=env)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) == 0


@pytest.mark.parametrize("text", ["after-clam", "crash:after-claim"])
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        asked(text)
