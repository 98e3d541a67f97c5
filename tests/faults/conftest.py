"""Sites to disturb, and the account of what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import site as sites
from tests.faults.site import Archive, Site
from tests.faults.table import Table
from tests.leaderboard import support

TABLE = pytest.StashKey[Table]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = Table()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    table = session.config.stash[TABLE]
    if session.config.getoption("--write-fault-table") and exitstatus == pytest.ExitCode.OK:
        table.write()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash[TABLE].lines()
    if lines:
        terminalreporter.section("faults, and seconds until the last submission had ended")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.make_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="session")
def archives(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Archive]:
    return sites.make_archives(tmp_path_factory.mktemp("archives"), dataset)


@pytest.fixture(scope="session", params=sites.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def running(kind: str, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site of each kind for all tests."""
    with sites.running(kind, tmp_path_factory.mktemp("site"), dataset) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    """The site in order and at rest, however the test before ended."""
    running.rest()
    return running


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> Table:
    return pytestconfig.stash[TABLE]
