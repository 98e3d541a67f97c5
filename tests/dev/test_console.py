"""Lines for people."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable

import pytest

from devtools.console import Console


def terminal_output(write: Callable[[Console], None]) -> str:
    """What `write(console)` puts on a real terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        write(Console(stream))
        stream.write("\0")  # marks the end, which a terminal does not have
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        text = b""
        while not text.endswith(b"\0"):
            text += terminal.read(1024)
    return text[:-1].decode()


def test_a_log_line_stands_behind_its_programs_name(console, lines) -> None:
    console.log("web", "listening")
    console.log("worker", "ready")
    assert lines.getvalue() == "web    | listening\nworker | ready\n"


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal_output(lambda console: console.log("web", "up")) == (
        "\x1b[36mweb    |\x1b[0m up\r\n"
    )


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal_output(lambda console: console.log("web", "up")) == "web    | up\r\n"


def test_a_live_line_gives_way_to_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")

    def write(console: Console) -> None:
        console.draw("half way")
        console.line("done")

    assert terminal_output(write) == "half way\r\x1b[Kdone\r\n"


def test_a_pinned_line_stays_below_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")

    def write(console: Console) -> None:
        console.pin("open")
        console.line("log")
        console.pin("")
        console.line("end")

    assert terminal_output(write) == "open\r\x1b[Klog\r\nopen\r\x1b[Kend\r\n"


def test_nothing_is_pinned_where_there_is_no_terminal(console, lines) -> None:
    console.pin("open")
    console.line("log")
    assert lines.getvalue() == "log\n"


def test_a_step_says_what_it_does_and_how_long_it_took(console, lines) -> None:
    with console.step("drawing"):
        pass
    first, last = lines.getvalue().splitlines()
    assert first == "drawing ..."
    assert last.startswith("drawing: done in 0.")


def test_a_step_that_fails_says_so(console, lines) -> None:
    with pytest.raises(ValueError, match="broken"), console.step("drawing"):
        raise ValueError("broken")
    assert "drawing: stopped after 0." in lines.getvalue()
