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
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

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
    demo = Demo(var)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.end(signal.SIGTERM)


def test_demo_serves_mends_itself_stops_and_starts_again(demo: Demo, var: Path) -> None:
    address = demo.wait_for(r"^open (http://127\.0\.0\.1:\d+)$")[1]
    account = demo.wait_for(r"^sign in as (\S+) with the password (\S+)$")
    assert list(account.groups()) == list(json.loads((var / "demo.json").read_text()).values())
    assert get(address, "/healthz")[0] == 200
    assert get(address, "/boards/")[0] == 200
    assert (var / "secret.key").stat().st_mode & 0o777 == 0o600
    only_the_worker_knows_the_ground_truth(var)
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


def a_killed_worker_comes_back(demo: Demo, var: Path) -> None:
    workers = {pid for pid, (command, _) in environments(var).items() if " worker " in command}
    os.kill(min(workers), signal.SIGKILL)
    demo.wait_for("worker was ended by SIGKILL")
    demo.wait_for(r"^worker \|.*ready")
    again = {pid for pid, (command, _) in environments(var).items() if " worker " in command}
    assert again
    assert not workers & again


def a_second_start_prepares_nothing(var: Path) -> None:
    """It takes 2 s on an idle machine of two cores; the bound leaves room for a busy one."""
    demo = Demo(var)
    demo.wait_for(r"^open http://")
    took = time.monotonic() - demo.began
    assert demo.end(signal.SIGTERM) == 0, demo.text
    assert environments(var) == {}
    assert not re.search("installing|database|drawing", demo.text)
    assert took < 15.0
