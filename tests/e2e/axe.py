"""What axe-core finds wrong with a page, for the browser tests::

    from tests.e2e import axe
    axe.check(page)                                          # the page as it stands
    axe.check_addresses(browser, site, ["/", "/boards/"])    # light and wide, dark and narrow

All rules of WCAG 2.2 A and AA, and axe's best practices, are asked; nothing is excused.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
VIEWS: tuple[dict[str, Any], ...] = (
    {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    {"color_scheme": "dark", "viewport": {"width": 320, "height": 700}},
)
_ASK = """
async tags => (await axe.run(document, {
    runOnly: {type: "tag", values: tags}, resultTypes: ["violations"],
})).violations.map(rule => ({
    rule: rule.id, help: rule.help,
    at: rule.nodes.map(node => [node.target.join(" "), node.failureSummary]),
}))
"""


def violations(page: Page) -> list[str]:
    """One line for each place that breaks a rule; empty where none does."""
    # By the debugger's door, which the content policy leaves open.
    page.evaluate(_axe())
    return [
        f"{found['rule']}: {found['help']}: {place}: {' '.join(why.split())}"
        for found in page.evaluate(_ASK, TAGS)
        for place, why in found["at"]
    ]


def check(page: Page) -> None:
    """Fail with every violation of the page."""
    found = violations(page)
    assert found == [], f"{page.url}: " + "\n".join(found)


def check_addresses(
    browser: Browser, site: str, addresses: Iterable[str], state: Any = None
) -> None:
    """Fail with every violation of the pages; ``state`` is a context's, for who is signed in."""
    found = []
    addresses = list(addresses)
    for view in VIEWS:
        context = browser.new_context(base_url=site, storage_state=state, **view)
        page = context.new_page()
        for address in addresses:
            page.goto(address)
            where = f"{address} ({view['color_scheme']})"
            found += [f"{where}: {line}" for line in violations(page)]
        context.close()
    assert found == [], "\n".join(found)


@cache
def _axe() -> str:
    return (Path(__file__).parent / "axe_core/axe.min.js").read_text()
