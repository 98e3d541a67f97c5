"""When the environment is right, and what mends it."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devtools import ROOT, Problem
from devtools.environment import (
    INSTALLING,
    Environment,
    fingerprint,
    pip_progress,
    venv_advice,
)

HOLD_THE_LOCK = """
import sys
from pathlib import Path
from devtools.console import Console
from devtools.environment import alone
with alone(Path(sys.argv[1]), Console(), "waiting"):
    print("holding", flush=True)
    sys.stdin.read()
"""


def installed(tree: Path, profile: str) -> Environment:
    """An environment whose stamp says that the profile is installed."""
    environment = Environment(tree)
    environment.bin.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    environment.stamp.write_text(json.dumps(environment.expected(profile)))
    return environment


def test_an_environment_without_a_stamp_is_not_ready(tree: Path) -> None:
    assert not Environment(tree).ready("site")


def test_a_right_stamp_needs_no_installation(tree: Path, console, lines) -> None:
    installed(tree, "site").ensure("site", console)
    assert lines.getvalue() == ""


def test_dev_holds_what_the_demo_needs_but_not_the_other_way(tree: Path) -> None:
    environment = installed(tree, "dev")
    assert environment.ready("site")
    environment.stamp.write_text(json.dumps(environment.expected("site")))
    assert not environment.ready("dev")


@pytest.mark.parametrize("name", ["requirements/site.txt", "pyproject.toml"])
def test_a_changed_file_asks_for_an_installation(tree: Path, name: str) -> None:
    environment = installed(tree, "site")
    with (tree / name).open("a") as file:
        file.write("# more\n")
    assert not environment.ready("site")


def test_a_new_package_asks_for_an_installation(tree: Path) -> None:
    environment = installed(tree, "site")
    (tree / "baselines").mkdir()
    (tree / "baselines" / "__init__.py").touch()
    assert not environment.ready("site")


def test_a_moved_project_asks_for_an_installation(tree: Path) -> None:
    environment = installed(tree, "site")
    stamp = json.loads(environment.stamp.read_text()) | {"root": "/elsewhere"}
    environment.stamp.write_text(json.dumps(stamp))
    assert not environment.ready("site")


def test_an_environment_whose_python_has_gone_is_not_ready(tree: Path) -> None:
    environment = installed(tree, "site")
    environment.python.unlink()
    environment.python.symlink_to(tree / "removed")
    assert not environment.ready("site")


@pytest.mark.parametrize("stamp", [json.dumps(INSTALLING), '{"profile": "si', "[]"])
def test_an_interrupted_installation_is_not_ready(tree: Path, stamp: str) -> None:
    environment = installed(tree, "site")
    environment.stamp.write_text(stamp)
    assert not environment.ready("site")


@pytest.mark.long
def test_an_interrupted_installation_is_made_anew(tree: Path, console, lines) -> None:
    lock = (ROOT / "requirements" / "site.txt").read_text()
    entry = re.search(r"^setuptools==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert entry is not None
    (tree / "requirements" / "site.txt").write_text(entry[0])
    (tree / "small.py").touch()
    environment = installed(tree, "site")
    environment.stamp.write_text(json.dumps(INSTALLING))
    left_over = environment.folder / "half-written"
    left_over.touch()

    environment.ensure("site", console)

    assert environment.ready("site")
    assert not left_over.exists()
    assert "installing the 1 locked packages of site.txt: done" in lines.getvalue()
    subprocess.run([environment.python, "-c", "import small"], cwd="/", check=True)


def test_a_failed_installation_shows_what_pip_said(tree: Path, console) -> None:
    lock = tree / "requirements" / "site.txt"
    lock.write_text(f"small @ {(tree / 'small-1-py3-none-any.whl').as_uri()}\n")
    environment = Environment(tree)
    subprocess.run([sys.executable, "-m", "venv", environment.folder], check=True)
    with pytest.raises(Problem, match=r"(?s)pip ended with exit code 1.*No such file"):
        environment.ensure("site", console)
    assert json.loads(environment.stamp.read_text()) == INSTALLING


def test_two_calls_do_not_install_at_once(tree: Path, console, lines) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(tree)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    waiter = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(tree)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert waiter.stdout is not None
    assert waiter.stdout.readline() == "waiting; waiting for it ...\n"
    with holder:
        holder.stdin.close()
    with waiter:
        assert waiter.stdout.readline() == "holding\n"


def test_pips_lines_become_progress() -> None:
    assert pip_progress("Collecting numpy==2.4.6 (from -r x)\n", 3, 9) == "3/9  numpy==2.4.6"
    assert pip_progress("Requirement already satisfied: six==1 in /x\n", 10, 9) == "9/9  six==1"
    assert pip_progress("Installing collected packages: six\n", 9, 9) == "unpacking"
    assert pip_progress("  Using cached six.whl\n", 9, 9) is None


def test_a_python_without_ensurepip_says_what_to_install() -> None:
    advice = venv_advice("Error: ... because ensurepip is not\navailable.")
    version = ".".join(platform.python_version_tuple()[:2])
    assert f"apt install python{version}-venv" in advice
    assert "disk full" in venv_advice("disk full")


def test_a_fingerprint_changes_with_names_and_contents(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("1")
    second.write_text("1")
    assert fingerprint([first]) != fingerprint([second])
    before = fingerprint([first, second])
    assert before == fingerprint([second, first])
    second.write_text("2")
    assert before != fingerprint([first, second])
