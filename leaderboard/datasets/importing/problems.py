"""Everything wrong with what is to be imported, one line each."""

from __future__ import annotations


class ImportRefused(Exception):
    """The files cannot be imported; nothing was changed.

    ``problems`` are lines ``path: what is wrong; what is expected``.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ImportProblems:
    """Collects problem lines, in the order of finding."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, path: object, problem: object) -> None:
        """Note that ``path`` has ``problem``."""
        self.lines.append(f"{path}: {problem}")

    def raise_if_any(self) -> None:
        """Raise ImportRefused with all lines, if there are any."""
        if self.lines:
            raise ImportRefused(*self.lines)
