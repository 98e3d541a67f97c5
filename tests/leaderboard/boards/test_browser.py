"""The boards in a real browser: narrow, dark, by keyboard, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright
from pytest_django.live_server_helper import LiveServer

from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Submission
from tests.e2e import axe
from tests.stack import wait_until

ADDRESSES = ("/", "/boards/", "/boards/autovi/tank_screw/?metric=au_spro@0.05", "/methods/dsr/")


Browse = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def browse(chromium: str) -> Browse:
    """Opens a page whose console has to stay silent: there the browser reports what the policy
    forbids."""

    @contextmanager
    def browse(width: int = 1280, **context: Any) -> Iterator[Page]:
        said: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            try:
                page = browser.new_page(viewport={"width": width, "height": 700}, **context)
                page.on("console", lambda message: said.append(message.text))
                page.on("pageerror", lambda error: said.append(str(error)))
                yield page
            finally:
                browser.close()
        assert said == []

    return browse


@pytest.fixture
def site(transactional_db: None, reported: DatasetVersion, live_server: LiveServer) -> str:
    return live_server.url


def names(page: Page) -> list[str]:
    return page.locator("table.board .name").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_never_scrolls_sideways(site: str, scheme: Any, browse: Browse) -> None:
    with browse(320, color_scheme=scheme) as page:
        for address in ADDRESSES:
            page.goto(site + address)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, address


def test_no_page_breaks_a_rule_of_accessibility(site: str, browse: Browse) -> None:
    with browse() as page:
        assert page.context.browser
        axe.check_addresses(page.context.browser, site, ADDRESSES)
        page.goto(site)
        assert axe.violations(page) == []
        page.evaluate("document.querySelector('h1').style.color = '#ddd'")
        assert any(line.startswith("color-contrast") for line in axe.violations(page))


def test_on_a_narrow_page_the_table_scrolls_under_its_method_column(
    site: str, browse: Browse
) -> None:
    with browse(320) as page:
        page.goto(site)
        table = page.locator(".table-scroll")
        before = page.locator("tbody .method").first.bounding_box()
        table.evaluate("table => { table.scrollLeft = table.scrollWidth }")
        after = page.locator("tbody .method").first.bounding_box()
        last = page.locator("tbody tr").first.locator("td.shade").last.bounding_box()
        frame = table.bounding_box()
        assert before
        assert after
        assert last
        assert frame
        assert after["x"] == pytest.approx(frame["x"], abs=1)
        assert after["x"] <= before["x"]
        assert last["x"] < 320


def test_headings_stay_in_sight_on_a_long_board(
    autovi: DatasetVersion,
    submit: Callable[..., Submission],
    live_server: LiveServer,
    browse: Browse,
) -> None:
    for number in range(40):
        submit(autovi, f"Method {number}", {"pipe_clip": [0.5]})
    with browse() as page:
        page.goto(live_server.url)
        page.evaluate("scrollTo(0, document.querySelector('tbody tr:nth-child(20)').offsetTop)")
        heading = page.locator("thead .method").bounding_box()
        assert heading
        assert heading["y"] == pytest.approx(0, abs=1)
    with browse(320) as page:
        page.goto(live_server.url)
        table = page.locator(".table-scroll")
        table.evaluate("table => { table.scrollTop = table.scrollHeight }")
        heading, frame = page.locator("thead .method").bounding_box(), table.bounding_box()
        assert heading
        assert frame
        assert heading["y"] == pytest.approx(frame["y"], abs=1)
        assert frame["height"] < 700


def test_dark_and_light_come_from_the_same_tokens(site: str, browse: Browse) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with browse(color_scheme=scheme) as page:  # type: ignore[arg-type]
            page.goto(site)
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(17, 20, 24)"]


def test_without_javascript_one_sorts_filters_and_changes_the_metric(
    site: str, browse: Browse
) -> None:
    with browse(java_script_enabled=False) as page:
        page.goto(site)
        page.get_by_role("link", name="Clip", exact=True).last.click()
        assert names(page)[0] == "DSR"
        page.locator("summary", has_text="Filter").click()
        page.get_by_label("Family").select_option("density")
        page.get_by_role("button", name="Apply").click()
        assert names(page) == ["PaDiM"]
        page.get_by_role("link", name="show all").click()
        page.get_by_role("link", name="AUsPRO", exact=True).click()
        page.get_by_role("link", name="5 %", exact=True).click()
        assert page.locator("h1").inner_text() == "Overall · AUsPRO 5 %"


def test_by_keyboard_one_skips_to_the_content_and_sorts(site: str, browse: Browse) -> None:
    with browse() as page:
        page.goto(site)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-link"
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Method", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**sort=method")
        assert names(page)[0] == "CFlow"


def test_a_menu_closes_on_escape_and_gives_the_focus_back(site: str, browse: Browse) -> None:
    with browse() as page:
        page.goto(site)
        menu = page.locator("details", has_text="More metrics")
        menu.locator("summary").press("Enter")
        assert menu.get_by_role("link", name="Pixel AP").is_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        assert not menu.get_by_role("link", name="Pixel AP").is_visible()
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


SHIFTS = """
    window.shift = 0;
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) window.shift += entry.value;
    }).observe({type: "layout-shift", buffered: true});
"""
INTER = "[...document.fonts].find(font => font.family.replaceAll('\"', '') == 'Inter').status"
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_a_late_font_moves_nothing(site: str, browse: Browse) -> None:
    """The font is held back until the page stands in another one, which is loaded too."""
    held: list[Route] = []
    with browse() as page:
        page.add_init_script(SHIFTS)
        page.route("**/*.woff2", lambda route: held.append(route))
        page.goto(site, wait_until="domcontentloaded")
        page.evaluate(PAINTED)
        wait_until(lambda: page.evaluate("1") and held, "the page asks for its font")
        assert page.evaluate(INTER) != "loaded"
        for route in held:
            route.continue_()
        # Not page.wait_for_function: it polls by eval, which the page's policy forbids.
        wait_until(lambda: page.evaluate(INTER) == "loaded", "the font has come")
        page.evaluate(PAINTED)
        assert page.evaluate("window.shift") < 0.01
