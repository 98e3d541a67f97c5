"""The environment of other people's evaluators: `.venv-bench`, made or reused.

torch is heavy and the project needs none of it, so it lives apart. The order matters: torch first,
then torchvision without its dependencies (its default wheel would fetch another torch, for CUDA),
then the rest.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-bench"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_INSTALL_SECONDS = 900
_LIST_VERSIONS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        print(f"{name}=={importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
        pass
"""


class NoPeers(Exception):
    """The environment cannot be made; the message says why, for the results page."""


def ensure() -> Path:
    """The environment's Python, with what requirements.txt pins. Raises NoPeers."""
    python = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = requirements()
    if not _missing(python, wanted):
        print(f"reusing {FOLDER.name}", flush=True)
        return python
    if not python.exists():
        print(f"making {FOLDER.name} ...", flush=True)
        venv.create(FOLDER, with_pip=True)
    for arguments in _steps(wanted):
        _install(python, arguments)
    if missing := _missing(python, wanted):
        raise NoPeers(f"{FOLDER.name} lacks {', '.join(missing)} after installing")
    return python


def requirements() -> list[str]:
    """The pinned `name==version` of requirements.txt."""
    lines = (line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return [line for line in lines if line]


def _missing(python: Path, wanted: list[str]) -> list[str]:
    """What is not there in that version; a build's tag, as in 2.13.0+cpu, does not count."""
    if not python.exists():
        return wanted
    names = [line.partition("==")[0] for line in wanted]
    command = [str(python), "-I", "-c", _LIST_VERSIONS, *names]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = {line.partition("+")[0] for line in listed.split()}
    return [line for line in wanted if line not in found]


def _steps(wanted: list[str]) -> list[list[str]]:
    pins = {line.partition("==")[0]: line for line in wanted}
    return [[pins["torch"]], ["--no-deps", pins["torchvision"]], wanted]


def _install(python: Path, arguments: list[str]) -> None:
    print(f"pip install {' '.join(arguments)} ...", flush=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-input", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoPeers(f"pip took more than {_INSTALL_SECONDS} s for {arguments[-1]}") from None
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NoPeers((reasons or [f"pip ended with status {done.returncode}"])[0][:300])
