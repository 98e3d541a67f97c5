"""What the tests of `./dev` share: a console whose lines can be waited for."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from devtools.console import Console


class Lines(io.StringIO):
    """A stream that tells when a text has been written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def write(self, text: str) -> int:
        with self._changed:
            written = super().write(text)
            self._changed.notify_all()
            return written

    def wait_for(self, text: str, times: int = 1, timeout: float = 20.0) -> None:
        with self._changed:
            found = self._changed.wait_for(lambda: self.getvalue().count(text) >= times, timeout)
        assert found, f"{text!r} was not written {times} times:\n{self.getvalue()}"

    def after(self, text: str, times: int = 1) -> str:
        """The rest of the line behind the text's n-th occurrence, once it is there."""
        self.wait_for(text, times)
        return self.getvalue().split(text)[times].split("\n")[0].strip()


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def console(lines: Lines) -> Console:
    return Console(lines)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project as small as the launcher's environment needs it."""
    (tmp_path / "requirements").mkdir()
    for profile in ("site", "dev"):
        (tmp_path / "requirements" / f"{profile}.txt").write_text(f"# nothing for {profile}\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "small"\nversion = "1"\n')
    return tmp_path
