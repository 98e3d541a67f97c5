"""`./dev env`, `./dev test`, `./dev check` and `./dev bench`."""

from __future__ import annotations

import glob
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools import ROOT, Problem
from devtools.console import Console
from devtools.environment import Environment

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SERVERS = {
    "postgresql": ("/usr/lib/postgresql/*/bin/initdb", "initdb"),
    "redis-server": ("redis-server",),
    "rabbitmq-server": ("/usr/lib/rabbitmq/bin/rabbitmq-server",),
    "libfaketime": ("/usr/lib/*/faketime/libfaketimeMT.so.1",),
    "caddy": ("caddy",),
}
"""Debian's package of each server that tests start, and where it may be."""
MAC_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def env(console: Console) -> int:
    """Makes the environment where it is missing, and says how to use it."""
    environment = Environment()
    environment.ensure("site", console)
    console.line(f"source {shlex.quote(str(environment.bin / 'activate'))}")
    return 0


def test(long: bool, arguments: Sequence[str], console: Console) -> int:
    """The whole suite, with a run-time folder of its own; the exit code is pytest's."""
    browser = find_browser()
    if all(argument.startswith("-") for argument in arguments):  # the whole suite
        find_servers()
    environment = Environment()
    environment.ensure("dev", console)
    command = [str(environment.python), "-m", "pytest", *(["--long"] if long else []), *arguments]
    variables = environment.variables() | {"CHROMIUM": browser}
    with tempfile.TemporaryDirectory(prefix="autovi-tests-") as scratch:
        return follow(command, variables | {"AUTOVI_VAR": scratch})


def follow(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Runs a command to its end, which a signal does not cut short: it gets the signal too.

    A Ctrl-C reaches it through the terminal; what comes to this process alone is passed on.
    """
    with subprocess.Popen(command, cwd=ROOT, env=env) as process:
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
        }
        try:
            code = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def find_browser() -> str:
    """The path of Chromium for the browser tests; raises Problem with what to install."""
    chosen = os.environ.get("CHROMIUM")
    candidates = [chosen] if chosen else [*BROWSERS, MAC_BROWSER]
    for candidate in candidates:
        if found := shutil.which(candidate):
            return found
    if chosen:
        raise Problem(f"CHROMIUM={chosen}: not a program; expected Chromium's path or its name")
    raise Problem(
        "The browser tests need Chromium and found none. Install it (Debian, as root: apt-get "
        "install chromium) or set CHROMIUM to its path."
    )


def find_servers() -> None:
    """Raises Problem with what to install where a server that the tests start is missing."""
    missing = [
        package
        for package, places in SERVERS.items()
        if not any(shutil.which(place) or glob.glob(place) for place in places)
    ]
    if missing:
        raise Problem(
            "The whole suite starts servers of its own, and some are not installed. Install them "
            f"(Debian, as root: apt-get install {' '.join(missing)}; none of them has to run), or "
            "name the tests to run, such as tests/scoring."
        )


def check(console: Console) -> int:
    """All the checks that run nothing of ours but its settings; 1 if any fails."""
    environment = Environment()
    environment.ensure("dev", console)
    with tempfile.TemporaryDirectory() as scratch:
        variables = environment.variables() | production_like(Path(scratch))
        failed = [
            title
            for title, command in check_steps(environment)
            if not _passes(title, command, variables, console)
        ]
    if failed:
        console.line(console.paint(f"failed: {', '.join(failed)}", "bad"))
        return 1
    console.line(console.paint("all checks passed", "good"))
    return 0


def check_steps(environment: Environment) -> list[tuple[str, list[str]]]:
    """Each check's title and command."""
    manage = [str(environment.python), "manage.py"]
    return [
        ("lint", [str(environment.bin / "ruff"), "check", "."]),
        ("format", [str(environment.bin / "ruff"), "format", "--check", "."]),
        ("types", [str(environment.bin / "mypy")]),
        ("import rules", [str(environment.bin / "lint-imports")]),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        ("deployment", [*manage, "check", "--deploy", "--fail-level", "WARNING"]),
    ]


def production_like(scratch: Path) -> dict[str, str]:
    """Settings as an operator would make them, with everything written into `scratch`."""
    return {
        "AUTOVI_VAR": str(scratch),
        "AUTOVI_HTTPS": "1",
        "AUTOVI_HOSTS": "board.example",
        "SECRET_KEY": secrets.token_urlsafe(64),
    }


def _passes(title: str, command: list[str], env: dict[str, str], console: Console) -> bool:
    with console.step(title):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode:
        console.line(done.stdout.rstrip())
        console.line(console.paint(f"{title} failed (exit code {done.returncode})", "bad"))
    return done.returncode == 0


def bench(names: Sequence[str], console: Console) -> int:
    """Runs the named measurements, or all of them; each is a module of bench/."""
    known = benches()
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(known) or "none yet"
        raise Problem(f"no such measurement: {', '.join(unknown)}; there are: {listed}")
    if not known:
        raise Problem("bench/ holds no measurement yet")
    environment = Environment()
    environment.ensure("dev", console)
    for name in names or known:
        command = [str(environment.python), "-m", f"bench.{name}"]
        code = follow(command, environment.variables())
        if code:
            console.line(console.paint(f"bench {name} ended with exit code {code}", "bad"))
            return 1
    return 0


def benches() -> list[str]:
    """The names of the measurements: the modules of bench/ that can be run by themselves."""
    modules = sorted((ROOT / "bench").glob("*.py"))
    return [
        module.stem
        for module in modules
        if not module.stem.startswith("_") and '__name__ == "__main__"' in module.read_text()
    ]
