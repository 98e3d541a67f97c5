"""What can be wrong with a dataset or with somebody's maps, as lines a person can act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MAX_LISTED = 50
"""Problems listed in full; of the others only their number is told."""


class DatasetError(ValueError):
    """The dataset on disk is not in the expected layout. Names the path and what was expected."""


class MapError(ValueError):
    """One map cannot be used. Says what is wrong and what is expected, not which member."""


class ArchiveError(ValueError):
    """The archive as a whole cannot be read. Says what is wrong and what is expected."""


class Refused(Exception):
    """The maps are refused and nothing was scored.

    Attributes
    ----------
    problems : tuple of str
        One line a problem, at most the first 50, each ``member: what is wrong; what is expected``.
    total : int
        How many problems there are in all.
    """

    def __init__(self, problems: Iterable[str], total: int | None = None) -> None:
        listed = tuple(problems)
        self.problems = listed[:MAX_LISTED]
        self.total = len(listed) if total is None else total
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """All listed problems, then the number of those not listed."""
        hidden = self.total - len(self.problems)
        more = [f"... and {hidden} more"] if hidden > 0 else []
        return [*self.problems, *more]


class Problems:
    """Collects problem lines; keeps the first 50 and counts the rest.

    Parameters
    ----------
    archive : str
        What the archive is called in a problem of the whole.
    """

    def __init__(self, archive: str = "archive") -> None:
        self.archive = archive
        self._lines: list[str] = []
        self.total = 0

    def add(self, member: str, problem: object) -> None:
        """Note that `member` has `problem`; control characters are shown escaped."""
        self.total += 1
        if len(self._lines) < MAX_LISTED:
            self._lines.append(f"{printable(member)}: {problem}")

    def copy(self) -> Problems:
        """A collection of its own with the same problems."""
        twin = Problems(self.archive)
        twin._lines, twin.total = list(self._lines), self.total
        return twin

    def __bool__(self) -> bool:
        return self.total > 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def raise_if_any(self) -> None:
        """Raise `Refused` with everything noted so far, if there is anything."""
        if self:
            raise Refused(self._lines, self.total)


def printable(name: str, limit: int = 200) -> str:
    """A stranger's name, safe to print: escapes what is not printable, cuts what is too long."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."
