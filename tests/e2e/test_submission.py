"""The main job in a real browser, against real web, worker and beat processes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from devtools import demo
from devtools.environment import Environment
from devtools.processes import Program
from scoring import Report, score
from scoring.sampledata import draw_dataset, draw_maps
from tests.e2e import axe
from tests.e2e.browsing import PASSWORD, opened, sign_in
from tests.stack import ROOT, Stack, wait_until

CATEGORIES = ("pipe_staple", "pipe_clip")
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample dataset and an archive of maps for it."""
    folder = tmp_path_factory.mktemp("e2e")
    draw_dataset(folder / "dataset", 0.02, 3, categories=CATEGORIES, jobs=1)
    draw_maps(folder / "dataset", folder / "maps.zip", 0.7, 4)
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    """What the scoring command says of the same archive."""
    return score(folder / "dataset", folder / "maps.zip")


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    with Stack(folder / "var", AUTOVI_JOB_SWEEP_SECONDS="1") as stack:
        naming = ["--name", "sample", "--title", "Sample parts", "--dataset-version", "1"]
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


def upload(page: Page, archive: Path, method: str) -> None:
    page.goto("/submit/sample/")
    page.get_by_label("Archive of anomaly maps").set_input_files(archive)
    page.get_by_label("Name of the new method").fill(method)
    page.get_by_label("No test image was used").check()
    page.get_by_role("button", name="Upload and score").click()
    expect(page.get_by_role("heading", name=method)).to_be_visible()


def test_an_uploaded_archive_is_scored_and_stands_on_the_board(
    page: Page, folder: Path, report: Report
) -> None:
    sign_in(page)
    upload(page, folder / "maps.zip", "Browser method")
    page.evaluate("window.notReloaded = true")
    page.wait_for_selector("[data-state=scored]", timeout=PATIENCE_MS)
    assert page.evaluate("window.notReloaded") is True

    assert page.request.get(f"{page.url}report.json").text() == report.dumps()
    found = report.as_dict()
    results = page.get_by_role("region", name="run_0").first
    for category in CATEGORIES:
        for value in (
            found["categories"][category]["image_auroc"],
            found["categories"][category]["au_spro"]["0.05"],
            found["categories"][category]["pixel_ap"],
        ):
            cell = results.locator(f'td[title="{value!r}"]').first
            expect(cell).to_have_text(f"{100 * value:.1f}")

    page.get_by_role("link", name="Board", exact=True).click()
    row = page.get_by_role("row").filter(has_text="Browser method")
    shown = row.inner_text()
    for category in CATEGORIES:
        assert f"{100 * found['categories'][category]['image_auroc']:.1f}" in shown
    assert f"{100 * found['mean']['image_auroc']['mean']:.1f}" in shown

    exported = page.request.get("/boards/sample/export.json").text()
    for category in CATEGORIES:
        assert repr(found["categories"][category]["image_auroc"]) in exported


def test_the_page_works_without_javascript(
    browser: Browser, site: str, folder: Path, stack: Stack
) -> None:
    with opened(browser, site, java_script_enabled=False) as page:
        sign_in(page)
        upload(page, folder / "maps.zip", "Plain method")

        def scored() -> int:
            page.reload()
            return page.locator("[data-state=scored]").count()

        assert wait_until(scored, "the archive is scored") == 1


def _rewritten(folder: Path, name: str, change) -> Path:
    """The sound archive with ``change(members)`` done to it."""
    with zipfile.ZipFile(folder / "maps.zip") as sound:
        members = {info.filename: sound.read(info) for info in sound.infolist()}
    change(members)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return folder / name


def test_a_missing_image_and_one_too_many_are_both_named(page: Page, folder: Path) -> None:
    missing = "pipe_clip/test/good/0001.png"

    def change(members: dict[str, bytes]) -> None:
        members["pipe_clip/test/good/0999.png"] = members.pop(missing)

    archive = _rewritten(folder, "missing.zip", change)
    sign_in(page)
    page.goto("/submit/sample/")
    before = page.locator(".quota").first.inner_text()
    upload(page, archive, "Incomplete method")
    page.wait_for_selector("[data-state=rejected]", timeout=PATIENCE_MS)
    problems = page.locator(".problems").inner_text()
    assert "pipe_clip/test/good/0001" in problems
    assert "pipe_clip/test/good/0999.png" in problems
    page.goto("/submit/sample/")
    assert page.locator(".quota").first.inner_text() == before
    page.goto("/boards/sample/")
    assert "Incomplete method" not in page.content()


def test_a_damaged_map_is_named_and_the_worker_goes_on(page: Page, folder: Path) -> None:
    damaged = "pipe_staple/test/good/0000.png"

    def change(members: dict[str, bytes]) -> None:
        members[damaged] = members[damaged][:120]

    archive = _rewritten(folder, "damaged.zip", change)
    sign_in(page)
    upload(page, archive, "Damaged method")
    page.wait_for_selector("[data-state=rejected]", timeout=PATIENCE_MS)
    assert damaged in page.locator(".problems").inner_text()
    page.goto("/submissions/")
    page.get_by_role("link", name=re.compile("Damaged")).click()
    expect(page.locator("[data-state=rejected]")).to_be_visible()


def test_no_page_breaks_a_rule_of_accessibility(
    browser: Browser, page: Page, site: str, folder: Path
) -> None:
    sign_in(page)
    upload(page, folder / "maps.zip", "Accessible method")
    page.wait_for_selector("[data-state=scored]", timeout=PATIENCE_MS)
    page.goto("/submissions/")
    rows = page.locator("main table a").evaluate_all("links => links.map(link => link.href)")
    assert rows
    addresses = ["/submissions/", *dict.fromkeys(rows), "/submit/", "/submit/sample/", "/boards/",
                 "/boards/sample/", "/boards/sample/pipe_clip/", "/methods/accessible-method/",
                 "/accounts/email/", "/accounts/password/change/", "/teams/", "/notices/",
                 *(f"{rows[0]}{page_of}" for page_of in ("visibility", "delete")),
                 "/methods/accessible-method/rename"]  # fmt: skip
    axe.check_addresses(browser, site, addresses, page.context.storage_state())


PROBE = """
import json, pathlib
def post_worker_init(worker):
    from leaderboard.datasets import ground_truth
    try:
        said = {{"root": str(ground_truth.storage().location)}}
    except ground_truth.GroundTruthClosed as closed:
        said = {{"closed": str(closed)}}
    pathlib.Path({answer!r}).write_text(json.dumps(said))
"""


def asked_inside(program: Program, env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What `ground_truth.root()` says inside the web process, once it has loaded the site."""
    answer, probe = folder / "answer.json", folder / "probe.py"
    probe.write_text(PROBE.format(answer=str(answer)))
    process = subprocess.Popen(
        program.command,
        cwd=ROOT,
        env={**env, "GUNICORN_CMD_ARGS": f"--config {probe}"},
        pass_fds=program.pass_fds,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return json.loads(wait_until(lambda: answer.exists() and answer.read_text(), "an answer"))
    finally:
        process.terminate()
        process.wait()


def test_the_web_process_cannot_open_the_ground_truth(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked inside the web process as the demo starts it; with the worker's environment it could,
    so the question is a fair one."""
    monkeypatch.delenv("AUTOVI_GROUND_TRUTH", raising=False)
    launcher = demo.Stack(Environment(), stack.var)
    closed, opened = tmp_path / "closed", tmp_path / "open"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = launcher.web(listener)
        for folder in (closed, opened):
            folder.mkdir()
        said = asked_inside(program, program.env, closed)
        assert "AUTOVI_GROUND_TRUTH is not set" in said["closed"]
        said = asked_inside(program, launcher.private_env(), opened)
        assert said == {"root": str(stack.var / "ground_truth")}


def test_only_the_worker_is_told_the_place(stack: Stack, site: str) -> None:
    told = [
        b"AUTOVI_GROUND_TRUTH=" in Path(f"/proc/{process.pid}/environ").read_bytes()
        for process in stack.processes
    ]
    assert told.count(True) == 1


def test_a_person_signs_up(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill("newcomer")
    page.get_by_label("Email").fill("newcomer@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="My submissions")).to_be_visible()
    expect(page.get_by_text("Nothing submitted yet")).to_be_visible()
