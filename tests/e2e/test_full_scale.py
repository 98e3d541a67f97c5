"""A dataset of AutoVI's size, zipped as it is published: imports, downloads, equal scores.

Long: it draws 4,000 images, imports them twice and scores a category twice. What the normal suite
does at a small scale (test_dataset_pages.py, submissions/test_hidden.py) is done here at scale 1.0.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from leaderboard.datasets.autovi import MANIFEST
from scoring.sampledata import draw_dataset, draw_maps
from tests.e2e import axe, resuming
from tests.stack import Stack, submit_code, wait_until

pytestmark = pytest.mark.long
LICENCE = "CC BY-NC-SA 4.0"
SCORED = "pipe_staple"
BOARDS = {"open": "public", "closed": "hidden"}
PATIENCE = 1800.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six zips as the published ones: the category's folder nested in itself."""
    folder = tmp_path_factory.mktemp("full")
    draw_dataset(folder / "drawn", 1.0, 5, jobs=2)
    for category in MANIFEST:
        with zipfile.ZipFile(folder / f"{category}.zip", "w") as archive:
            for path in sorted((folder / "drawn" / category).rglob("*")):
                archive.write(path, Path(category, path.relative_to(folder / "drawn")))
    draw_maps(folder / "drawn", folder / "official.zip", 0.8, 4, categories=[SCORED])
    return folder


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    with Stack(folder / "var") as stack:
        zips = [str(folder / f"{category}.zip") for category in MANIFEST]
        for name, labels in BOARDS.items():
            began = time.monotonic()
            said = stack.manage(
                "import_dataset", *zips, "--name", name, "--title", f"{name.title()} parts",
                "--dataset-version", "1", "--labels", labels, "--licence", LICENCE,
            )  # fmt: skip
            print(f"{labels}: {time.monotonic() - began:.0f} s")
            assert "6 categories" in said
        yield stack


@pytest.fixture(scope="module")
def site(stack: Stack) -> str:
    return stack.web()


def test_all_that_was_drawn_is_there(stack: Stack, folder: Path) -> None:
    query = (
        "SELECT labels, manifest, files FROM datasets_datasetversion JOIN datasets_dataset d "
        "ON d.id = dataset_id WHERE slug = ?"
    )
    for name, labels in BOARDS.items():
        ((said, manifest, files),) = stack.rows(query, name)
        assert said == labels
        found = json.loads(manifest)
        for category, entry in MANIFEST.items():
            assert (found[category]["train"], found[category]["test"]) == (
                entry["train"],
                entry["test"],
            )
            assert ("folders" in found[category]) == (labels == "public")
        assert len(json.loads(files)) == 12


def test_the_pages_of_both_work(browser: Browser, page: Page, site: str) -> None:
    axe.check_addresses(browser, site, ["/datasets/", "/datasets/open/", "/datasets/closed/"])
    page.goto("/datasets/open/")
    expect(page.locator(".strip img")).to_have_count(48)
    for picture in page.locator(".strip img").all():
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete", arg=picture.element_handle())
        assert picture.evaluate("image => image.naturalWidth") > 0
    assert "unclipped" in page.locator("main").inner_text()
    page.goto("/datasets/closed/")
    assert "unclipped" not in page.locator("main").inner_text()


@pytest.mark.parametrize("board", BOARDS)
def test_a_download_killed_half_way_goes_on_and_is_the_file(
    board: str, page: Page, tmp_path: Path
) -> None:
    page.goto(f"/datasets/{board}/")
    page.get_by_label(f"I accept {LICENCE}").check()
    page.get_by_role("button", name="Accept").click()
    told = page.locator("main pre").first.text_content() or ""
    links = dict(re.findall(r"curl -C - -o (\S+) '([^']+)'", told))
    sums = page.request.get(f"/datasets/{board}/SHA256SUMS").text().splitlines()
    hashes = {name: digest for digest, name in (line.split("  ") for line in sums)}
    name = "underbody_screw-test.zip"
    path = tmp_path / name
    size = int(page.request.head(links[name]).headers["content-length"])
    first = subprocess.Popen(resuming.client(path, links[name], "--limit-rate", "40M"))
    wait_until(lambda: path.exists() and path.stat().st_size > size // 4, "a part is here")
    first.kill()
    first.wait()
    assert 0 < path.stat().st_size < size
    subprocess.run(resuming.client(path, links[name]), check=True)
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == hashes[name]
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) >= 374 + 18


RENAME = """
import zipfile
from leaderboard.datasets import ground_truth
from leaderboard.datasets.models import DatasetVersion
version = DatasetVersion.objects.get(dataset__slug="closed")
ids = ground_truth.truth(version, {category!r}).public_ids
with zipfile.ZipFile({official!r}) as official, zipfile.ZipFile({opaque!r}, "w") as opaque:
    for name in official.namelist():
        to = name
        if name.endswith(".png"):
            category, _, key = name.removesuffix(".png").split("/", 2)
            to = f"{{category}}/test/{{ids[key]}}.png"
        opaque.writestr(to, official.read(name))
"""
REPORTS = """
from leaderboard.submissions import hidden
from leaderboard.submissions.models import Submission
from scoring.report import dumps
one, other = Submission.objects.get(pk={opaque!r}), Submission.objects.get(pk={official!r})
(row,) = other.scores.all()
kept = hidden.kept_report(one, row.run, row.category, row.scorer_version)
assert kept["n_good"] > 100
print(dumps(kept) == dumps(row.report))
"""


def test_opaque_ids_score_the_same_as_the_official_layout(stack: Stack, folder: Path) -> None:
    official, opaque = folder / "official.zip", folder / "opaque.zip"
    stack.python(RENAME.format(category=SCORED, official=str(official), opaque=str(opaque)))
    one = stack.python(submit_code(opaque, "closed", "Opaque")).strip()
    other = stack.python(submit_code(official, "open", "Official")).strip()
    stack.worker()
    stack.beat()
    states = "SELECT state FROM submissions_submission"
    wait_until(lambda: stack.rows(states) == [("scored",)] * 2, "both are scored", PATIENCE)
    assert stack.python(REPORTS.format(opaque=one, official=other)).strip() == "True"
