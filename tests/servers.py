"""Servers of a test's own: the installed programs, on free ports, in a folder of their own.

Nobody else's server is ever touched. As root they run as another user, which PostgreSQL insists
on; they end with the `with` block, or at the latest when the process that started them does.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import kombu
import psycopg
import redis

from tests.stack import PATIENCE, wait_until


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def program(package: str, *places: str) -> str:
    """The path of the first program that is installed; a place may hold wildcards.

    Fails, as a skipped test would hide it, and says which Debian package to install.
    """
    for place in places:
        # Of several versions the newest.
        found = shutil.which(place) or next(iter(sorted(glob.glob(place), reverse=True)), None)
        if found:
            return found
    raise AssertionError(f"none of {', '.join(places)}: install the package {package}")


class Server:
    """One server process. `start` and `stop` may follow each other: data and port stay."""

    name = ""
    user = "nobody"
    """Who it runs as where the tests run as root; empty for root."""
    graceful, hard = signal.SIGTERM, signal.SIGKILL
    folder: Path

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Not pytest's folder, which is closed to other users.
        self.folder = Path(tempfile.mkdtemp(prefix=f"autovi-{self.name}-"))
        self._owner = pwd.getpwnam(self.user) if self.user and os.geteuid() == 0 else None
        if self._owner is not None:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self) -> None:
        """What has to be done once, before the first start."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Besides the path and a home: nothing of ours reaches a server."""
        return {}

    def answers(self) -> bool:
        """Whether it does what it is there for."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it; returns when it answers."""
        assert self.process is None
        self.process = self._popen([*self._tied(), *self.command()])
        wait_until(self._up, f"{self.name} answers")

    def stop(self, number: int | None = None) -> None:
        """End it in good order, or by another signal; returns when it is gone."""
        process, self.process = self.process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, self.graceful if number is None else number)
        except ProcessLookupError:
            pass
        process.wait(PATIENCE)

    def kill(self) -> None:
        """End it as a crash would."""
        self.stop(self.hard)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def run(self, command: Sequence[str]) -> None:
        """Run a program of the server's to its end."""
        process = self._popen(command)
        assert process.wait(PATIENCE) == 0, self.log()

    def _tied(self) -> list[str]:
        """Has the kernel end it at the death of these tests, where that can be asked for."""
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", self.graceful.name[3:]] if setpriv else []

    def _popen(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        other: dict[str, Any] = {}
        if self._owner is not None:
            other = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=kept | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **other,
            )

    def _up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended: {self.log()}"
        return self.answers()


class PostgreSQL(Server):
    """A PostgreSQL server with an empty database `board`. It forces nothing to the disk."""

    name = "postgresql"
    # Fast shutdown waits for no client; an immediate one has to recover at the next start.
    graceful, hard = signal.SIGINT, signal.SIGQUIT

    def prepare(self) -> None:
        options = ["--auth=trust", "--username=board", "--encoding=UTF8", "--no-sync"]
        self.run([self._program("initdb"), *options, "-D", str(self.folder / "data")])

    def start(self) -> None:
        super().start()
        self.create("board")

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "off",
        }
        pairs = [text for key, value in settings.items() for text in ("-c", f"{key}={value}")]
        data = ["-D", str(self.folder / "data"), "-p", str(self.port)]
        return [self._program("postgres"), *data, *pairs]

    def url(self, name: str = "board") -> str:
        """What DATABASE_URL takes."""
        return f"postgres://board@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        """Make an empty database where there is none of this name; its address."""
        there = "SELECT 1 FROM pg_database WHERE datname = %s"
        with self.connect("postgres") as connection:
            if not connection.execute(there, [name]).fetchone():
                connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def connect(self, name: str = "board") -> psycopg.Connection[Any]:
        """A connection of the test's own that commits each statement."""
        return psycopg.connect(self.url(name), autocommit=True, connect_timeout=10)

    def answers(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    def _program(name: str) -> str:
        return program("postgresql", f"/usr/lib/postgresql/*/bin/{name}", name)


class Redis(Server):
    """A Redis server that keeps nothing: what it holds is gone when it stops."""

    name = "redis"

    def command(self) -> list[str]:
        path = program("redis-server", "redis-server")
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [path, *where, "--save", "", "--appendonly", "no"]

    def url(self, number: int = 0) -> str:
        """What CELERY_BROKER_URL takes, and behind `redis` CACHE_URL."""
        return f"redis://127.0.0.1:{self.port}/{number}"

    def client(self, number: int = 0) -> redis.Redis:
        return redis.Redis.from_url(self.url(number), socket_timeout=10)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False


class RabbitMQ(Server):
    """A RabbitMQ server, with a port mapper of its own."""

    name = "rabbitmq"

    def __init__(self) -> None:
        super().__init__()
        self._mapper = _PortMapper()
        self._ended_later = ExitStack()
        self._distribution = free_port()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._mapper)
            super().__enter__()
            self._ended_later = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._ended_later.close()

    def command(self) -> list[str]:
        # Behind Debian's wrapper, which insists on being root and on the user rabbitmq.
        return [program("rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server")]

    def environment(self) -> dict[str, str]:
        return {
            "ERL_EPMD_PORT": str(self._mapper.port),
            "RABBITMQ_NODENAME": f"board-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "none"),
        }

    def url(self) -> str:
        """What CELERY_BROKER_URL takes."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def answers(self) -> bool:
        try:
            with kombu.Connection(self.url(), connect_timeout=10) as connection:
                connection.connect()
        except OSError:
            return False
        return True


class _PortMapper(Server):
    """Erlang's port mapper: without one of its own a node starts, and leaves, a common one."""

    name = "epmd"

    def command(self) -> list[str]:
        return [
            program("rabbitmq-server", "epmd"),
            "-port",
            str(self.port),
            "-address",
            "127.0.0.1",
        ]

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
