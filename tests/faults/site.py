"""The whole site for tests of faults: web, two workers and beat, on servers of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
import uuid
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Self

import pytest

from scoring import Refused, score
from tests.leaderboard import support
from tests.s3 import Bucket, ObjectStore
from tests.servers import PostgreSQL, RabbitMQ, Redis, Server, free_port
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
RABBITMQ, OBJECTS = "SQLite, RabbitMQ", "SQLite, folder, object store"
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
    return [make_archive(folder / name, data, dataset) for name, data in contents.items()]


def make_archive(path: Path, data: bytes, dataset: Path) -> Archive:
    """An archive of these bytes, scored here."""
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
        self.buckets: dict[str, Bucket] = {}
        self._port = free_port()
        self._web: subprocess.Popen[bytes] | None = None
        self._small: list[Path] = []
        super().__init__(folder / "var", **(QUICK | places | env))
        naming = ["--name", BOARD, "--dataset-version", "1", "--labels", "public"]
        self.manage("import_dataset", str(dataset), *naming)
        self._session = self.python(_SETUP).strip()
        self.sent: list[Sent] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._names: dict[int, str] = {}
        self._still: set[int] = set()

    def __enter__(self) -> Self:
        with ExitStack() as processes:
            processes.push(self)
            for place in (self.temporary, self.var / "tmp", self.var / "results"):
                self._mount_small(place)
            self.start_web()
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
        body, kind = multipart(fields, archive.path.name, archive.path.read_bytes())
        with self._connection() as connection:
            headers = {"Content-Type": kind, "Cookie": self._cookie()}
            connection.request("POST", f"/submit/{BOARD}/", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read().decode()

    def begin_pieces(self, length: int) -> str:
        """Begin an upload in pieces (tus 1.0); its address."""
        fields = {
            "filename": "maps.zip",
            "method_name": f"Method {uuid.uuid4().hex[:12]}",
            "visibility": "public",
            "declared": "on",
        }
        told = [f"{key} {b64encode(text.encode()).decode()}" for key, text in fields.items()]
        headers = {"Upload-Length": str(length), "Upload-Metadata": ",".join(told)}
        status, answer = self.piece("POST", f"/submit/{BOARD}/uploads/", headers)
        assert status == 201
        return answer["Location"].removeprefix(f"http://127.0.0.1:{self._port}")

    def piece(
        self, method: str, address: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, Message]:
        """A request of an upload in pieces: status and header fields."""
        with self._connection() as connection:
            connection.request(method, address, body, self._piece_headers | (headers or {}))
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers

    def piece_by_hand(self, address: str, offset: int, length: int) -> bytes:
        """The head of a piece, to be sent by hand."""
        headers = {"Host": f"127.0.0.1:{self._port}", "Content-Length": str(length)}
        headers |= self._piece_headers | {"Upload-Offset": str(offset)}
        lines = [f"PATCH {address} HTTP/1.1", *(f"{key}: {headers[key]}" for key in headers)]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def _piece_headers(self) -> dict[str, str]:
        return {
            "Cookie": self._cookie(),
            "X-CSRFToken": _TOKEN,
            "Tus-Resumable": "1.0.0",
            "Content-Type": "application/offset+octet-stream",
        }

    def request(self, data: bytes) -> tuple[bytes, bytes]:
        """The head and the body of a form with an archive, to be sent by hand."""
        body, kind = multipart({"csrfmiddlewaretoken": _TOKEN}, "maps.zip", data)
        head = [
            f"POST /submit/{BOARD}/ HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            f"Cookie: {self._cookie()}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*head, "", ""]).encode(), body

    def socket(self) -> socket.socket:
        """A connection to the web process, for a client that does as it likes."""
        return socket.create_connection(("127.0.0.1", self._port), timeout=120)

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

        wait_until(over, "all submissions end", patience=240 + 3 * len(wanted))

    def events(self) -> dict[uuid.UUID, list[tuple[str, str]]]:
        """Of every submission the events in their order: kind and text."""
        found = defaultdict(list)
        rows = self.rows("SELECT submission_id, kind, text FROM submissions_event ORDER BY id")
        for pk, kind, text in rows:
            found[uuid.UUID(str(pk))].append((kind, text))
        return found

    def wait_for_event(self, sent: Sent, text: str) -> None:
        """Wait until a submission's history has a line with a text."""
        wait_until(lambda: any(text in line for _, line in self.events()[sent.pk]), text)

    def rest(self) -> None:
        """Bring two workers to work, and wait until all that was sent is over."""
        self.disarm()
        for pid in self.stopped():
            self.resume(pid)
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        self.add_workers(2 - len(self.workers))
        self.settle(self.sent)

    # Processes ------------------------------------------------------------------------------------

    def arm(self, what: str) -> None:
        """Have the next worker that passes the named point stop there, or die."""
        self._still = set(self.stopped())
        written = self._stop.with_suffix(".new")
        written.write_text(what)
        os.replace(written, self._stop)

    def disarm(self) -> None:
        self._stop.unlink(missing_ok=True)

    def wait_for_stop(self) -> float:
        """Wait until a worker has come to the armed point; the moment at which it had."""
        wait_until(lambda: not self._stop.exists(), "a worker passes the armed point")
        return time.monotonic()

    def stop_at(self, name: str) -> int:
        """Wait until a worker process stands still at a point; its process id."""
        self.wait_for_stop()
        found = wait_until(
            lambda: set(self.stopped()) - self._still, f"a process stands still at {name}"
        )
        return int(found.pop())

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
        for name in names:
            worker = self.worker(name, **env)
            self.workers.append(worker)
            self._names[worker.pid] = name
        for name in names:
            wait_until(lambda name=name: "ready." in self.log(name), f"{name} is ready")

    def kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker with all its processes, as when its machine goes down."""
        self.kill(worker)
        self.workers.remove(worker)

    def log_of(self, pid: int) -> str:
        """The log's name of the worker that a process belongs to."""
        return self._names[self.worker_of(pid).pid]

    def start_web(self) -> None:
        self.web(self._port)
        self._web = self.processes[-1]

    def kill_web(self) -> None:
        assert self._web is not None
        self.kill(self._web)

    @staticmethod
    def resume(pid: int) -> None:
        os.kill(pid, signal.SIGCONT)

    # Parts ----------------------------------------------------------------------------------------

    def stop_broker(self) -> None:
        """The server ends; a folder is not there any more."""
        if "broker" in self.servers:
            self.servers["broker"].stop()
        else:
            self._queue.rename(self._queue.with_name("away"))

    def start_broker(self) -> None:
        if "broker" in self.servers:
            self.servers["broker"].start()
        else:
            self._queue.with_name("away").rename(self._queue)

    def flush_broker(self) -> None:
        """All messages are gone."""
        broker = self.servers.get("broker")
        if isinstance(broker, Redis):
            with broker.client() as client:
                client.flushall()
        else:
            for message in self._queue.glob("*.msg"):
                message.unlink(missing_ok=True)

    @property
    def _queue(self) -> Path:
        return self.var / "broker/queue"

    def stored(self, name: str) -> set[str]:
        """The names of all files of a storage: ``submissions`` or ``results``."""
        if name in self.buckets:
            return set(self.buckets[name].names())
        return set(under(self.var / name))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The SQLite database while another process writes to it, and does not come to an end."""
        other = sqlite3.connect(self.var / "db.sqlite3", isolation_level=None, timeout=60)
        try:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        finally:
            other.close()

    def setting(self, name: str) -> Any:
        """A setting as the site's processes see it."""
        code = f"import json; from django.conf import settings; print(json.dumps(settings.{name}))"
        return json.loads(self.python(code))

    def _mount_small(self, place: Path) -> None:
        if os.geteuid() == 0:
            command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
            subprocess.run(command, check=True)
            self._small.append(place)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for place in self._small:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
        self._small.clear()

    @contextmanager
    def full(self, place: Path, free: int = 0) -> Iterator[None]:
        """A small disk with so many bytes left."""
        if place not in self._small:
            pytest.skip("only root may mount the small disk that is filled here")
        filler = place / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
            file.truncate(file.tell() - free)
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            yield connection
        finally:
            connection.close()

    def _cookie(self) -> str:
        return f"sessionid={self._session}; csrftoken={_TOKEN}"


def multipart(fields: dict[str, str], name: str, data: bytes) -> tuple[bytes, str]:
    """A form with a file as a browser sends it: body and content type."""
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = f'Content-Disposition: form-data; name="archive"; filename="{name}"'
    kind = "Content-Type: application/octet-stream"
    parts += [f"--{mark}\r\n{head}\r\n{kind}\r\n\r\n".encode(), data]
    return b"".join(
        [*parts, f"\r\n--{mark}--\r\n".encode()]
    ), f"multipart/form-data; boundary={mark}"


def under(folder: Path) -> Iterator[str]:
    """The names of all files under a folder."""
    for path, _, names in os.walk(folder):
        yield from (str((Path(path) / name).relative_to(folder)) for name in names)


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
    """A site of one kind."""
    with ExitStack() as servers:
        found, told, buckets = _SERVERS[kind](servers)
        site = Site(folder, dataset, found, **(told | env))
        site.buckets = buckets
        with site:
            yield site


Servers = tuple[dict[str, Server], dict[str, str], dict[str, Bucket]]


def _no_servers(started: ExitStack) -> Servers:
    return {}, {}, {}


def _production(started: ExitStack) -> Servers:
    database, broker = started.enter_context(PostgreSQL()), started.enter_context(Redis())
    told = {
        "DATABASE_URL": database.url(),
        "CELERY_BROKER_URL": broker.url(),
        "CACHE_URL": broker.url(1).replace("redis:", "rediscache:"),
    }
    return {"database": database, "broker": broker}, told, {}


def _rabbitmq(started: ExitStack) -> Servers:
    broker = started.enter_context(RabbitMQ())
    return {"broker": broker}, {"CELERY_BROKER_URL": broker.url()}, {}


def _object_store(started: ExitStack) -> Servers:
    store = started.enter_context(ObjectStore())
    buckets = {name: store.bucket(name) for name in ("submissions", "results")}
    told = {f"AUTOVI_{name.upper()}_STORAGE": buckets[name].json() for name in buckets}
    return {"store": store}, told, buckets


_SERVERS: dict[str, Callable[[ExitStack], Servers]] = {
    SQLITE: _no_servers,
    POSTGRESQL: _production,
    RABBITMQ: _rabbitmq,
    OBJECTS: _object_store,
}
