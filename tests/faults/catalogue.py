"""All faults that are tried out: what happens, and what its owner sees of it."""

from __future__ import annotations

from dataclasses import dataclass

SILENT = "The worker went silent. It will be tried again."
NOTHING = "nothing"


@dataclass(frozen=True)
class Fault:
    """A fault; `sees` is a line of the submission's page, or `NOTHING` where it tells nothing."""

    what: str
    sees: str = NOTHING


FAULTS: dict[str, Fault] = {
    "killed: before-claim": Fault("worker killed before it takes the job"),
    "killed: after-claim": Fault("worker killed once it has the job", SILENT),
    "killed: while-validating": Fault("worker killed while it checks the archive", SILENT),
    "killed: validated-before-record": Fault("worker killed before it records the check", SILENT),
    "killed: after-record-before-ack": Fault("worker killed after that, its message unconfirmed"),
    "killed: before-scoring": Fault("worker killed before it scores", SILENT),
    "killed: while-scoring": Fault("worker killed while it scores", SILENT),
    "killed: scored-before-record": Fault("worker killed with the score only in memory", SILENT),
    "killed: arrays-written-before-record": Fault(
        "worker killed with the curves stored and the score not", SILENT
    ),
    "killed: inside-finalise-before-commit": Fault(
        "worker killed inside the transaction that publishes", SILENT
    ),
    "killed: after-commit-before-ack": Fault("worker killed after that, its message unconfirmed"),
    "killed: in-sweep": Fault("sweeper killed while it takes a lost lease", SILENT),
}
