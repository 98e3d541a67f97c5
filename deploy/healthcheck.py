"""Whether one process of the site is well: `healthcheck.py web|worker|beat`; exit code 0 or 1.

Standard library only, so that asking every half minute costs next to nothing.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from pathlib import Path

OLDEST = 60.0
"""Seconds since the last sign of life of a worker or of beat; leaderboard/alive.py gives them."""


def web() -> str:
    """What is wrong with the web process of this machine; empty where it answers."""
    host = os.environ.get("AUTOVI_HOSTS", "localhost").partition(",")[0]
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")))
    connection.timeout = 8
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        status = connection.getresponse().status
    except OSError as error:
        return f"no answer: {error}"
    finally:
        connection.close()
    return "" if status == 200 else f"/healthz answers {status}; expected 200"


def alive(role: str) -> str:
    """What is wrong with the worker or beat of this container; empty where it gave a sign."""
    path = Path(os.environ["AUTOVI_VAR"], "alive", f"{role}-{socket.gethostname()}")
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return f"{path}: no sign of life yet"
    return "" if age < OLDEST else f"{path}: the last sign of life is {age:.0f} s old"


def main(role: str) -> int:
    problem = web() if role == "web" else alive(role)
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
