"""The rules of tests/conftest.py, tried out on a small suite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
SUITE = """
import pytest

def test_well(): pass

@pytest.mark.long
def test_slow(): assert False, "slow"
"""
SKIPPING = "\n@pytest.mark.skip(reason='not today')\ndef test_left_out(): pass\n"


@pytest.fixture
def suite(tmp_path: Path):
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = long: slow\n")

    def run(text: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_small.py").write_text(text)
        kept = {key: value for key, value in os.environ.items() if key != "CI"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=kept | env, capture_output=True, text=True, check=False
        )

    return run


def test_long_tests_run_when_asked_for_and_are_left_out_without_a_skip(suite) -> None:
    assert suite(SUITE, CI="true").returncode == 0
    assert "slow" in suite(SUITE, "--long").stdout


def test_a_skipped_test_fails_the_run_in_ci_only(suite) -> None:
    assert suite(SUITE + SKIPPING).returncode == 0
    done = suite(SUITE + SKIPPING, CI="true")
    assert done.returncode == 1
    assert "skipped, which fails the run" in done.stdout
    assert "test_left_out" in done.stdout


def test_a_file_skipped_as_a_whole_fails_the_run_in_ci_too(suite) -> None:
    assert suite("import pytest\npytest.importorskip('no_such_module')", CI="1").returncode == 1
