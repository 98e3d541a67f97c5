"""The servers that other tests start: they work, restart as they were, and leave nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import kombu
import pytest

from tests.s3 import ObjectStore
from tests.servers import PostgreSQL, RabbitMQ, Redis, Server, program
from tests.stack import ROOT, wait_until


@pytest.mark.parametrize("kind", [PostgreSQL, Redis, ObjectStore])
def test_a_server_starts_again_on_its_port_and_leaves_nothing(kind: type[Server]) -> None:
    with kind() as server:
        server.restart()
        assert server.answers()
        server.kill()
        assert not server.answers()
        server.start()
        first = server.process
    assert first is not None and first.poll() is not None
    assert not server.folder.exists()


def test_postgresql_keeps_its_rows_over_a_crash() -> None:
    with PostgreSQL() as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE thing AS SELECT 5 AS value")
        server.kill()
        server.start()
        with server.connect() as connection:
            assert connection.execute("SELECT value FROM thing").fetchall() == [(5,)]


def test_redis_forgets_what_it_held() -> None:
    with Redis() as server:
        with server.client() as client:
            client.set("key", "value")
        server.restart()
        with server.client() as client:
            assert client.get("key") is None


def test_rabbitmq_keeps_its_messages_over_a_restart() -> None:
    with RabbitMQ() as server:
        with kombu.Connection(server.url()) as connection, connection.SimpleQueue("q") as queue:
            queue.put({"job": 5})
        server.restart()
        with kombu.Connection(server.url()) as connection, connection.SimpleQueue("q") as queue:
            assert queue.get(timeout=60).payload == {"job": 5}
        first = server.process
    assert first is not None and first.poll() is not None
    assert not server.folder.exists()


def test_a_server_ends_with_the_tests_that_started_it() -> None:
    code = (
        "import os, signal, sys\n"
        "from tests.servers import Redis\n"
        "server = Redis().__enter__()\n"
        "print(server.process.pid, server.folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == -signal.SIGKILL
    pid, folder = done.stdout.decode().split()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the server has ended")
    shutil.rmtree(folder)


def test_a_program_that_is_missing_is_named_with_its_package() -> None:
    with pytest.raises(AssertionError, match="install the package some-package"):
        program("some-package", "no-such-program", "/no/such/*/program")
