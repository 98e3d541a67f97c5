"""Datasets in a real browser and over real HTTP: pages, pictures, downloads that break off."""

from __future__ import annotations

import hashlib
import http.client
import re
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from scoring.sampledata import draw_dataset
from tests.e2e import axe
from tests.e2e.resuming import client
from tests.stack import Stack, wait_until

CATEGORIES = ("pipe_clip", "underbody_screw")
LICENCE = "CC BY-NC-SA 4.0"
LARGE = 300 * 1024 * 1024
MEMORY = 32 * 1024 * 1024
"""Most that the web process may grow by while it sends a file of LARGE bytes several times."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample zips in the layout of the published ones."""
    folder = tmp_path_factory.mktemp("datasets")
    draw_dataset(folder / "drawn", 0.04, 5, categories=CATEGORIES, jobs=1)
    for category in CATEGORIES:
        with zipfile.ZipFile(folder / f"{category}.zip", "w") as archive:
            for path in sorted((folder / "drawn" / category).rglob("*")):
                archive.write(path, path.relative_to(folder / "drawn"))
    return folder


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    with Stack(folder / "var") as stack:
        zips = [str(folder / f"{category}.zip") for category in CATEGORIES]
        common = ["--dataset-version", "1", "--licence", LICENCE]
        stack.manage("import_dataset", *zips, "--name", "open", "--title", "Open parts",
                     "--labels", "public", *common)  # fmt: skip
        stack.manage("import_dataset", *zips, "--name", "closed", "--title", "Closed parts",
                     "--labels", "hidden", *common)  # fmt: skip
        yield stack


@pytest.fixture(scope="module")
def site(stack: Stack) -> str:
    return stack.web()


def accept(page: Page) -> None:
    page.get_by_label(f"I accept {LICENCE}").check()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text(f"You accepted {LICENCE}")).to_be_visible()


# Pages --------------------------------------------------------------------------------------------


def test_from_the_navigation_to_the_pictures(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Datasets", exact=True).click()
    page.get_by_role("link", name="Open parts").click()
    expect(page.get_by_role("heading", name="Open parts 1")).to_be_visible()
    pictures = page.locator(".strip img")
    assert pictures.count() >= 8
    for at in range(pictures.count()):
        picture = pictures.nth(at)
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete", arg=picture.element_handle())
        size = picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert 0 < max(size) <= 320


def test_pictures_below_are_not_fetched_before_one_gets_there(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 320, "height": 300})
    page.goto("/datasets/open/", wait_until="networkidle")
    every = page.locator(".strip img").count()
    pictures = [url for url in asked if "/thumbnails/" in url]
    assert len(pictures) < every


def test_the_files_are_what_their_hashes_say(page: Page, folder: Path) -> None:
    page.goto("/datasets/open/")
    accept(page)
    lines = page.request.get("/datasets/open/SHA256SUMS").text().splitlines()
    hashes = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert len(hashes) == 2 * len(CATEGORIES)
    for name, digest in hashes.items():
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name, exact=True).click()
        path = Path(waiting.value.path())
        assert waiting.value.suggested_filename == name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


def test_without_javascript_one_accepts_and_downloads(browser: Browser, site: str) -> None:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/datasets/closed/download/pipe_clip-test.zip")
    expect(page.get_by_text("asks for its licence to be accepted first")).to_be_visible()
    accept(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="pipe_clip-test.zip", exact=True).click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        names = archive.namelist()
    assert names and all(re.fullmatch(r"pipe_clip/test/\d{4}\.png", name) for name in names)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_never_scrolls_sideways(browser: Browser, site: str, scheme: Any) -> None:
    context = browser.new_context(
        base_url=site, color_scheme=scheme, viewport={"width": 320, "height": 700}
    )
    page = context.new_page()
    for address in ("/datasets/", "/datasets/open/", "/datasets/closed/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
    context.close()


def test_no_page_breaks_a_rule_of_accessibility(browser: Browser, site: str) -> None:
    addresses = ["/datasets/", "/datasets/open/", "/datasets/closed/", "/boards/closed/", "/docs/",
                 "/datasets/open/download/pipe_clip-test.zip", "/docs/datasets/", "/nowhere",
                 "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]  # fmt: skip
    axe.check_addresses(browser, site, addresses)


def test_the_closed_dataset_shows_no_label(page: Page) -> None:
    page.goto("/datasets/open/")
    assert "unclipped" in page.locator("main").inner_text()
    page.goto("/datasets/closed/")
    words = page.locator("main").inner_text()
    for word in ("unclipped", "operator", "missing", "Anomalous\t", "Good\t", "saturation"):
        assert word not in words
    assert "keyed hash" in words


# Downloads ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def links(browser: Browser, site: str) -> dict[str, str]:
    """Addresses for programs, as the page gives them once the licence is accepted."""
    context = browser.new_context(base_url=site)
    page = context.new_page()
    page.goto("/datasets/open/")
    accept(page)
    found = re.findall(
        r"curl -C - -o (\S+) '([^']+)'", page.locator("main pre").first.text_content() or ""
    )
    context.close()
    return dict(found)


@pytest.fixture(scope="module")
def peaks(stack: Stack, links: dict[str, str]) -> dict[int, int]:
    """The web processes' peaks of memory before they ever sent a large file."""
    return {pid: _peak(pid) for pid in _workers(stack)}


@pytest.fixture(scope="module")
def large(stack: Stack, links: dict[str, str], peaks: dict[int, int]) -> str:
    """A file of 300 MB that takes no room on the disk, in place of a real download."""
    name = "pipe_clip-train.zip"
    stack.python(
        "from leaderboard.datasets.models import DatasetVersion\n"
        "from leaderboard.datasets.files import downloads\n"
        "version = DatasetVersion.objects.get(dataset__slug='open')\n"
        f"file = downloads(version)['{name}']\n"
        "with open(file.storage.path(file.path), 'wb') as sparse:\n"
        f"    sparse.truncate({LARGE})\n"
        f"version.files['{name}'] = {LARGE}\n"
        f"version.hashes['{name}'] = '5e' * 32\n"
        "version.save()"
    )
    return links[name]


def test_a_download_killed_half_way_goes_on_where_it_stopped(large: str, tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    first = subprocess.Popen(client(path, large, "--limit-rate", "60M"))
    wait_until(lambda: path.exists() and path.stat().st_size > LARGE // 8, "an eighth is here", 60)
    first.kill()
    first.wait()
    have = path.stat().st_size
    assert 0 < have < LARGE
    subprocess.run(client(path, large), check=True)
    assert path.stat().st_size == LARGE
    with path.open("rb") as file:
        assert not any(any(chunk) for chunk in iter(lambda: file.read(1 << 20), b""))


def test_a_real_file_in_two_parts_is_the_file(
    links: dict[str, str], stack: Stack, tmp_path: Path
) -> None:
    name = "pipe_clip-test.zip"
    path = tmp_path / name
    with asked(links[name]) as answer:
        tag = answer.headers["ETag"]
        half = answer.read(int(answer.headers["Content-Length"]) // 2)
    path.write_bytes(half)
    subprocess.run(client(path, links[name]), check=True)
    assert f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"' == tag
    with asked(links[name], {"Range": f"bytes={len(half)}-", "If-Range": tag}) as rest:
        assert (rest.status, half + rest.read()) == (206, path.read_bytes())


def test_a_large_file_is_sent_in_constant_memory(large: str, peaks: dict[int, int]) -> None:
    for first in (0, LARGE // 2):
        with ExitStack() as stack_of:
            asking = {"Range": f"bytes={first}-"} if first else {}
            answers = [stack_of.enter_context(asked(large, asking)) for _ in range(3)]
            total = 0
            while chunks := [chunk for answer in answers if (chunk := answer.read(1 << 20))]:
                total += sum(map(len, chunks))
        assert total == 3 * (LARGE - first)
    grown = {pid: _peak(pid) - before for pid, before in peaks.items()}
    print(f"grown by {max(grown.values()) / 2**20:.1f} MiB")
    assert max(grown.values()) < MEMORY


def test_a_head_request_moves_no_bytes(large: str) -> None:
    with asked(large, method="HEAD") as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(LARGE))
        assert answer.read() == b""


@contextmanager
def asked(
    address: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> Iterator[http.client.HTTPResponse]:
    """One request over a connection of its own, which is cut in the end."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", headers=headers or {})
        with connection.getresponse() as answer:
            yield answer
    finally:
        connection.close()


def _workers(stack: Stack) -> list[int]:
    """The processes of the web server that answer."""
    masters = [process.pid for process in stack.processes]
    found = [
        int(pid)
        for master in masters
        for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()
    ]
    assert found
    return found


def _peak(pid: int) -> int:
    """The most memory that a process ever held, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak
    return 1024 * int(peak[1])
