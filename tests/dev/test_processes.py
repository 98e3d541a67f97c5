"""Several programs under one parent, as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools import ROOT
from devtools.processes import Budget, Program, Supervisor

STUBBORN = (
    "import os, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('stubborn', os.getpid(), flush=True); signal.pause()"
)
PARENT_OF_STUBBORN = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STUBBORN!r}])"
PATIENT = "import os, signal; print('patient', os.getpid(), flush=True); signal.pause()"
SUPERVISING = f"""
import os, sys
from pathlib import Path
from devtools.console import Console
from devtools.processes import Program, Supervisor
with Supervisor(Console(), Path.cwd()) as supervisor:
    supervisor.start(Program("web", [sys.executable, "-c", {PATIENT!r}], dict(os.environ)))
    supervisor.run()
"""


def python(code: str, fate="vital", **more) -> Program:
    return Program("worker", [sys.executable, "-c", code], dict(os.environ), fate, **more)


def alive(pid: int) -> bool:
    """True if the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int, timeout: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def meanwhile(call: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


@pytest.fixture
def supervisor(console):
    with Supervisor(console, ROOT) as supervisor:
        yield supervisor


def test_output_of_both_streams_is_logged_behind_the_name(supervisor, lines) -> None:
    supervisor.start(python("import sys; print('out'); print('err', file=sys.stderr)"))
    supervisor.run()
    assert "worker | out\n" in lines.getvalue()
    assert "worker | err\n" in lines.getvalue()


def test_control_characters_of_a_log_do_not_reach_the_terminal(supervisor, lines) -> None:
    supervisor.start(python("print('a\\x1b[2Jb\\tc')"))
    supervisor.run()
    assert "worker | a?[2Jb\tc\n" in lines.getvalue()


def test_the_end_of_a_vital_program_ends_the_run_and_is_explained(supervisor, lines) -> None:
    supervisor.start(python("print('no such table'); raise SystemExit(3)"))
    assert supervisor.run() == 1
    assert "worker ended with exit code 3; its last lines:\n  no such table" in lines.getvalue()


def test_a_killed_worker_is_started_again(supervisor, lines) -> None:
    supervisor.start(python(PATIENT, "restart"))

    def kill_it_once() -> None:
        os.kill(int(lines.after("worker | patient")), signal.SIGKILL)
        lines.wait_for("worker | patient", times=2)
        supervisor.post(lambda: 0)

    thread = meanwhile(kill_it_once)
    assert supervisor.run() == 0
    thread.join()
    assert "worker was ended by SIGKILL" in lines.getvalue()


def test_what_a_killed_worker_leaves_behind_goes_too(supervisor, lines) -> None:
    process = supervisor.start(python(PARENT_OF_STUBBORN))
    child = int(lines.after("stubborn"))
    os.kill(process.popen.pid, signal.SIGKILL)
    assert supervisor.run() == 1
    assert gone(child)


def test_a_program_that_dies_again_and_again_ends_the_run(console, lines) -> None:
    with Supervisor(console, ROOT, Budget(limit=1)) as supervisor:
        supervisor.start(python("raise SystemExit(5)", "restart"))
        assert supervisor.run() == 1
    assert lines.getvalue().count("worker ended with exit code 5") == 2


def test_a_program_that_runs_once_may_end_well(supervisor) -> None:
    supervisor.start(python("", "once", then=lambda: supervisor.post(lambda: 7)))
    assert supervisor.run() == 7


def test_a_program_that_runs_once_and_fails_ends_the_run(supervisor) -> None:
    supervisor.start(python("raise SystemExit(2)", "once"))
    assert supervisor.run() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(supervisor, lines, number: signal.Signals) -> None:
    supervisor.start(python(PATIENT, "restart"))
    pid = int(lines.after("patient"))
    thread = meanwhile(lambda: os.kill(os.getpid(), number))
    assert supervisor.run() == 0
    thread.join()
    supervisor.stop()
    assert gone(pid)
    assert f"{number.name} received" in lines.getvalue()
    assert "starting" not in lines.getvalue()


def test_stopping_leaves_no_process_even_if_one_ignores_the_request(supervisor, lines) -> None:
    process = supervisor.start(python(PARENT_OF_STUBBORN))
    stubborn = supervisor.start(python(STUBBORN))
    pids = [int(lines.after("stubborn", times)) for times in (1, 2)]
    supervisor.stop(grace=0.2)
    assert all(gone(pid) for pid in [*pids, process.popen.pid, stubborn.popen.pid])
    assert "still busy: worker; ending it" in lines.getvalue()


def test_the_signal_handlers_are_put_back(console) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Supervisor(console, ROOT):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_program_leads_a_group_of_its_own(supervisor, lines) -> None:
    process = supervisor.start(python(PATIENT))
    lines.wait_for("patient")
    assert os.getpgid(process.popen.pid) == process.popen.pid != os.getpgrp()


def test_a_parent_that_is_killed_takes_its_programs_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISING], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().split()[-1])
        parent.kill()
    assert gone(pid)


def test_restarts_are_counted_within_a_window() -> None:
    now = [0.0]
    budget = Budget(limit=2, window=60, clock=lambda: now[0])
    assert [budget.take(), budget.take(), budget.take()] == [1, 2, None]
    now[0] = 61.0
    assert budget.take() == 1
