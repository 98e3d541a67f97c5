"""Methods' names: one spelling each, so that two rows of a board never read alike."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError

from leaderboard.submissions.text import plain_line

LENGTH = 80

RESERVED = frozenset(
    {"cflow", "draem", "dsr", "efficientad", "efficientad-m", "padim", "patchcore"}
)
"""Keys of the paper's methods: for maintainers, whose rows stand beside the paper's."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that show nothing; variation selectors are told by their code points."""


def tidy(name: str) -> str:
    """A name as it is kept: NFKC, single spaces, none at the ends.

    Raises ValidationError where nothing readable is left, where it is longer
    than 80 characters, and for characters that cannot be seen.
    """
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    plain_line(name)
    if any(character in _INVISIBLE or _is_selector(character) for character in name):
        raise ValidationError("Holds an invisible character; expected printable ones.")
    if not any(character.isalnum() for character in name):
        raise ValidationError("Expected a name with at least one letter or digit.")
    if len(name) > LENGTH:
        raise ValidationError(f"Too long ({len(name)} characters; at most {LENGTH}).")
    return name


def key(name: str) -> str:
    """What two names that read alike share: normalised, without case; unique on the site."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def is_reserved(name: str) -> bool:
    """Whether a name is one of the paper's methods'."""
    return key(name) in RESERVED


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
