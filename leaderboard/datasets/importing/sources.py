"""What is to be imported: zips and folders as one set of files by category.

Archives are read by the scorer's strict reader and never extracted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath

from leaderboard.datasets.importing.problems import ImportProblems
from scoring.archive import Archive, Member, open_archive
from scoring.errors import Refused, printable
from scoring.limits import GIB, MIB, Limits

LIMITS = Limits(members=1_000_000, all_names=256 * MIB, spool_bytes=64 * GIB)
MAX_FILE_BYTES = 256 * MIB
_DOCUMENT_SUFFIXES = (".txt", ".md", ".pdf")
_DOCUMENT_NAMES = ("license", "licence", "readme", "notice", "citation.cff")


@dataclass(frozen=True)
class SourceFile:
    """One file of a source; ``place`` says where it lies, for people."""

    place: str
    member: Member
    fd: int

    def read(self) -> bytes:
        """Its bytes; raises scoring's MapError where it is damaged or too large."""
        return self.member.read(self.fd, MAX_FILE_BYTES)


@dataclass(frozen=True)
class Source:
    """One path that was given."""

    path: Path
    archive: Archive
    sha256: str = ""
    """Of an archive's bytes; empty for a folder."""

    def files(self) -> Iterator[tuple[tuple[str, ...], SourceFile]]:
        """Parts of the name, file; hidden ones and caches are left out."""
        for member in self.archive.members:
            parts = PurePosixPath(member.name).parts
            if not any(part.startswith(".") for part in parts):
                yield parts, SourceFile(self._place(member.name), member, self.archive.fd)

    def _place(self, name: str) -> str:
        shown = printable(name)
        return f"{self.path}: {shown}" if self.sha256 else str(self.path / shown)


@dataclass
class CategoryFiles:
    """A category's files by their path inside it, such as ``test/good/0000.png``."""

    name: str
    source: Source
    prefix: tuple[str, ...]
    files: dict[str, SourceFile] = field(default_factory=dict)


@dataclass
class Contents:
    """All categories, and the files that stand beside them."""

    sources: tuple[Source, ...]
    categories: dict[str, CategoryFiles]
    beside: dict[str, SourceFile]


@contextmanager
def opened(
    paths: Sequence[Path], anchors: Collection[str], problems: ImportProblems
) -> Iterator[Contents]:
    """Open all paths and sort their files by category.

    ``anchors`` are the names of which one stands right below a category's
    folder, such as ``test``. What cannot be read or placed goes to ``problems``.
    """
    with ExitStack() as stack:
        sources = []
        for path in paths:
            try:
                archive = stack.enter_context(open_archive(path, LIMITS))
            except Refused as refused:
                for line in refused.problems:
                    problems.add(path, line.removeprefix(f"{path.name}: "))
                continue
            sources.append(Source(path, archive, _sha256(path)))
        contents = Contents(tuple(sources), {}, {})
        for source in sources:
            _sort(source, frozenset(anchors), contents, problems)
        yield contents


def _sha256(path: Path) -> str:
    if path.is_dir():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sort(
    source: Source, anchors: frozenset[str], contents: Contents, problems: ImportProblems
) -> None:
    for parts, file in source.files():
        at = next((i for i, part in enumerate(parts) if part in anchors), None)
        if at is None:
            contents.beside["/".join(parts)] = file
            continue
        name = _category(source, parts[:at])
        if name is None:
            problems.add(file.place, "lies too deep; expected [top/]<category>/... ")
            continue
        found = contents.categories.setdefault(name, CategoryFiles(name, source, parts[:at]))
        if (found.source, found.prefix) != (source, parts[:at]):
            problems.add(file.place, f"is of {name}, which was found in {found.source.path} too")
            continue
        found.files["/".join(parts[at:])] = file


def _category(source: Source, above: tuple[str, ...]) -> str | None:
    """The category below whose folder a file lies; a folder nested in itself counts once."""
    names = [name for name, _ in groupby(above)]
    if not names:
        return source.path.resolve().name if not source.sha256 else source.path.stem
    return names[-1] if len(names) <= 2 else None


def is_document(name: str) -> bool:
    """Whether a file is for people to read: a licence, a readme."""
    base = name.rpartition("/")[2].lower()
    return base.endswith(_DOCUMENT_SUFFIXES) or base.startswith(_DOCUMENT_NAMES)
