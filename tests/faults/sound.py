"""What must hold after any fault: nothing lost, doubled or wrong, and nothing left over."""

from __future__ import annotations

import itertools
import os
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from leaderboard.submissions.states import TRANSITIONS, State
from tests.faults.site import Sent, Site, processes, under
from tests.stack import wait_until

FINAL = ("scored", "rejected")


@dataclass
class Account:
    """What became of some submissions."""

    submissions: int = 0
    lost: list[str] = field(default_factory=list)
    """Those that did not end, or not as scored or rejected."""
    doubled: list[str] = field(default_factory=list)
    """Those with two endings or two results, and those that nobody sent."""
    wrong: list[str] = field(default_factory=list)
    """Other numbers than the archive has, illegal histories, open jobs."""
    left: list[str] = field(default_factory=list)
    """Files and processes that belong to nobody."""

    @property
    def found(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.wrong, *self.left]


def settled(site: Site, sent: Iterable[Sent]) -> Account:
    """Wait until all of them are over and give account of them and of what the site left."""
    sent = list(sent)
    site.settle(sent)
    account = Account(len(sent))
    _endings(site, sent, account)
    _results(site, sent, account)
    _histories(site, sent, account)
    _jobs(site, sent, account)
    account.left += _left_over(site)
    return account


def _endings(site: Site, sent: list[Sent], account: Account) -> None:
    states = site.states()
    for one in sent:
        state = states.get(one.pk, "not there")
        if state not in FINAL:
            account.lost.append(f"{one.pk} is {state}")
        elif state != one.archive.state:
            account.wrong.append(f"{one.pk} is {state}, expected {one.archive.state}")
    unknown = states.keys() - {one.pk for one in site.sent}
    account.doubled += [f"{pk} was sent by nobody" for pk in unknown]


def _results(site: Site, sent: list[Sent], account: Account) -> None:
    """What the pages tell is what ``autovi score`` says of the same archive."""
    rows = site.rows("SELECT submission_id, run, category FROM submissions_score")
    counts = Counter((uuid.UUID(str(pk)), run, category) for pk, run, category in rows)
    account.doubled += [f"{place}: {n} scores" for place, n in counts.items() if n > 1]
    for one in sent:
        if one.archive.report is None:
            page = site.page(one)
            account.wrong += [f"{one.pk}: no {line}" for line in _words(one) if line not in page]
            account.wrong += [f"{place}: scored" for place in counts if place[0] == one.pk]
        else:
            status, report = site.get(f"/submissions/{one.pk}/report.json")
            if (status, report) != (200, one.archive.report):
                account.wrong.append(f"{one.pk}: {status}, {report[:300]}")


def _words(one: Sent) -> list[str]:
    return [word for line in one.archive.problems for word in line.split(": ")]


def _histories(site: Site, sent: list[Sent], account: Account) -> None:
    """Events walk through legal transitions and end once; the attempt counts the returns."""
    rows = site.rows("SELECT id, state, attempt FROM submissions_submission")
    attempts = {uuid.UUID(str(pk)): (state, attempt) for pk, state, attempt in rows}
    events = site.events()
    for one in sent:
        walk = [State(kind) for kind, _ in events[one.pk] if kind in State.values]
        endings = [kind for kind in walk if kind in FINAL]
        if len(endings) > 1:
            account.doubled.append(f"{one.pk} ended as {endings}")
        steps = list(itertools.pairwise(walk))
        illegal = [f"{was} -> {to}" for was, to in steps if to not in TRANSITIONS[was]]
        returns = sum(to == State.QUEUED and was != State.UPLOADING for was, to in steps)
        expected = (walk[-1], 1 + returns) if walk else None
        if illegal or walk[:1] != [State.DRAFT] or attempts.get(one.pk) != expected:
            account.wrong.append(f"{one.pk} {attempts.get(one.pk)}: {walk}")


def _jobs(site: Site, sent: list[Sent], account: Account) -> None:
    query = "SELECT submission_id, kind, run, category, state, lease_token FROM submissions_job"
    mine = {one.pk for one in sent}
    for pk, kind, run, category, state, token in site.rows(query):
        if uuid.UUID(str(pk)) in mine and (state != "done" or token is not None):
            account.wrong.append(f"{kind} {run}/{category} of {pk} is {state}, token {token}")


def _left_over(site: Site) -> list[str]:
    """What belongs to nobody; waits a while for those who are just tidying up."""
    found: list[str] = []

    def clean() -> bool:
        found[:] = [*_files(site), *_decoders(site)]
        return not found

    try:
        wait_until(clean, "nothing is left over", patience=30)
    except AssertionError:
        return found
    return []


def _files(site: Site) -> Iterator[str]:
    kept = {str(name) for (name,) in site.rows("SELECT archive FROM submissions_submission")}
    kept |= {str(name) for (name,) in site.rows("SELECT arrays FROM submissions_score")}
    for folder in ("submissions", "results"):
        yield from site.stored(folder) - kept
    for folder in (site.temporary, site.var / "tmp"):
        yield from (str(folder / name) for name in under(folder))
    partial = re.compile(r"\.partial$|^tmp|^\.")
    for folder in ("broker", "packs", "ground-truth-cache", "archive-copies"):
        named = (name for name in under(site.var / folder) if partial.search(Path(name).name))
        yield from (f"{folder}/{name}" for name in named if not name.endswith("lock"))


def _decoders(site: Site) -> Iterator[str]:
    """Processes that decode for nobody, and shared memory that nobody gave back."""
    sessions = {process.pid for process in site.processes}
    for pid, _, session in processes():
        if session not in sessions:
            continue
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text()
            files = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            continue  # it has ended meanwhile
        if "_decoder.py" in command:
            yield f"decoder {pid}"
        if any("autovi-maps" in file for file in files):
            yield f"shared memory of process {pid}"
