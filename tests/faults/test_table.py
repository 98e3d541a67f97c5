"""The page tells of every fault that is tried out, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leaderboard.submissions.points import POINTS
from tests.faults.catalogue import FAULTS
from tests.faults.table import BEGIN, END, PAGE, Table

KILLED = {f"killed: {point}" for point in POINTS}


def told() -> list[list[str]]:
    """The rows of the page's table, without its head."""
    text = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


def test_every_fault_stands_in_the_page_and_no_other() -> None:
    assert [row[0] for row in told()] == [fault.what for fault in FAULTS.values()]


def test_nothing_was_lost_or_doubled_when_the_page_was_written() -> None:
    assert {tuple(row[-2:]) for row in told()} == {("0", "0")}
    for what, _, *seconds, _, _ in told():
        assert any(re.match(r"\d+\.\d", text) for text in seconds), what


def test_every_fault_has_its_test() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named = {key for key in FAULTS if f'"{key}"' in sources}
    paused = {f"paused: {point}" for point in ("while-scoring", "scored-before-record")}
    assert named | KILLED | paused == set(FAULTS)


def test_a_table_that_lacks_a_fault_is_not_written() -> None:
    before = PAGE.read_text()
    with pytest.raises(AssertionError, match="not tried out: killed: before-claim"):
        Table().write()
    assert PAGE.read_text() == before
