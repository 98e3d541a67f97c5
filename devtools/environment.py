"""The virtual environment `.venv`: made once, proved right by a stamp, repaired when it is not.

The stamp names everything the installation depends on. While the installation runs it says so;
a stamp that still says it later was left by an interrupted one, and all is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devtools import ROOT, Problem
from devtools.child import tied
from devtools.console import Console, Step

PROFILES = ("site", "dev")  # each holds all that the one before it holds
INSTALLING = {"profile": "installing"}


class Environment:
    """The folder `.venv` of one working tree."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.bin = self.folder / "bin"
        self.python = self.bin / "python"
        self.stamp = self.folder / "autovi-board.json"

    def lock(self, profile: str) -> Path:
        return self.root / "requirements" / f"{profile}.txt"

    def expected(self, profile: str) -> dict[str, str]:
        """What the stamp holds when this profile is installed as the tree now asks for it."""
        packages = sorted(path.parent.name for path in self.root.glob("*/__init__.py"))
        return {
            "profile": profile,
            "lock": _digest(self.lock(profile)),
            "project": _digest(self.root / "pyproject.toml"),
            "packages": " ".join(packages),
            "python": platform.python_version(),
            "root": str(self.root),
        }

    def ready(self, profile: str) -> bool:
        """True if the profile, or one that holds it, is installed; starts no process."""
        found = self._read_stamp()
        wanted = PROFILES[PROFILES.index(profile) :]
        return self.python.exists() and any(found == self.expected(name) for name in wanted)

    def ensure(self, profile: str, console: Console) -> None:
        """Makes or repairs the environment; raises Problem with what to do where that fails."""
        if self.ready(profile):
            return
        with alone(self.root, console, "another ./dev is making the environment"):
            if not self.ready(profile):
                self._make(self._widest(profile), console)

    def variables(self) -> dict[str, str]:
        """This process' variables, with the environment's commands first on the PATH."""
        path = f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
        return kept | {"PATH": path, "VIRTUAL_ENV": str(self.folder), "PYTHONUNBUFFERED": "1"}

    def _widest(self, profile: str) -> str:
        """The profile to install: `site` never takes away what a `dev` installation brought."""
        return "dev" if self._read_stamp().get("profile") == "dev" else profile

    def _make(self, profile: str, console: Console) -> None:
        if self._read_stamp() == INSTALLING or not self._usable():
            with console.step(f"making {self.folder.name} with Python {platform.python_version()}"):
                self._create()
        self.stamp.write_text(json.dumps(INSTALLING))
        lock = self.lock(profile)
        count = len(re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE))
        with console.step(f"installing the {count} locked packages of {lock.name}") as step:
            self._pip(step, count, "--require-hashes", "-r", str(lock))
        with console.step("installing the project itself") as step:
            self._pip(step, 1, "--no-deps", "--no-build-isolation", "-e", str(self.root))
        text = json.dumps(self.expected(profile), indent=1)
        draft = self.stamp.with_suffix(".new")
        draft.write_text(text)
        draft.replace(self.stamp)

    def _usable(self) -> bool:
        """True if the folder holds this very Python with a working pip."""
        code = "import pip, platform; print(platform.python_version())"
        try:
            done = subprocess.run(
                [self.python, "-c", code], capture_output=True, text=True, check=False
            )
        except OSError:
            return False
        return done.returncode == 0 and done.stdout.strip() == platform.python_version()

    def _create(self) -> None:
        command = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Problem(venv_advice(done.stdout + done.stderr))

    def _pip(self, step: Step, count: int, *arguments: str) -> None:
        command = [str(self.python), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
        command += ["--disable-pip-version-check", *arguments]
        process = subprocess.Popen(
            tied(command),
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        last: deque[str] = deque(maxlen=20)
        try:
            _follow(process, step, count, last)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if process.returncode:
            shown = "\n".join(f"  {line}" for line in last)
            raise Problem(
                f"pip ended with exit code {process.returncode}; its last lines:\n{shown}"
            )

    def _read_stamp(self) -> dict[str, str]:
        try:
            found = json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


@contextmanager
def alone(folder: Path, console: Console, otherwise: str) -> Iterator[None]:
    """Holds the folder's lock, which dies with its process; says `otherwise` when it must wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.line(f"{otherwise}; waiting for it ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _follow(process: subprocess.Popen[str], step: Step, count: int, last: deque[str]) -> None:
    assert process.stdout is not None
    seen = 0
    with process.stdout as output:
        for line in output:
            last.append(line.rstrip())
            seen += line.startswith(("Collecting ", "Requirement already satisfied: "))
            step.detail = pip_progress(line, seen, count) or step.detail
    process.wait()


def pip_progress(line: str, seen: int, count: int) -> str | None:
    """What one line of pip's output means to a person waiting, or None."""
    if line.startswith(("Collecting ", "Requirement already satisfied: ")):
        name = line.split(": ")[-1].removeprefix("Collecting ").split()[0]
        return f"{min(seen, count)}/{count}  {name}"
    if line.startswith("Installing collected packages"):
        return "unpacking"
    return None


def venv_advice(output: str) -> str:
    """What to do when `python -m venv` failed with this output."""
    if "ensurepip" in output:
        major, minor = sys.version_info[:2]
        return (
            f"This Python ({sys.executable}) cannot make virtual environments: ensurepip is "
            f"missing.\nOn Debian or Ubuntu: apt install python{major}.{minor}-venv "
            "(or python3-venv), then start again."
        )
    return f"python -m venv failed:\n{output.strip()}"


def fingerprint(paths: Sequence[Path]) -> str:
    """One digest of the names and contents of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path} {_digest(path)}\n".encode())
    return total.hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
