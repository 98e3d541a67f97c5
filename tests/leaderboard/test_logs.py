"""What is logged, and how."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from leaderboard.logs import KeyValueFormatter, Outcomes
from leaderboard.submissions.states import State
from leaderboard.submissions.transitions import logger as transitions


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Lines of the submissions' logger, which the settings' filter let through."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    ear = Ear()
    ear.setFormatter(KeyValueFormatter())
    transitions.addHandler(ear)
    yield lines
    transitions.removeHandler(ear)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("WARNING", [State.SCORED, State.REJECTED, State.FAILED]),
        ("INFO", [State.QUEUED, State.SCORING, State.SCORED, State.REJECTED, State.FAILED]),
    ],
)
def test_how_a_submission_ended_is_heard_at_every_level(
    level: str, expected: list[State], heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Settings may have been set up more than once in this process: then it stands there twice.
    chosen = next(known for known in transitions.filters if isinstance(known, Outcomes))
    monkeypatch.setattr(transitions, "filters", [Outcomes(level, list(chosen.states))])
    for now in (State.QUEUED, State.SCORING, State.SCORED, State.REJECTED, State.FAILED):
        transitions.info("submission moved", extra={"now": now})
    assert [line.split("now=")[1] for line in heard] == [f'"{state}"' for state in expected]


def test_warnings_are_heard_whatever_they_say(heard: list[str]) -> None:
    transitions.warning("odd")
    assert heard[0].endswith(' warning leaderboard.submissions.transitions "odd"')
