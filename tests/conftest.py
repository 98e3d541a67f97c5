"""Rules of the whole suite: what runs when, and that in CI nothing is skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.s3 import ObjectStore

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked long too")
    parser.addoption(
        "--write-fault-table",
        action="store_true",
        help="write what tests/faults measured into docs/operating.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SKIPPED] = []
    config.pluginmanager.register(SkipWatch(config.stash[SKIPPED]), "skip-watch")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long tests out, unless they are asked for; left out is not skipped."""
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


class SkipWatch:
    """Collects what was skipped, tests and whole files alike."""

    def __init__(self, skipped: list[str]) -> None:
        self.skipped = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test fails the run: what is not tested there is not tested at all."""
    if os.environ.get("CI") and session.config.stash[SKIPPED] and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.config.stash[SKIPPED]
    if os.environ.get("CI") and skipped:
        terminalreporter.section("skipped, which fails the run where CI is set")
        for nodeid in skipped:
            terminalreporter.line(nodeid)


@pytest.fixture(scope="session", autouse=True)
def emptied_by_the_rules(request: pytest.FixtureRequest) -> None:
    """Between tests the database is emptied in an order that its own rules allow."""
    if request.config.pluginmanager.hasplugin("django"):
        from tests.database import empty_submissions_first

        empty_submissions_first()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser: CHROMIUM, which `./dev test` sets, or the first on the PATH."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next(filter(None, map(shutil.which, filter(None, names))), None)
    if found is None:
        pytest.fail("no Chromium found: install it or set CHROMIUM to its path")
    return found


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """An S3 server with a bucket and an account for who asks; tests/s3.py says how."""
    from tests.s3 import ObjectStore

    with ObjectStore() as store:
        yield store
