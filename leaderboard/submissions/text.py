"""Which characters strangers' words may hold: what is printed, and nothing that steers printing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from django.core.exceptions import ValidationError


def plain_line(text: str) -> None:
    """Refuse what cannot be seen in a line of text; a form's validator.

    Control characters, line breaks, surrogates, private and unassigned code
    points, and the invisible format characters, with which a line can be shown
    in another order than it is stored (Unicode TR 36, section 2.8).
    """
    _refuse(character for character in text if not _is_plain(character))


def plain_lines(text: str) -> None:
    """The same for a text of several lines."""
    _refuse(c for c in text if c not in "\r\n\t" and not _is_plain(c))


def _is_plain(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _refuse(characters: Iterator[str]) -> None:
    bad = next(characters, None)
    if bad is not None:
        name = unicodedata.name(bad, "a control character" if ord(bad) < 160 else "no character")
        raise ValidationError(
            f"Holds U+{ord(bad):04X} ({name.lower()}); expected printable characters.",
            code="not_plain",
        )
