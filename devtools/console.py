"""Lines for people: colours on a terminal only, steps with their time, prefixed logs."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

COLOURS = {"web": 36, "worker": 35, "beat": 33, "seed": 34, "good": 32, "bad": 31, "dim": 2}
TICK = 0.2  # seconds between two drawings of the live line on a terminal
HEARTBEAT = 10.0  # seconds between two progress lines where there is no terminal


class Console:
    """Writes whole lines to one stream, from any thread."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.coloured = self.live and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()
        self._drawn = False
        self._pinned = ""

    def paint(self, text: str, colour: str) -> str:
        code = COLOURS.get(colour)
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured and code else text

    def line(self, text: str = "") -> None:
        """One line; a live line that is being drawn gives way to it."""
        self._write(f"{text}\n{self._pinned}", drawn=bool(self._pinned))

    def draw(self, text: str) -> None:
        """Draws the live line anew; does nothing where there is no terminal."""
        if self.live:
            self._write(fitting(text), drawn=True)

    def pin(self, text: str) -> None:
        """Keeps this line below all others on a terminal; an empty text takes it away."""
        if self.live:
            self._pinned = fitting(text)
            self._write(self._pinned, drawn=bool(text))

    def log(self, name: str, text: str) -> None:
        """One line of a process' output behind its name."""
        self.line(f"{self.paint(f'{name:<6} |', name)} {text}")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Shows a piece of work while it runs, and how long it took."""
        step = Step(self, title)
        step.start()
        try:
            yield step
        except BaseException:
            step.end("stopped after")
            raise
        step.end("done in")

    def _write(self, text: str, *, drawn: bool) -> None:
        with self._lock:
            erase = "\r\x1b[K" if self._drawn else ""
            self._drawn = drawn
            try:
                self.stream.write(erase + text)
                self.stream.flush()
            except OSError:  # the reader has gone; the work and the clean stop go on
                pass


def fitting(text: str) -> str:
    """What of the text fits on one line of the terminal."""
    return text[: max(shutil.get_terminal_size().columns - 1, 1)]


class Step:
    """One piece of work: a live line on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, title: str) -> None:
        self.console = console
        self.title = title
        self.detail = ""
        self._began = time.monotonic()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def start(self) -> None:
        if not self.console.live:
            self.console.line(f"{self.title} ...")
        self._ticker.start()

    def end(self, how: str) -> None:
        self._over.set()
        self._ticker.join()
        self.console.line(f"{self.title}: {how} {self._elapsed():.1f} s")

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _tick(self) -> None:
        pause = TICK if self.console.live else HEARTBEAT
        while not self._over.wait(pause):
            text = f"{self.title} ... {self._elapsed():.0f} s  {self.detail}".rstrip()
            if self.console.live:
                self.console.draw(text)
            else:
                self.console.line(f"  {text}")
