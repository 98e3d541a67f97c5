"""The colours of static/css/tokens.css against WCAG 2.2 AA, light and dark."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

THEMES = ("light", "dark")
TEXT, CONTROL = 4.5, 3.0
GROUNDS = ("page", "raised")
PAIRS = [
    *((text, ground) for text in ("ink", "muted", "accent") for ground in GROUNDS),
    ("on-accent", "accent"),
    ("ink", "good-ground"),
    ("ink", "warn-ground"),
    ("ink", "bad-ground"),
    ("accent", "good-ground"),
    ("accent", "warn-ground"),
    ("accent", "bad-ground"),
    ("good", "good-ground"),
    ("warn", "warn-ground"),
    ("bad", "bad-ground"),
    ("bad", "page"),
    ("ink", "line"),
]

Colour = tuple[float, float, float]


def tokens(theme: str) -> dict[str, Colour]:
    """All colour tokens of one theme, channels in 0..1."""
    css = (settings.BASE_DIR / "static/css/tokens.css").read_text()
    found = re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\);", css)
    assert len(found) == css.count("light-dark(#"), "a colour is written in another way"
    return {name: parse(light if theme == "light" else dark) for name, light, dark in found}


def parse(digits: str) -> Colour:
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Relative luminance (WCAG 2.2)."""
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Colour, second: Colour) -> float:
    """Contrast ratio (WCAG 2.2), 1 to 21."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a * share + b * (1 - share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def test_the_ratio_is_wcags() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast(parse("767676"), parse("ffffff")) == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_legible(theme: str, text: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[text], colours[ground]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("step", range(21))
def test_numbers_are_legible_on_every_shade(theme: str, step: int) -> None:
    colours = tokens(theme)
    shade = mix(colours["shade"], colours["page"], step / 20)
    assert contrast(colours["ink"], shade) >= 7
    assert contrast(colours["muted"], shade) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
def test_controls_and_focus_stand_out(theme: str) -> None:
    colours = tokens(theme)
    assert contrast(colours["control"], colours["page"]) >= CONTROL
    assert contrast(colours["accent"], colours["page"]) >= CONTROL
    assert contrast(colours["accent"], colours["line"]) >= CONTROL


def test_only_the_tokens_hold_colours() -> None:
    for name in ("site.css", "board.css"):
        css = (settings.BASE_DIR / "static/css" / name).read_text()
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", css), name
