"""Several programs under one parent: started, logged, restarted, and all gone in the end.

Each program leads a process group of its own, so that a Ctrl-C at the terminal reaches only the
parent, which then stops them in order, and so that a program's own children go with it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from devtools.child import tied
from devtools.console import Console

GRACE = 10.0  # seconds between the request to stop and the kill
KEPT_LINES = 12
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # logs may quote strangers' file names
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Program:
    """What to run. `fate`: what its end means; a `once` program may end well."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    fate: Literal["vital", "restart", "once"] = "vital"
    pass_fds: tuple[int, ...] = ()
    then: Callable[[], None] = lambda: None  # called when a `once` program ended well


@dataclass
class Budget:
    """At most `limit` restarts within `window` seconds."""

    limit: int = 5
    window: float = 60.0
    clock: Callable[[], float] = time.monotonic
    _times: deque[float] = field(default_factory=deque)

    def take(self) -> int | None:
        """The number of restarts within the window, this one included; None if used up."""
        now = self.clock()
        while self._times and now - self._times[0] > self.window:
            self._times.popleft()
        if len(self._times) >= self.limit:
            return None
        self._times.append(now)
        return len(self._times)


class Process:
    """One running program; its output goes to the console behind the program's name."""

    def __init__(
        self, program: Program, cwd: Path, console: Console, ended: Callable[[Process], None]
    ) -> None:
        self.program = program
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._console = console
        self.popen = subprocess.Popen(
            tied(program.command),
            cwd=cwd,
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=program.pass_fds,
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._waiter = threading.Thread(target=self._wait, args=(ended,), daemon=True)
        self._reader.start()
        self._waiter.start()

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def ask_to_stop(self) -> None:
        if self.running:
            self.popen.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Kills what is left of the program and its group; returns when it is gone."""
        if self.running:
            kill_group(self.popen.pid)
        self._waiter.join()

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.popen.returncode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def _read(self) -> None:
        assert self.popen.stdout is not None
        with self.popen.stdout as output:
            for raw in output:
                line = CONTROL.sub("?", raw.decode(errors="replace").rstrip())
                self.last_lines.append(line)
                self._console.log(self.program.name, line)

    def _wait(self, ended: Callable[[Process], None]) -> None:
        self.popen.wait()
        kill_group(self.popen.pid)  # what the program started and left behind
        self._reader.join(timeout=1)
        ended(self)


class Supervisor:
    """Runs programs until one that matters ends, or a signal asks to stop."""

    def __init__(self, console: Console, cwd: Path, budget: Budget | None = None) -> None:
        self.console = console
        self.cwd = cwd
        self.budget = budget or Budget()
        self.processes: list[Process] = []
        self._events: SimpleQueue[Callable[[], int | None]] = SimpleQueue()
        self._stopping = False

    def __enter__(self) -> Supervisor:
        self._before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        for number in STOP_SIGNALS:
            signal.signal(number, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def start(self, program: Program) -> Process:
        """Starts a program. Only the main thread may: the kernel ties a child to the thread."""
        process = Process(program, self.cwd, self.console, self._post_end)
        self.processes.append(process)
        return process

    def post(self, call: Callable[[], int | None]) -> None:
        """Has `call` done by the main thread; where it returns a number, `run` returns that."""
        self._events.put(call)

    def run(self) -> int:
        """Handles events until there is an exit code."""
        while True:
            code = self._events.get()()
            if code is not None:
                return code

    def stop(self, grace: float = GRACE) -> None:
        """Asks all to stop, waits, kills the rest; returns when no process is left."""
        self._stopping = True
        self.console.pin("")
        for process in self.processes:
            process.ask_to_stop()
        with self.console.step("stopping (Ctrl-C again ends everything at once)"):
            self._wait(time.monotonic() + grace)
            for number in STOP_SIGNALS:  # the rest is short and must not be cut off
                signal.signal(number, signal.SIG_IGN)
            for process in self.processes:
                process.end()
        self.processes.clear()

    def _wait(self, deadline: float) -> None:
        try:
            for process in self.processes:
                process.popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            busy = [process.program.name for process in self.processes if process.running]
            self.console.line(f"still busy: {', '.join(busy)}; ending it")
        except KeyboardInterrupt:
            self.console.line("ending everything now")

    def _signalled(self, number: int, _frame: object) -> None:
        if self._stopping:
            raise KeyboardInterrupt
        self._stopping = True
        self.post(lambda: self._told_to_stop(number))

    def _told_to_stop(self, number: int) -> int:
        self.console.line(f"\n{signal.Signals(number).name} received")
        return 0

    def _post_end(self, process: Process) -> None:
        self.post(lambda: self._ended(process))

    def _ended(self, process: Process) -> int | None:
        if self._stopping or process not in self.processes:
            return None
        self.processes.remove(process)
        program = process.program
        if program.fate == "once" and process.popen.returncode == 0:
            program.then()
            return None
        self._tell(process)
        number = self.budget.take() if program.fate == "restart" else None
        if number is None:
            return 1
        pause = min(0.5 * 2 ** (number - 1), 8.0)
        self.console.line(f"starting {program.name} again in {pause:.1f} s")
        timer = threading.Timer(pause, self.post, [lambda: self._again(program)])
        timer.daemon = True
        timer.start()
        return None

    def _again(self, program: Program) -> None:
        if not self._stopping:
            self.start(program)

    def _tell(self, process: Process) -> None:
        name = process.program.name
        self.console.line(self.console.paint(f"{name} {process.ending()}; its last lines:", "bad"))
        for line in process.last_lines:
            self.console.line(f"  {line}")


def kill_group(leader: int) -> None:
    """SIGKILL for every process of the group; one that is gone already is no error."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        pass
