"""The folder where an import writes until all is there, and who may use it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from leaderboard.datasets.importing.problems import ImportRefused

NAME = ".staging"


def folder() -> Path:
    """Beside the packs, so that what is whole moves into place by a rename."""
    return Path(settings.PACKS_ROOT) / NAME


@contextmanager
def alone() -> Iterator[None]:
    """One import at a time on a machine; raises ImportRefused where another one runs."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportRefused("another import is running on this machine; try later") from None
        yield
