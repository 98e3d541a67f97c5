"""What the browser tests share: pages that must stay silent, and signing in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

PASSWORD = "correct horse battery"


@contextmanager
def opened(browser: Browser, site: str, **context: Any) -> Iterator[Page]:
    """A page whose errors, and breaches of the content policy, fail the test."""
    complaints: list[str] = []
    inside = browser.new_context(base_url=site, **context)
    page = inside.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text)
            if message.type in ("error", "warning") else None)  # fmt: skip
    yield page
    inside.close()
    assert complaints == []


def sign_in(page: Page, name: str = "demo", password: str = PASSWORD) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Login").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My submissions")).to_be_visible()
