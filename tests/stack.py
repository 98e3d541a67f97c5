"""The real site for tests: web, worker and beat as processes on a database of their own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psycopg

from devtools.child import tied

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0
PRIVATE = ("AUTOVI_GROUND_TRUTH", "AUTOVI_GROUND_TRUTH_STORAGE", "AUTOVI_ID_SECRET")


def wait_until(true: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `true` gives as soon as it gives something; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {patience:.0f} s")


class Stack:
    """Processes of the site under one folder; all of them end with the `with` block."""

    def __init__(self, var: Path, **env: str) -> None:
        self.var = var
        var.mkdir(parents=True, exist_ok=True)
        dropped = (*PRIVATE, "DJANGO_SETTINGS_MODULE")
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        told = {key: value for key, value in env.items() if key not in PRIVATE}
        self.public = kept | {"AUTOVI_VAR": str(var), "PYTHONWARNINGS": "default"} | told
        self.private = self.public | {"AUTOVI_GROUND_TRUTH": str(var / "ground_truth")} | env
        self.processes: list[subprocess.Popen[bytes]] = []
        self.manage("migrate", "--verbosity", "0")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            self.kill(process)

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end, with the ground truth open, as maintainers do."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.private, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        """Run Python inside the site, in a process of its own."""
        return self.manage("shell", "--no-imports", "-c", code)

    def start(
        self, name: str, *command: str, private: bool = False, **env: str
    ) -> subprocess.Popen[bytes]:
        with (self.var / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                tied(command),
                cwd=ROOT,
                env=(self.private if private else self.public) | env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, name: str = "worker", **env: str) -> subprocess.Popen[bytes]:
        command = ["worker", "-Q", "default,scoring", "--concurrency", "1", "--loglevel", "INFO"]
        quiet = ["--without-gossip", "--without-mingle", "--hostname", f"{name}@%h"]
        return self._celery(name, *command, *quiet, private=True, **env)

    def beat(self, name: str = "beat") -> subprocess.Popen[bytes]:
        return self._celery(name, "beat", "--schedule", str(self.var / f"{name}-schedule"))

    def web(self, port: int = 0) -> str:
        """Start the web process, on a free port unless told; its address once it answers."""
        if not port:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                port = listener.getsockname()[1]
        options = ["--bind", f"127.0.0.1:{port}", "--threads", "8", "--no-control-socket"]
        self.start("web", sys.executable, "-m", "gunicorn", "leaderboard.wsgi", *options)
        wait_until(lambda: _answers(port), "the web process answers")
        return f"http://127.0.0.1:{port}"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database from outside; `?` stands for a value."""
        if "DATABASE_URL" in self.public:
            with psycopg.connect(self.public["DATABASE_URL"], connect_timeout=10) as postgresql:
                return postgresql.execute(query.replace("?", "%s"), values).fetchall()
        connection = sqlite3.connect(f"file:{self.var / 'db.sqlite3'}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def log(self, name: str) -> str:
        path = self.var / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """SIGKILL for a process and all that it started."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def _celery(
        self, name: str, *arguments: str, private: bool = False, **env: str
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "leaderboard.celery:app"]
        return self.start(name, *command, *arguments, private=private, **env)


def submit_code(archive: Path, board: str, method: str) -> str:
    """Python that submits `archive` by the service and prints the submission's number."""
    return f"""
import hashlib, pathlib
from django.core.files import File
from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.services.submit import Handed, submit
path = pathlib.Path({json.dumps(str(archive))})
owner, _ = User.objects.get_or_create(username="demo")
version = DatasetVersion.objects.get(dataset__slug={json.dumps(board)})
with path.open("rb") as file:
    handed = Handed(File(file, path.name), path.name, hashlib.sha256(path.read_bytes()).hexdigest(),
                    method_name={json.dumps(method)}, declared=True)
    print(submit(owner, version, handed).pk)
"""


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
