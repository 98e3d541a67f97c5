"""The whole site for tests of faults: web, two workers and beat, on servers of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from scoring import Refused, score
from tests.leaderboard import support
from tests.servers import PostgreSQL, Redis, Server
from tests.stack import Stack, wait_until

BOARD = "small"
QUICK = {
    "AUTOVI_JOB_LEASE_SECONDS": "3",
    "AUTOVI_JOB_RENEW_SECONDS": "0.5",
    "AUTOVI_JOB_SWEEP_SECONDS": "0.5",
    "AUTOVI_JOB_RESEND_SECONDS": "2",
    "AUTOVI_JOB_BACKOFF_SECONDS": "0.5",
}
"""A tenth of the defaults, or less: on these all measured times rest."""
SQLITE, POSTGRESQL = "SQLite, folder", "PostgreSQL, Redis"
KINDS = (POSTGRESQL, SQLITE)
OVER = ("scored", "rejected", "failed", "withdrawn")
_TOKEN = "t" * 32
_SETUP = """
from django.test import Client
from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion
DatasetVersion.objects.update(submissions_per_day=30_000, rejected_per_day=30_000)
client = Client()
client.force_login(User.objects.create_user("demo", "demo@example.org", "a long password"))
print(client.cookies["sessionid"].value)
"""


@dataclass(frozen=True)
class Archive:
    """An archive and what has to come of it: the report's bytes, or the problem lines."""

    path: Path
    report: str | None
    problems: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return "rejected" if self.report is None else "scored"


@dataclass(frozen=True)
class Sent:
    """A submission that the site has taken."""

    pk: uuid.UUID
    archive: Archive


def make_archives(folder: Path, dataset: Path) -> list[Archive]:
    """Three sound archives of different results (the last a compressed tar) and a bad one."""
    lacking = support.members(seed=4)
    del lacking["clip/test/good/0001.png"]
    contents = {
        "one.zip": support.zipped(support.members(seed=1)),
        "runs.zip": support.zipped(support.members(seed=2, runs=2)),
        "packed.tar.gz": support.tarred(support.members(seed=3)),
        "lacking.zip": support.zipped(lacking),
    }
    return [_archive(folder / name, data, dataset) for name, data in contents.items()]


def _archive(path: Path, data: bytes, dataset: Path) -> Archive:
    path.write_bytes(data)
    try:
        return Archive(path, score(dataset, path).dumps())
    except Refused as refused:
        return Archive(path, None, tuple(refused.problems))


class Site(Stack):
    """Processes with short leases. Everything that happens to a submission goes through the web.

    `send` uploads as a browser does, `arm` says at which point the next worker stops.
    """

    def __init__(self, folder: Path, dataset: Path, servers: dict[str, Server], **env: str) -> None:
        self.folder = folder
        self.servers = servers
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self._stop = folder / "stop"
        places = {"TMPDIR": str(self.temporary), "AUTOVI_STOP_AT": f"@{self._stop}"}
        super().__init__(folder / "var", **(QUICK | places | env))
        naming = ["--name", BOARD, "--dataset-version", "1", "--labels", "public"]
        self.manage("import_dataset", str(dataset), *naming)
        self._session = self.python(_SETUP).strip()
        self.sent: list[Sent] = []
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        with ExitStack() as processes:
            processes.push(self)
            self.address = self.web().removeprefix("http://")
            self.beats = [self.beat()]
            self.add_workers(2)
            processes.pop_all()
        return self

    # Submissions ----------------------------------------------------------------------------------

    def send(self, archive: Archive) -> Sent:
        """Upload an archive by the form; fails where the site does not take it."""
        status, location, body = self.post(archive)
        assert status == 302, f"{status}: {body}"
        sent = Sent(uuid.UUID(location.split("/")[2]), archive)
        self.sent.append(sent)
        return sent

    def post(self, archive: Archive) -> tuple[int, str, str]:
        """The form with an archive: status, where it leads to, page."""
        fields = {
            "csrfmiddlewaretoken": _TOKEN,
            "method_name": f"Method {uuid.uuid4().hex[:12]}",
            "visibility": "public",
            "declared": "on",
        }
        body, kind = multipart(fields, archive.path)
        with self._connection() as connection:
            headers = {"Content-Type": kind, "Cookie": self._cookie()}
            connection.request("POST", f"/submit/{BOARD}/", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read().decode()

    def get(self, path: str) -> tuple[int, str]:
        """A page as the demo account sees it."""
        with self._connection() as connection:
            connection.request("GET", path, headers={"Cookie": self._cookie()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def page(self, sent: Sent) -> str:
        """A submission's page as text, without tags and entities of its own."""
        status, body = self.get(f"/submissions/{sent.pk}/")
        assert status == 200, body
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)).replace("&#x27;", "'")

    def states(self) -> dict[uuid.UUID, str]:
        rows = self.rows("SELECT id, state FROM submissions_submission")
        return {uuid.UUID(str(pk)): state for pk, state in rows}

    def settle(self, sent: Iterable[Sent]) -> None:
        """Wait until all of these are over."""
        wanted = {one.pk for one in sent}

        def over() -> bool:
            states = self.states()
            return all(states.get(pk, "lost") in (*OVER, "lost") for pk in wanted)

        wait_until(over, "all submissions end", patience=240)

    def events(self) -> dict[uuid.UUID, list[tuple[str, str]]]:
        """Of every submission the events in their order: kind and text."""
        found = defaultdict(list)
        rows = self.rows("SELECT submission_id, kind, text FROM submissions_event ORDER BY id")
        for pk, kind, text in rows:
            found[uuid.UUID(str(pk))].append((kind, text))
        return found

    def wait_for_event(self, sent: Sent, text: str) -> None:
        """Wait until a submission's history has a line."""
        wait_until(lambda: any(text == line for _, line in self.events()[sent.pk]), text)

    # Processes ------------------------------------------------------------------------------------

    def arm(self, what: str) -> None:
        """Have the next worker that passes the named point stop there, or die."""
        written = self._stop.with_suffix(".new")
        written.write_text(what)
        os.replace(written, self._stop)

    def wait_for_stop(self) -> float:
        """Wait until a worker has come to the armed point; the moment at which it had."""
        wait_until(lambda: not self._stop.exists(), "a worker passes the armed point")
        return time.monotonic()

    def stop_at(self, name: str) -> int:
        """Wait until a worker process stands still at a point; its process id."""
        self.wait_for_stop()
        return wait_until(lambda: next(self.stopped(), 0), f"a process stands still at {name}")

    def stopped(self) -> Iterator[int]:
        """Processes of the workers that stand still."""
        sessions = {worker.pid for worker in self.workers}
        return (pid for pid, state, session in processes() if state == "T" and session in sessions)

    def worker_of(self, pid: int) -> subprocess.Popen[bytes]:
        """The worker that a process belongs to."""
        session = os.getsid(pid)
        return next(worker for worker in self.workers if worker.pid == session)

    def add_workers(self, number: int = 1, **env: str) -> None:
        """Start workers; returns when they are ready for work."""
        names = [f"worker-{len(self.processes) + n}" for n in range(number)]
        self.workers += [self.worker(name, **env) for name in names]
        for name in names:
            wait_until(lambda name=name: "ready." in self.log(name), f"{name} is ready")

    def kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker with all its processes, as when its machine goes down."""
        self.kill(worker)
        self.workers.remove(worker)

    @staticmethod
    def resume(pid: int) -> None:
        os.kill(pid, signal.SIGCONT)

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self.address, timeout=120)
        try:
            yield connection
        finally:
            connection.close()

    def _cookie(self) -> str:
        return f"sessionid={self._session}; csrftoken={_TOKEN}"


def multipart(fields: dict[str, str], archive: Path) -> tuple[bytes, str]:
    """A form with a file as a browser sends it: body and content type."""
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'Content-Disposition: form-data; name="archive"; filename="{archive.name}"'
    kind = "Content-Type: application/octet-stream"
    parts += [f"--{mark}\r\n{head}\r\n{kind}\r\n\r\n".encode(), archive.read_bytes()]
    return b"".join(
        [*parts, f"\r\n--{mark}--\r\n".encode()]
    ), f"multipart/form-data; boundary={mark}"


def processes() -> Iterator[tuple[int, str, int]]:
    """All processes: id, state letter and session (proc(5))."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # it has ended meanwhile
        state, _, _, session, *_ = text.rpartition(")")[2].split()
        yield int(path.parent.name), state, int(session)


@contextmanager
def running(kind: str, folder: Path, dataset: Path, **env: str) -> Iterator[Site]:
    """A site of one kind: ``SQLite, folder`` or ``PostgreSQL, Redis``."""
    if kind == SQLITE:
        with Site(folder, dataset, {}, **env) as site:
            yield site
        return
    with PostgreSQL() as database, Redis() as broker:
        told: dict[str, Any] = {
            "DATABASE_URL": database.url(),
            "CELERY_BROKER_URL": broker.url(),
            "CACHE_URL": broker.url(1).replace("redis:", "rediscache:"),
        }
        with Site(folder, dataset, {"database": database, "broker": broker}, **told, **env) as site:
            yield site
