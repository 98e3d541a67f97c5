"""The documentation: docs/*.md of the project, rendered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.html import format_html
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER = Path(settings.BASE_DIR) / "docs"
ORDER = ("submitting", "metrics", "architecture", "operating")
"""How a reader comes to need them; a page that is not named here follows by its title."""
_LOCAL_LINK = re.compile(r"^(?P<page>[a-z0-9_-]+)\.md(?P<anchor>#.*)?$")


@dataclass(frozen=True)
class Page:
    """One page: its name in the address, its title, its text as HTML."""

    name: str
    title: str
    summary: str
    html: str


def pages() -> list[Page]:
    """All pages, in ``ORDER``, the others after them by title."""
    found = (read(path.stem) for path in FOLDER.glob("*.md"))
    return sorted((page for page in found if page), key=_place)


def _place(page: Page) -> tuple[int, str]:
    return ORDER.index(page.name) if page.name in ORDER else len(ORDER), page.title


def read(name: str) -> Page | None:
    """The page ``name``, or None where there is none."""
    path = FOLDER / f"{name}.md"
    if path.parent != FOLDER or not path.is_file():
        return None
    return _render(name, path.read_text(encoding="utf-8"))


@cache
def _render(name: str, text: str) -> Page:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _add_anchors(tokens)
    _point_links(tokens)
    title = next((_text_after(tokens, i) for i, t in enumerate(tokens) if t.tag == "h1"), name)
    summary = next(
        (_text_after(tokens, i) for i, t in enumerate(tokens) if t.type == "paragraph_open"), ""
    )
    tokens = list(_framed(tokens))
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Page(name, title, summary, html.replace("<pre>", '<pre tabindex="0">'))


def _framed(tokens: list[Token]) -> Iterable[Token]:
    """Each table in a frame of its own that scrolls, named for the heading above it."""
    heading = ""
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = _text_after(tokens, index)
        if token.type == "table_open":
            yield _html(
                '<div class="table-scroll" tabindex="0" role="region" aria-label="Table: {}">',
                heading,
            )
        yield token
        if token.type == "table_close":
            yield _html("</div>")


def _html(text: str, *values: str) -> Token:
    return Token("html_block", "", 0, content=format_html(text, *values) if values else text)


def _text_after(tokens: list[Token], opening: int) -> str:
    """The plain text of the inline token that follows an opening one."""
    children = tokens[opening + 1].children or []
    return "".join(" " if t.type == "softbreak" else t.content for t in children).strip()


def _add_anchors(tokens: list[Token]) -> None:
    """Give each heading an id: of its first `code` (a metric's key), else of its words."""
    taken: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        children = tokens[index + 1].children or []
        codes = [child.content for child in children if child.type == "code_inline"]
        words = slugify(_text_after(tokens, index))
        key = codes[0] if codes and re.fullmatch(r"[a-z0-9_]+", codes[0]) else words
        while key in taken:
            key += "-more"
        taken.add(key)
        token.attrSet("id", key)


def _point_links(tokens: list[Token]) -> None:
    """Links between files (``metrics.md#x``) become links between pages."""
    for token in tokens:
        for child in token.children or []:
            target = str(child.attrGet("href") or "")
            local = _LOCAL_LINK.match(target)
            if child.type == "link_open" and local:
                child.attrSet("href", f"../{local['page']}/{local['anchor'] or ''}")
