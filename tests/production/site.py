"""The site as docker-compose.yml runs it: its very commands and variables, as processes here.

What the containers' network gives (names, ports, /srv/board, /var/lib/board) is put in the place of
free ports and folders; everything else is read from the file, so that the two cannot drift.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from tests import servers
from tests.production.compose import Compose, example
from tests.s3 import Bucket, ObjectStore
from tests.servers import PostgreSQL, Server, free_port, program, wait_until
from tests.stack import ROOT

ALIASES = ("public", "submissions", "results", "previews", "ground_truth")


class Redis(servers.Redis):
    """Redis with the command of docker-compose.yml: it asks for a password and keeps its data."""

    def __init__(self, compose: Compose) -> None:
        super().__init__()
        self._told = compose.command("redis")
        self.password = compose.environment("redis")["REDISCLI_AUTH"]

    def command(self) -> list[str]:
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [program("redis-server", self._told[0]), *self._told[1:], *where]

    def client(self, number: int = 0) -> redis.Redis:
        return redis.Redis(port=self.port, db=number, password=self.password, socket_timeout=10)


class Proxy(Server):
    """Caddy with the command and the Caddyfile of docker-compose.yml, between free ports."""

    name = "caddy"
    user = ""  # the Caddyfile may lie where only the one who runs the tests may read

    def __init__(self, compose: Compose, web: int, store: int) -> None:
        super().__init__()
        self._told = compose.command("proxy")
        (file, target), *_ = (
            entry.split(":")[:2] for entry in compose.services["proxy"]["volumes"]
            if entry.startswith("./")
        )  # fmt: skip
        self._places = {target: str(ROOT / file)}
        self.gate = free_port()
        self._http = free_port()
        self._web, self._store = web, store
        self.domain = compose.environment("proxy")["BOARD_DOMAIN"]

    def command(self) -> list[str]:
        told = [self._places.get(part, part) for part in self._told]
        return [program("caddy", told[0]), *told[1:]]

    def environment(self) -> dict[str, str]:
        return {
            "BOARD_DOMAIN": self.domain,
            "HTTP_PORT": str(self._http),
            "HTTPS_PORT": str(self.port),
            "GATE_PORT": str(self.gate),
            "WEB_ADDRESS": f"127.0.0.1:{self._web}",
            "STORE_ADDRESS": f"127.0.0.1:{self._store}",
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
        }

    @property
    def certificate(self) -> Path:
        """The authority behind the certificate of a name that is at home here."""
        return self.folder / "data/caddy/pki/authorities/local/root.crt"

    def answers(self) -> bool:
        with socket.socket() as probe:
            listens = probe.connect_ex(("127.0.0.1", self.port)) == 0
        made = self.folder / f"data/caddy/certificates/local/{self.domain}/{self.domain}.crt"
        return listens and made.exists()


class Site:
    """All services of docker-compose.yml; `with` starts what the site's own processes need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        env = {name: value.replace("generate", f"made-for-{name}-{'x' * 40}")
               for name, value in example().items() if name not in _with_defaults()}  # fmt: skip
        # What an operator may set in .env: a quicker beat, and a name that is at home everywhere.
        env |= {"BOARD_DOMAIN": "localhost", "AUTOVI_JOB_SWEEP_SECONDS": "1",
                "AUTOVI_JOB_LEASE_SECONDS": "10", "AUTOVI_JOB_RENEW_SECONDS": "2"}  # fmt: skip
        self.compose = Compose(env)
        self.store = ObjectStore()
        self.postgres = PostgreSQL()
        self.redis = Redis(self.compose)
        self.web_port = free_port()
        self.proxy = Proxy(self.compose, self.web_port, self.store.port)
        self.accounts: dict[str, Bucket] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.extra: dict[str, dict[str, str]] = {}
        """Variables that a test gives a service besides."""

    def __enter__(self) -> Site:
        self._servers = [self.store, self.postgres, self.redis, self.proxy]
        started: list[Server] = []
        try:
            for server in self._servers:
                started.append(server.__enter__())
            self._make_accounts()
        except BaseException:
            for server in reversed(started):
                server.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.kill(name)
        for server in reversed(self._servers):
            server.__exit__()

    def _make_accounts(self) -> None:
        operator = self.store.account("operator", "arn:aws:s3:::*")
        self.accounts["operator"] = operator
        self.run_once("buckets")
        for bucket in self.compose.command("buckets")[2:]:
            self.accounts[bucket] = self.store.account(bucket)
        self.store.open_to_all("public")

    def environment(self, service: str, of: str | None = None) -> dict[str, str]:
        """The variables of a service, with the addresses of here."""
        told = self.compose.environment(of or service)
        env = {name: self._here(name, value, service) for name, value in told.items()}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env |= {"PATH": path, "PYTHONWARNINGS": "default", "PYTHONUNBUFFERED": "1"}
        env["AUTOVI_VAR"] = str(self.var(service))
        env["AUTOVI_STATIC_ROOT"] = str(self.folder / "static")
        return env | self.extra.get(service, {})

    def var(self, service: str) -> Path:
        """What /var/lib/board is to a service: workers and maintenance share a volume."""
        return self.folder / ("worker" if service == "maintain" else service)

    def _here(self, name: str, value: str, service: str) -> str:
        """A value with this machine's places instead of the containers'."""
        if name == "PORT":
            return str(self.web_port)
        if name.endswith("_STORAGE"):
            return self._storage(value)
        if name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            return self.accounts["operator"].environment()[name]
        value = value.replace("@postgres:5432/", f"@127.0.0.1:{self.postgres.port}/")
        value = value.replace("@redis:6379/", f"@127.0.0.1:{self.redis.port}/")
        value = value.replace("//s3:8333", f"//127.0.0.1:{self.proxy.gate}")
        if name == "AUTOVI_ORIGINS":
            value = f"{value}:{self.proxy.port}"
        return self._place(value, service)

    def _storage(self, value: str) -> str:
        """The store's accounts cannot be given names and keys here: those that it made."""
        entry = json.loads(value)
        options = entry["OPTIONS"]
        account = self.accounts[options["bucket_name"]]
        options |= {"access_key": account.access_key, "secret_key": account.secret_key}
        options["endpoint_url"] = f"http://127.0.0.1:{self.proxy.gate}"
        return json.dumps(entry)

    def _place(self, text: str, service: str) -> str:
        return text.replace("/srv/board", str(ROOT)).replace(
            "/var/lib/board", str(self.var(service))
        )

    def command(self, service: str) -> list[str]:
        """The command of a service, behind its entry point."""
        entry = self.compose.services[service].get("entrypoint", _entry_point())
        told = [*entry, *self.compose.command(service)]
        return [self._place(part, service) for part in told]

    # What runs ------------------------------------------------------------------------------------

    def run_once(self, service: str) -> str:
        """A service that ends by itself."""
        return self.run(self.command(service), self.environment(service))

    def maintain(self, *arguments: str) -> str:
        """`docker compose run --rm maintain ...`."""
        entry = self.compose.services["maintain"]["entrypoint"]
        command = [self._place(part, "maintain") for part in entry]
        return self.run([*command, *arguments], self.environment("maintain"))

    def run(self, command: Sequence[str], env: dict[str, str]) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, service: str) -> subprocess.Popen[bytes]:
        """Start a service that lasts."""
        assert service not in self.processes
        with (self.folder / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                self.command(service),
                cwd=ROOT,
                env=self.environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.processes[service]

    def is_well(self, service: str) -> bool:
        """What the service's health check says."""
        assert self.processes[service].poll() is None, self.log(service)
        kind, *test = self.compose.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        command = [self._place(part, service) for part in test]
        env = self.environment(service)
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
        return done.returncode == 0

    def wait_well(self, *services: str) -> None:
        for service in services:
            wait_until(lambda name=service: self.is_well(name), f"{service} is well")

    def terminate(self, service: str) -> int:
        """SIGTERM, as `docker compose stop` sends it; the exit code."""
        process = self.processes.pop(service)
        process.terminate()
        return process.wait(servers.PATIENCE)

    def kill(self, service: str) -> None:
        process = self.processes.pop(service)
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.postgres.connect() as connection:
            return connection.execute(query, values).fetchall()


def _entry_point() -> list[str]:
    """What the Dockerfile starts each command with."""
    found = re.search(r"^ENTRYPOINT (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.M)
    assert found is not None
    return json.loads(found[1])


def _with_defaults() -> set[str]:
    """Variables that .env.example leaves at their defaults."""
    text = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^#([A-Z_]+)=", text, re.M))
