"""What a page says while a submission is on its way: its place, what is done, how long so far.

Where labels are hidden it says nothing of a single category, neither how far
it is nor when it was done: all categories appear together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from leaderboard.submissions.models import Job, Submission
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.time_limits import in_words
from leaderboard.submissions.turns import jobs_before

STEP_SECONDS = 5
"""How long it has taken is told in steps of this, so that a page need not change each second."""


@dataclass(frozen=True)
class Part:
    """A bar: the check, or a run's categories."""

    title: str
    words: str
    done: int
    total: int
    state: str
    """``waiting``, ``running`` or ``done``."""


@dataclass(frozen=True)
class Following:
    """All that the living part says."""

    place: str
    """How many jobs begin before its next one; empty where none of it waits."""
    summary: str
    """One sentence of how far it is."""
    parts: tuple[Part, ...]
    elapsed: str
    attempt: str
    """Which attempt it is, from the second on."""


def follow(
    submission: Submission, jobs: Sequence[Job], now: datetime | None = None
) -> Following | None:
    """What to say of a submission that is on its way; None of one that is over."""
    if not submission.is_active:
        return None
    before = jobs_before(submission, jobs)
    check = next((job for job in jobs if job.kind == Job.Kind.VALIDATE), None)
    scoring = [job for job in jobs if job.kind == Job.Kind.SCORE]
    hidden = submission.dataset_version.is_hidden
    checking = [_bar(check, "Checking the archive")] if check else []
    parts = _scoring(submission, scoring) if scoring else checking
    place = _place(before, begun=bool(scoring)) if before is not None else ""
    passed = ((now or timezone.now()) - submission.created).total_seconds()
    return Following(
        place="" if hidden and scoring else place,
        summary=_summary(submission, [] if hidden else scoring),
        parts=() if hidden and scoring else tuple(parts),
        elapsed=in_words(max(0, passed // STEP_SECONDS * STEP_SECONDS)),
        attempt=f"Attempt {submission.attempt}." if submission.attempt > 1 else "",
    )


def aloud(submission: Submission, following: Following | None) -> str:
    """What a screen reader says when it changes: the state, and the numbers of what is whole."""
    state = f"{submission.get_state_display()}."
    if following is None:
        return f"{state} {submission.failure}".strip()
    return f"{state} {following.summary} {following.place}".strip()


def _place(before: int, *, begun: bool) -> str:
    it = "its next one" if begun else "it"
    if before == 0:
        return "The next one in the queue is this submission's."
    return f"{before} {'job is' if before == 1 else 'jobs are'} before {it} in the queue."


def _summary(submission: Submission, scoring: Sequence[Job]) -> str:
    if submission.state == State.QUEUED and not scoring:
        return "Waiting for a worker."
    if submission.state == State.VALIDATING:
        return "A worker checks the archive."
    if not scoring:
        if submission.state in (State.SCORING, State.QUEUED):
            return "It is being scored. All categories appear together."
        return "The archive is on its way."
    done = _done(scoring)
    return f"{done} of {len(scoring)} {_noun(submission, len(scoring))} scored."


def _noun(submission: Submission, count: int) -> str:
    noun = "category is" if count == 1 else "categories are"
    runs = len(submission.runs)
    return noun if runs < 2 else f"categories of {runs} runs are"


def _scoring(submission: Submission, jobs: Sequence[Job]) -> list[Part]:
    """A bar a run; of a single run a bar a category, with its maps."""
    if len(submission.runs) == 1:
        return [_bar(job, job.category) for job in jobs]
    return [_run(run, [job for job in jobs if job.run == run]) for run in submission.runs]


def _bar(job: Job, title: str) -> Part:
    words = {JobState.DONE: "done", JobState.QUEUED: "waiting"}.get(JobState(job.state), "starting")
    if job.state == JobState.RUNNING and job.total:
        words = f"{job.done:,} of {job.total:,} maps"
    done, total = (1, 1) if job.state == JobState.DONE else (job.done, job.total)
    return Part(title, words, done, total, _state([job]))


def _run(run: str, jobs: Sequence[Job]) -> Part:
    """Whole categories, and of those under way the share of their maps."""
    done, running = _done(jobs), [job for job in jobs if job.state == JobState.RUNNING]
    words = f"{done} of {len(jobs)} categories"
    if running:
        words += f", {', '.join(job.category for job in running)} under way"
    share = sum(job.done / job.total for job in running if job.total)
    return Part(run, words, round(100 * (done + share)), 100 * len(jobs), _state(jobs))


def _done(jobs: Iterable[Job]) -> int:
    return sum(job.state == JobState.DONE for job in jobs)


def _state(jobs: Sequence[Job]) -> str:
    if all(job.state == JobState.DONE for job in jobs):
        return "done"
    if any(job.state == JobState.RUNNING for job in jobs):
        return "running"
    return "waiting"
