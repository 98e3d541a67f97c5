"""Methods' names: one spelling each, so that two rows of a board never read alike."""

from __future__ import annotations

from leaderboard.text import name_key, tidy_name

LENGTH = 80

RESERVED = frozenset(
    {"cflow", "draem", "dsr", "efficientad", "efficientad-m", "padim", "patchcore"}
)
"""Keys of the paper's methods: for maintainers, whose rows stand beside the paper's."""


def tidy(name: str) -> str:
    """A method's name as it is kept; raises ValidationError as ``tidy_name`` does."""
    return tidy_name(name, LENGTH)


def key(name: str) -> str:
    """What two names that read alike share; unique on the site."""
    return name_key(name)


def is_reserved(name: str) -> bool:
    """Whether a name is one of the paper's methods'."""
    return key(name) in RESERVED
