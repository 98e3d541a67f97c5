"""`./dev demo` from outside: what a person who types it gets, and that nothing of it stays."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devtools.console import Console
from devtools.environment import Environment
from scoring.cli import main
from tests.stack import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0
GROUND_TRUTH = b"AUTOVI_GROUND_TRUTH="


class Demo:
    """A running `./dev demo` and the lines that it has printed."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.lines: list[str] = []
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "dev", "demo"],
            cwd=var.parent,
            env=os.environ | {"AUTOVI_VAR": str(var)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line to come that matches; fails when the output ends before it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := re.search(pattern, self.lines[-1]):
                return found
            assert time.monotonic() - self.began < PATIENCE, self.text
        pytest.fail(f"no line matched {pattern!r}:\n{self.text}")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Asks it to stop, reads what it still says, and returns its exit code."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        with self.process:
            self.lines += self.process.stdout.read().splitlines()
        return self.process.returncode

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def environments(var: Path) -> dict[int, tuple[str, bytes]]:
    """Command line and environment of every process that was given this run-time folder."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            env = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"AUTOVI_VAR={var}\0".encode() in env and " demo" not in command:
            found[int(folder.name)] = (command, env)
    return found


def get(address: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "var"


@pytest.fixture(scope="module")
def demo(var: Path) -> Iterator[Demo]:
    """Its time begins with the environment made: how long pip takes is not the demo's matter."""
    Environment().ensure("site", Console())
    demo = Demo(var)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.end(signal.SIGTERM)


def test_demo_serves_mends_itself_stops_and_starts_again(demo: Demo, var: Path) -> None:
    address = demo.wait_for(r"^open (http://127\.0\.0\.1:\d+)$")[1]
    account = demo.wait_for(r"^sign in as (\S+) with the password (\S+)$")
    note = json.loads((var / "demo.json").read_text())
    assert list(account.groups()) == [note["username"], note["password"]]
    archive = demo.wait_for(r"^upload (/\S+) at http://\S+/submit/sample/$")[1]
    assert archive.startswith(str(var))
    assert zipfile.is_zipfile(archive)
    demo.wait_for(r"^2 sample submissions are being scored")
    logged = [line for line in demo.lines if line.startswith(("web ", "worker ", "beat "))]
    assert [line for line in logged if "submission moved" not in line] == []
    assert get(address, "/healthz")[0] == 200
    assert get(address, "/boards/")[0] == 200
    assert (var / "secret.key").stat().st_mode & 0o777 == 0o600
    only_the_worker_knows_the_ground_truth(var)
    demo.wait_for(r'^worker \|.*submission=.*now="scored"$')
    its_samples_are_those_of_the_command(var)
    a_killed_worker_comes_back(demo, var)
    assert demo.end() == 0, demo.text
    assert environments(var) == {}
    a_second_start_prepares_nothing(var)


def only_the_worker_knows_the_ground_truth(var: Path) -> None:
    found = environments(var).values()
    knowing = [command for command, env in found if GROUND_TRUTH in env]
    others = [command for command, env in found if GROUND_TRUTH not in env]
    assert knowing
    assert all(" worker " in command for command in knowing)
    assert any("gunicorn" in command for command in others)
    assert any(" beat " in command for command in others)
    secret = (var / "secret.key").read_text().strip()
    assert not [command for command, _ in found if secret in command]


def its_samples_are_those_of_the_command(var: Path) -> None:
    """What `autovi sample-data` draws at home by default, scores as on the demo's board."""
    home = var.parent / "samples"
    assert main(["sample-data", str(home), "--category", "pipe_clip", "--jobs", "1"]) == 0
    drawn = {
        path.relative_to(home): path.read_bytes() for path in home.rglob("*.*") if path.is_file()
    }
    assert len(drawn) > 10
    assert {path: (var / "sample" / path).read_bytes() for path in drawn} == drawn


def a_killed_worker_comes_back(demo: Demo, var: Path) -> None:
    workers = workers_of(var)
    os.kill(min(workers), signal.SIGKILL)
    demo.wait_for("worker was ended by SIGKILL")
    demo.wait_for("starting worker again")
    again = wait_until(lambda: workers_of(var) - workers, "the worker is back")
    assert len(again) > 0
    assert not workers & workers_of(var)


def workers_of(var: Path) -> set[int]:
    return {pid for pid, (command, _) in environments(var).items() if " worker " in command}


def a_second_start_prepares_nothing(var: Path) -> None:
    """It takes 2 s on an idle machine of two cores; the bound only tells a start from a hang."""
    before = prepared(var)
    demo = Demo(var)
    demo.wait_for(r"^open http://")
    demo.wait_for(r"^upload /")
    took = time.monotonic() - demo.began
    assert demo.end(signal.SIGTERM) == 0, demo.text
    assert environments(var) == {}
    assert not re.search("installing|database|drawing", demo.text)
    assert prepared(var) == before
    assert took < 60.0


def prepared(var: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of all that a first start draws, imports and installs."""
    folders = [var / name for name in ("sample", "sample-maps", "packs", "ground_truth")]
    files = [path for folder in folders for path in folder.rglob("*.png")]
    files += [var / "sample-maps" / "upload-me.zip"]
    assert len(files) > 100
    files += [var / "migrated", Environment().stamp]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
