"""Named points of the workers' way where a test can end, stop or disturb the process.

Nothing happens at a point unless ``AUTOVI_STOP_AT`` names it. Only tests set that variable:
``after-claim`` or ``kill:after-claim`` (SIGKILL), ``stop:after-claim`` (SIGSTOP, until somebody
sends SIGCONT), ``raise:after-claim`` (an exception), ``hang:after-claim`` (this thread goes no
further, the others do); several of them with commas. With
``AUTOVI_STOP_ONCE``, a path, it happens once: the first process to come by makes that file, and
whoever finds it passes. ``AUTOVI_STOP_AT=@PATH`` reads the same text from a file whenever a point
is passed: a test writes it while the process runs, and the first to stop at one of its points takes
the file away.
"""

from __future__ import annotations

import os
import signal
import threading

POINTS = (
    "before-claim",
    "after-claim",
    "while-validating",
    "validated-before-record",
    "after-record-before-ack",
    "before-scoring",
    "while-scoring",
    "scored-before-record",
    "arrays-written-before-record",
    "inside-finalise-before-commit",
    "after-commit-before-ack",
    "in-sweep",
)
"""In the order of a submission's way. ``after-record-before-ack`` follows a check,
``after-commit-before-ack`` a scoring; ``in-sweep`` lies in the transaction that takes a lost
lease."""

ACTIONS = ("kill", "stop", "raise", "hang")


class StoppedHere(Exception):
    """The environment asked for an error at this point."""


def point(name: str) -> None:
    """Pass the point ``name``, unless the environment says to stop here."""
    action = _ASKED.get(name) if _FILE is None else _in_file(_FILE, name)
    if action is None or not _is_first():
        return
    if action == "raise":
        raise StoppedHere(f"asked to stop at {name}")
    if action == "hang":
        threading.Event().wait()
    os.kill(os.getpid(), signal.SIGSTOP if action == "stop" else signal.SIGKILL)


def asked(text: str) -> dict[str, str]:
    """The action a point, as ``AUTOVI_STOP_AT`` gives them; raises ValueError for unknown ones."""
    actions = {}
    for item in filter(None, text.split(",")):
        action, _, name = item.rpartition(":")
        action = action or ACTIONS[0]
        if name not in POINTS or action not in ACTIONS:
            raise ValueError(
                f"AUTOVI_STOP_AT: {item!r}; expected [{'|'.join(ACTIONS)}:] and one of "
                + ", ".join(POINTS)
            )
        actions[name] = action
    return actions


def _is_first() -> bool:
    once = os.environ.get("AUTOVI_STOP_ONCE")
    if not once:
        return True
    try:
        os.close(os.open(once, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _in_file(path: str, name: str) -> str | None:
    """The action that the file asks for, for the first process to come by."""
    try:
        with open(path) as file:
            action = asked(file.read().strip()).get(name)
        if action is not None:
            os.unlink(path)
    except FileNotFoundError:
        return None
    return action


_TOLD = os.environ.get("AUTOVI_STOP_AT", "")
_FILE = _TOLD[1:] if _TOLD.startswith("@") else None
_ASKED = asked(_TOLD) if _FILE is None else {}
