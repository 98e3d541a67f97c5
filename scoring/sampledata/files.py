"""Writing a result whole or not at all, and the error of this package."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scoring.errors import DatasetError


class SampleDataError(DatasetError):
    """Samples cannot be made; says of which path or argument what is wrong and what is expected."""


def refuse_unless_free(out: Path) -> None:
    """Raise SampleDataError unless `out` does not exist or is an empty folder."""
    if out.is_dir() and not out.is_symlink():
        if any(out.iterdir()):
            raise SampleDataError(f"{out}: is not empty; expected a new or an empty folder")
    elif out.exists() or out.is_symlink():
        raise SampleDataError(f"{out}: exists and is no folder; expected a new or an empty folder")


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A temporary sibling folder that becomes `out` when the block ends well, else vanishes."""
    refuse_unless_free(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield work
        work.chmod(0o755)
        refuse_unless_free(out)
        os.replace(work, out)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def whole_file(out: Path) -> Iterator[Path]:
    """A temporary sibling file that becomes `out` when the block ends well, else vanishes."""
    if out.is_dir():
        raise SampleDataError(f"{out}: is a folder; expected the name of a file to write")
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
    os.close(handle)
    work = Path(name)
    try:
        yield work
        work.chmod(0o644)
        os.replace(work, out)
    except BaseException:
        work.unlink(missing_ok=True)
        raise
