"""A submission's way, as steps that a page can draw."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.submissions.models import Submission
from leaderboard.submissions.states import State


@dataclass(frozen=True)
class Step:
    """One step: ``kind`` is "done", "current", "failed" or "" (to come)."""

    name: str
    kind: str = ""


_NAMES = ("Received", "Checked", "Scored")
_REACHED = {
    State.DRAFT: 0,
    State.UPLOADING: 0,
    State.QUEUED: 1,
    State.VALIDATING: 1,
    State.SCORING: 2,
    State.SCORED: 3,
}


def steps(submission: Submission) -> list[Step]:
    """Received, checked, scored: what is done, what is going on, where it ended."""
    reached = _REACHED.get(State(submission.state))
    if reached is None:
        return _ended(submission)
    if submission.state == State.QUEUED and submission.scoring_began:
        reached = 2
    kinds = ["done"] * reached + ["current"] + [""] * len(_NAMES)
    return [Step(name, kind) for name, kind in zip(_NAMES, kinds, strict=False)]


def _ended(submission: Submission) -> list[Step]:
    done = 1 + (submission.scoring_began is not None)
    if not submission.size:
        done = 0  # its archive never arrived
    way = [Step(name, "done") for name in _NAMES[:done]]
    return [*way, Step(submission.get_state_display(), "failed")]
