"""`./dev demo`: the whole board on this machine, with nothing but Python installed."""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from devtools import ROOT, Problem
from devtools.console import Console
from devtools.environment import Environment, alone, fingerprint
from devtools.processes import Program, Supervisor

DEFAULT_PORT = 8000
PORTS_TRIED = 50
GROUND_TRUTH = "AUTOVI_GROUND_TRUTH"
PRIVATE = (GROUND_TRUTH, "AUTOVI_GROUND_TRUTH_STORAGE", "AUTOVI_ID_SECRET")
"""Variables that only the worker, the import and the seed are given."""
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
# Celery says so at each start; in a container the demo has no other user. A warning that is
# ignored this way is named by how it begins.
ROOT_WARNING = "ignore:You're running the worker with superuser privileges"


@dataclass(frozen=True)
class Stack:
    """The programs of the demo and the folder that holds all they write."""

    environment: Environment
    var: Path
    verbose: bool = False
    """Everything the programs log, not only warnings and how each submission ends."""

    @property
    def bin(self) -> Path:
        return self.environment.bin

    def public_env(self) -> dict[str, str]:
        """For web and beat: without the place of the ground truth and what opens it."""
        env = self.environment.variables()
        env = {name: value for name, value in env.items() if name not in PRIVATE}
        env |= {"AUTOVI_VAR": str(self.var), "DJANGO_SETTINGS_MODULE": "leaderboard.settings"}
        return env | {"AUTOVI_LOG_LEVEL": self.log_level}

    @property
    def log_level(self) -> str:
        return os.environ.get("AUTOVI_LOG_LEVEL") or ("INFO" if self.verbose else "WARNING")

    def private_env(self) -> dict[str, str]:
        """For the scoring worker and the import: with it."""
        place = os.environ.get(GROUND_TRUTH) or str(self.var / "ground_truth")
        told = {name: os.environ[name] for name in PRIVATE if name in os.environ}
        return self.public_env() | told | {GROUND_TRUTH: place}

    def manage(self, *arguments: str) -> list[str]:
        return [str(self.environment.python), str(ROOT / "manage.py"), *arguments]

    def web(self, listener: socket.socket) -> Program:
        """One process that answers; it takes over the listening socket."""
        command = [str(self.bin / "gunicorn"), "leaderboard.wsgi"]
        command += ["--bind", f"fd://{listener.fileno()}", "--no-control-socket"]
        command += ["--workers", "1", "--threads", "8", "--graceful-timeout", "3"]
        command += ["--log-level", self.log_level]
        env = self.public_env() | allowed_hosts(listener.getsockname()[0])
        return Program("web", command, env, pass_fds=(listener.fileno(),))

    def worker(self, listener: socket.socket) -> Program:
        """It is told where people find the site: it writes mails with links."""
        command = [*self._celery(), "worker", "-Q", "default,scoring", "--concurrency", "2"]
        command += ["--loglevel", self.log_level, "--without-gossip", "--without-mingle"]
        command += ["--hostname", f"worker-{os.getpid()}@%h"]
        ignored = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), ROOT_WARNING]))
        env = {"AUTOVI_SITE_URL": url(listener)} | self.private_env()
        env |= {"PYTHONWARNINGS": ignored}
        return Program("worker", command, env, "restart")

    def beat(self, listener: socket.socket) -> Program:
        """Its schedule file is named for the port: two demos on one folder have one each."""
        schedule = self.var / f"beat-{listener.getsockname()[1]}"
        command = [*self._celery(), "beat", "--loglevel", self.log_level]
        command += ["--schedule", str(schedule)]
        return Program("beat", command, self.public_env(), "restart")

    def seed(self, then: Callable[[], None]) -> Program:
        return Program("seed", self.manage("seed_demo"), self.private_env(), "once", then=then)

    def _celery(self) -> list[str]:
        return [str(self.bin / "celery"), "--quiet", "-A", "leaderboard.celery:app"]


def run(host: str, port: int | None, console: Console, *, verbose: bool = False) -> int:
    """Prepares, starts and watches everything; returns the exit code."""
    environment = Environment()
    environment.ensure("site", console)
    stack = Stack(environment, var_folder(), verbose)
    with ExitStack() as preparing:
        waiting = f"another ./dev is preparing {stack.var}"
        preparing.enter_context(alone(stack.var, console, waiting))
        migrate(stack, console)
        with (
            listen(host, port, console) as listener,
            Supervisor(console, ROOT) as supervisor,
        ):
            _start(stack, listener, supervisor, seeded=preparing.close)
            return supervisor.run()


def _start(
    stack: Stack, listener: socket.socket, supervisor: Supervisor, seeded: Callable[[], None]
) -> None:
    """Starts all programs; says where to look once the site answers and the data is there.

    The worker and beat come after the site, so that all do not load at once on a small machine.
    """
    missing = {"web", "seed"}

    def ready(name: str) -> None:
        missing.discard(name)
        if not missing:
            announce(listener, stack.var, supervisor.console)

    def after_web() -> None:
        supervisor.start(stack.worker(listener))
        supervisor.start(stack.beat(listener))
        ready("web")

    def after_seed() -> None:
        seeded()
        ready("seed")

    def give_up() -> int:
        supervisor.console.line(f"{url(listener)}/healthz has not answered well for a minute")
        return 1

    def wait_for_web() -> None:
        supervisor.post(after_web if answers(listener) else give_up)

    supervisor.start(stack.web(listener))
    supervisor.start(stack.seed(after_seed))
    threading.Thread(target=wait_for_web, daemon=True).start()


def var_folder() -> Path:
    """The folder for everything written at run time: AUTOVI_VAR or var/ in the project."""
    var = Path(os.environ.get("AUTOVI_VAR") or ROOT / "var").resolve()
    try:
        var.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"{var}: {error.strerror}; expected a folder that can be written") from error
    return var


def migrate(stack: Stack, console: Console) -> None:
    """Brings the database up to date; without starting Django where it was so before."""
    stamp, database = stack.var / "migrated", stack.var / "db.sqlite3"
    embedded = "DATABASE_URL" not in os.environ
    wanted = migrations_fingerprint(stack.environment)
    if embedded and database.exists() and _read(stamp) == f"{wanted} {database.stat().st_ino}":
        return
    with console.step("bringing the database up to date"):
        done = subprocess.run(
            stack.manage("migrate", "--no-input", "--verbosity", "1"),
            cwd=ROOT,
            env=stack.public_env(),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise Problem(f"manage.py migrate failed:\n{done.stdout}{done.stderr}".rstrip())
    if embedded and database.exists():
        stamp.write_text(f"{wanted} {database.stat().st_ino}")


def migrations_fingerprint(environment: Environment) -> str:
    """Changes with our own migrations and, through the lock, with those of other packages."""
    own = [*environment.root.glob("leaderboard/**/migrations/*.py")]
    return fingerprint([*own, environment.lock("site")])


def listen(host: str, port: int | None, console: Console) -> socket.socket:
    """A listening socket: on `port`, or where none is asked for on the first free one from 8000."""
    wanted = DEFAULT_PORT if port is None else port
    last = wanted + (PORTS_TRIED if port is None else 1)
    for number in range(wanted, last):
        try:
            listener = _bind(host, number)
        except OSError as error:
            reason = error.strerror or str(error)
            if port is not None or not _taken(error):
                raise Problem(f"cannot listen on {host} port {number}: {reason}") from error
            continue
        if number != wanted:
            console.line(f"port {wanted} is taken; using {listener.getsockname()[1]}")
        return listener
    raise Problem(f"no free port from {wanted} to {last - 1}; choose one with --port")


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES)


def allowed_hosts(host: str) -> dict[str, str]:
    """The names under which the site answers, unless the person has set them: where it listens
    on more than this machine, this machine's own names too."""
    if "AUTOVI_HOSTS" in os.environ or host.startswith("127.") or host == "::1":
        return {}
    name = socket.gethostname()
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        found = set()
    if host not in ("0.0.0.0", "::"):
        found.add(host)
    bracketed = [f"[{address}]" if ":" in address else address for address in sorted(found)]
    return {"AUTOVI_HOSTS": ",".join(dict.fromkeys([*LOOPBACK, name, *bracketed]))}


def url(listener: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def answers(listener: socket.socket, patience: float = 60.0) -> bool:
    """True as soon as /healthz says 200. The socket listens before the site runs: one waits."""
    authority = url(listener).removeprefix("http://")
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(authority, timeout=patience)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    return False


def announce(listener: socket.socket, var: Path, console: Console) -> None:
    """The lines a person looks for."""
    address = url(listener)
    console.line()
    console.line(console.paint(f"open {address}", "good"))
    try:
        note = json.loads((var / "demo.json").read_text())
        for line in _what_to_do(note, address):
            console.line(line)
    except (OSError, ValueError, KeyError):
        console.line(f"the demo account is not known: {var / 'demo.json'} is missing or damaged")
    console.line("Ctrl-C stops everything")
    console.line()
    console.pin(f"open {address} - Ctrl-C stops everything")


def _what_to_do(note: dict[str, str], address: str) -> list[str]:
    """What the note of `manage.py seed_demo` says, as lines; raises KeyError for a missing part."""
    board = note["board"]
    lines = [f"sign in as {note['username']} with the password {note['password']}"]
    lines.append(f"upload {note['archive']} at {address}/submit/{board}/")
    if waiting := int(note["waiting"]):
        what = "submission is" if waiting == 1 else "submissions are"
        lines.append(f"{waiting} sample {what} being scored for {address}/boards/{board}/")
    return lines


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
