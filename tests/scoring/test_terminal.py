"""`autovi score` as a person sees it: on a terminal, and with its output sent elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support import map_files, small_case, write_dataset, write_zip

SCORE = [sys.executable, "-m", "scoring", "score", "--jobs", "1"]
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
ENVIRONMENT = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    case = {"part": small_case()}
    dataset = write_dataset(tmp_path / "dataset", case)
    return [str(dataset), str(write_zip(tmp_path / "maps.zip", map_files(case, ".png")))]


def on_a_terminal(arguments: list[str]) -> tuple[int, str, str]:
    """Exit status, standard output, and what the terminal got that standard error is."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=theirs, env=ENVIRONMENT, text=True
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # how Linux says that nobody holds the other end any more
    finally:
        os.close(ours)
    output, _ = process.communicate()
    return process.returncode, output, shown.decode()


def test_a_terminal_shows_a_bar_that_is_gone_at_the_end(inputs: list[str]) -> None:
    status, output, shown = on_a_terminal([*SCORE, *inputs])
    assert status == 0
    assert "part" in output
    assert "\x1b" not in output
    assert "scoring" in shown
    assert "5/5" in shown
    assert shown.count(HIDE_CURSOR) == shown.count(SHOW_CURSOR) == 1
    after = shown.rpartition("5/5")[2]
    assert "\x1b[2K" in after, "the line is wiped"
    assert not after.rpartition("\x1b[2K")[2].strip(), "nothing stands behind it"


def test_a_refusal_stands_on_a_terminal_that_is_whole_again(inputs: list[str]) -> None:
    Path(inputs[1]).unlink()
    files = map_files({"part": small_case()}, ".png")
    first = min(files)
    write_zip(Path(inputs[1]), {**files, first: b"x", "a\x1b[2Jb": b""})
    status, output, shown = on_a_terminal([*SCORE, *inputs])
    assert (status, output) == (1, "")
    lines = shown.rpartition(SHOW_CURSOR)[2].split("\r\n")
    assert any(line.endswith("a\\x1b[2Jb: has control characters in its name") for line in lines)
    assert f"{first}: is no PNG file" in lines
    assert lines[-2] == "refused: 2 problems; nothing was scored"
    assert "\x1b[2J" not in shown


def test_elsewhere_there_is_no_bar(inputs: list[str]) -> None:
    done = subprocess.run([*SCORE, *inputs], capture_output=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
