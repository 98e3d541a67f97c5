"""Uploads in pieces in a real browser: paused, taken up after a reload, cancelled, dropped."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import axe
from tests.e2e.browsing import PASSWORD, opened, sign_in
from tests.leaderboard import support
from tests.stack import Stack

SLOW = 400_000  # bytes a second
PATIENCE_MS = 90_000
DROP = """
([selector, name]) => {
    const carried = new DataTransfer();
    carried.items.add(new File(["no archive"], name));
    const zone = document.querySelector(selector);
    for (const kind of ["dragover", "drop"])
        zone.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true,
                                                cancelable: true}));
}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("upload")
    support.make_dataset(folder / "dataset")
    with Stack(folder / "var", AUTOVI_JOB_SWEEP_SECONDS="1") as stack:
        naming = ["--name", "small", "--title", "Small parts", "--dataset-version", "1"]
        naming += ["--submissions-per-day", "20", "--labels", "public"]
        stack.manage("import_dataset", str(folder / "dataset"), *naming)
        stack.python(
            "from leaderboard.accounts.models import User\n"
            f"User.objects.create_user('demo', 'demo@example.org', {PASSWORD!r})"
        )
        stack.worker()
        stack.beat()
        yield stack


@pytest.fixture(scope="module")
def site(stack: Stack) -> str:
    return stack.web()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound archive of some megabytes: maps, and what a file manager adds to archives."""
    path = tmp_path_factory.mktemp("archives") / "maps.zip"
    added = {"__MACOSX/._maps": random.Random(3).randbytes(3_000_000)}
    path.write_bytes(support.zipped(support.members() | added))
    return path


def fill(page: Page, archive: Path, method: str) -> None:
    page.goto("/submit/small/")
    page.get_by_label("Archive of anomaly maps").set_input_files(archive)
    page.get_by_label("Name of the new method").fill(method)
    page.get_by_label("No test image was used").check()


def slow_down(page: Page) -> None:
    debugger = page.context.new_cdp_session(page)
    debugger.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW}
    debugger.send("Network.emulateNetworkConditions", limits)


def begin_and_pause(page: Page, archive: Path, method: str) -> None:
    """Upload slowly until some of it has arrived."""
    slow_down(page)
    fill(page, archive, method)
    page.get_by_role("button", name="Upload and score").click()
    expect(page.get_by_text("a second,")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_focused()


def test_an_upload_is_paused_taken_up_after_a_reload_and_scored(
    page: Page, stack: Stack, archive: Path, tmp_path: Path
) -> None:
    sign_in(page)
    begin_and_pause(page, archive, "Paused method")
    expect(page.get_by_role("heading", name="Paused: maps.zip")).to_be_visible()
    bar = page.get_by_role("progressbar", name="Arrived")
    assert 0 < int(bar.get_attribute("value") or 0) < archive.stat().st_size
    assert axe.violations(page) == []

    page.reload()
    expect(page.get_by_role("heading", name="Unfinished upload")).to_be_visible()
    expect(page.get_by_text(" of 2.9 MB")).to_be_visible()
    assert axe.violations(page) == []
    again = page.get_by_label("Continue: choose maps.zip again")
    other = tmp_path / "maps.zip"
    other.write_bytes(archive.read_bytes()[:-1] + b"!")
    again.set_input_files(other)
    expect(page.get_by_text("is another file than was begun")).to_be_visible()
    again.set_input_files(archive)
    expect(page.get_by_role("heading", name="Paused method")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_selector("[data-state=scored]", timeout=PATIENCE_MS)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    expect(page.get_by_text(digest)).to_be_visible()
    query = "SELECT count(*) FROM submissions_submission WHERE archive_name = 'maps.zip'"
    assert stack.rows(query) == [(1,)]


def test_a_form_that_is_sent_again_goes_on_with_its_unfinished_upload(
    page: Page, archive: Path
) -> None:
    sign_in(page)
    begin_and_pause(page, archive, "Resumed method")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.get_by_role("button", name="Pause").click()
    fill(page, archive, "A name that is not needed")
    page.get_by_role("button", name="Upload and score").click()
    expect(page.get_by_role("heading", name="Resumed method")).to_be_visible(timeout=PATIENCE_MS)


def test_an_upload_outlives_the_web_process(
    browser: Browser, stack: Stack, site: str, archive: Path
) -> None:
    """The browser complains of the lost connection, so this page may."""
    with closing(browser.new_context(base_url=site)) as context:
        page = context.new_page()
        sign_in(page)
        slow_down(page)
        fill(page, archive, "Interrupted method")
        page.get_by_role("button", name="Upload and score").click()
        expect(page.get_by_text("a second,")).to_be_visible(timeout=PATIENCE_MS)
        stack.kill(stack.processes[-1])
        expect(page.get_by_text("The server does not answer. Trying again")).to_be_visible()
        stack.web(int(site.rpartition(":")[2]))
        heading = page.get_by_role("heading", name="Interrupted method")
        expect(heading).to_be_visible(timeout=PATIENCE_MS)


def test_a_cancelled_upload_leaves_nothing(page: Page, stack: Stack, archive: Path) -> None:
    sign_in(page)
    page.goto("/submit/small/")
    before = page.locator(".quota").inner_text()
    begin_and_pause(page, archive, "Cancelled method")
    page.locator("#upload").get_by_text("Cancel …").click()
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_role("button", name="Upload and score")).to_be_visible()
    expect(page.get_by_role("heading", name="Unfinished upload")).to_have_count(0)
    assert page.locator(".quota").inner_text() == before
    query = "SELECT id FROM submissions_submission WHERE state = 'withdrawn'"
    [(cancelled,)] = stack.rows(query)
    assert cancelled not in {path.name.replace("-", "") for path in
                             (stack.var / "submissions").iterdir()}  # fmt: skip


def test_what_is_wrong_with_the_form_stands_beside_its_fields(browser: Browser, site: str) -> None:
    """The browser complains of the answer's status, so this page may."""
    with closing(browser.new_context(base_url=site)) as context:
        page = context.new_page()
        sign_in(page)
        page.goto("/submit/small/")
        page.evaluate(DROP, [".drop", "maps.rar"])
        page.get_by_label("Name of the new method").fill("PaDiM")
        page.get_by_label("No test image was used").check()
        page.get_by_text("More about it").click()
        page.get_by_label("Description").fill("A" * 1990 + "Ω" * 10)
        page.get_by_role("button", name="Upload and score").click()
        expect(page.get_by_role("alert").get_by_text("Not sent.")).to_be_visible()
        field = page.get_by_label("Archive of anomaly maps")
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        for said in ("maps.rar: not an archive", "PaDiM is a method of the paper"):
            expect(page.get_by_text(said)).to_be_visible()
        assert axe.violations(page) == []


def test_the_page_without_javascript_lists_and_cancels_unfinished_uploads(
    browser: Browser, site: str, page: Page, archive: Path
) -> None:
    sign_in(page)
    begin_and_pause(page, archive, "Left method")
    with opened(browser, site, java_script_enabled=False) as plain:
        sign_in(plain)
        plain.goto("/submit/small/")
        expect(plain.get_by_role("heading", name="Unfinished upload")).to_be_visible()
        expect(plain.get_by_label("Continue")).to_be_hidden()
        plain.get_by_role("link", name="Left method").click()
        expect(plain.get_by_role("heading", name="The archive is on its way")).to_be_visible()
        plain.go_back()
        unfinished = plain.get_by_role("region", name="Unfinished upload")
        unfinished.get_by_text("Cancel …").click()
        unfinished.get_by_role("button", name="Cancel the upload").click()
        expect(plain.locator("[data-state=withdrawn]")).to_be_visible()
