"""Strangers' words: which characters they may hold, and how a name is kept and compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

from django.core.exceptions import ValidationError
from django.utils.text import slugify

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that show nothing; variation selectors are told by their code points."""


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


def tidy_name(name: str, length: int) -> str:
    """A name as it is kept: NFKC, single spaces, none at the ends.

    Raises ValidationError where nothing readable is left, where it is longer
    than ``length`` characters, and for characters that cannot be seen.
    """
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    plain_line(name)
    if any(character in _INVISIBLE or _is_selector(character) for character in name):
        raise ValidationError("Holds an invisible character; expected printable ones.")
    if not any(character.isalnum() for character in name):
        raise ValidationError("Expected a name with at least one letter or digit.")
    if len(name) > length:
        raise ValidationError(f"Too long ({len(name)} characters; at most {length}).")
    return name


def name_key(name: str) -> str:
    """What two names that read alike share: normalised, without case."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def free_slug(name: str, otherwise: str, is_taken: Callable[[str], bool]) -> str:
    """An address for a name: its letters, numbered where that is taken; ``otherwise`` for none."""
    base = slugify(name)[:60] or otherwise
    slug, number = base, 1
    while is_taken(slug):
        number += 1
        slug = f"{base}-{number}"
    return slug


def _is_plain(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _refuse(characters: Iterator[str]) -> None:
    bad = next(characters, None)
    if bad is not None:
        name = unicodedata.name(bad, "a control character" if ord(bad) < 160 else "no character")
        raise ValidationError(
            f"Holds U+{ord(bad):04X} ({name.lower()}); expected printable characters.",
            code="not_plain",
        )
