"""All faults that are tried out: what happens, and what its owner sees of it."""

from __future__ import annotations

from dataclasses import dataclass

SILENT = "The worker went silent. It will be tried again."
OUR_ERROR = "An unexpected error on our side stopped"
WAITING = "Waiting for a worker."
AGAIN = "Please send it again"
NOTHING = "nothing"


@dataclass(frozen=True)
class Fault:
    """A fault; `sees` is in the submission's page, or `NOTHING` where it tells nothing.

    `what` says from when on the time counts, unless that is when the fault happens.
    """

    what: str
    sees: str = NOTHING


FAULTS: dict[str, Fault] = {
    "killed: before-claim": Fault("worker killed before it takes the job"),
    "killed: after-claim": Fault("worker killed once it has the job", SILENT),
    "killed: while-validating": Fault("worker killed while it checks the archive", SILENT),
    "killed: validated-before-record": Fault("worker killed before it records the check", SILENT),
    "killed: after-record-before-ack": Fault(
        "worker killed after it recorded the check, its message unconfirmed"
    ),
    "killed: before-scoring": Fault("worker killed before it scores", SILENT),
    "killed: while-scoring": Fault("worker killed while it scores", SILENT),
    "killed: scored-before-record": Fault("worker killed with the score only in memory", SILENT),
    "killed: arrays-written-before-record": Fault(
        "worker killed with the curves stored and the score not", SILENT
    ),
    "killed: inside-finalise-before-commit": Fault(
        "worker killed inside the transaction that publishes", SILENT
    ),
    "killed: after-commit-before-ack": Fault(
        "worker killed after it published the scores, its message unconfirmed"
    ),
    "killed: in-sweep": Fault("sweeper killed while it takes a lost lease", SILENT),
    "all workers killed": Fault("all workers killed at once; others start", SILENT),
    "paused: while-scoring": Fault("worker stands still past its lease, then goes on", SILENT),
    "paused: scored-before-record": Fault(
        "the same with the score in memory; it wakes when another one has scored", SILENT
    ),
    "two sweepers": Fault("two sweepers at once, after all workers were killed", SILENT),
    "clock": Fault("clocks of the workers ten minutes ahead, and one of them killed", SILENT),
    "thrice": Fault("every message delivered three times"),
    "broker down at upload": Fault("broker down at the upload; counted from its return", WAITING),
    "broker flushed": Fault("all messages lost"),
    "broker restarted": Fault("broker restarted during a job, with all messages lost"),
    "rabbitmq": Fault("RabbitMQ restarted during a job, and a worker killed", SILENT),
    "database crashed": Fault("database crashes during a job and starts again", SILENT),
    "database away": Fault(
        "database away when the score is to be recorded; counted from its return", SILENT
    ),
    "database locked": Fault("database locked for twice the lease; counted from its release"),
    "connection cut": Fault("database connection cut between score and commit", OUR_ERROR),
    "disk full: temporary": Fault(
        "disk full while a compressed tar is unpacked; counted from when there is room", OUR_ERROR
    ),
    "disk full: results": Fault(
        "disk full while the curves are stored; counted from when there is room", OUR_ERROR
    ),
    "disk full: upload": Fault(
        "disk full while an upload arrives; counted from when there is room", AGAIN
    ),
    "storage away": Fault(
        "storage of archives away for six times the backoff (a minute); counted from its return",
        OUR_ERROR,
    ),
    "storage errors": Fault(
        "object store answers with errors for as long; counted from its return", OUR_ERROR
    ),
    "storage errors: upload": Fault(
        "object store answers with errors at the upload; counted from its return", AGAIN
    ),
    "web killed: form": Fault("web process killed in the middle of an upload by the form"),
    "web killed: pieces": Fault(
        "web process killed in the middle of a piece of an upload that can be resumed"
    ),
    "many": Fault("many submissions at once on two workers; counted from the last upload"),
}
