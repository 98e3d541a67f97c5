"""Becomes another program that ends when its parent does: `child.py PARENT COMMAND...`.

A process that is killed outright cannot stop its children. On Linux the kernel does it: the
death signal set here outlives the exec (prctl(2), PR_SET_PDEATHSIG). Elsewhere it is left out.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` tied to the life of this process (of this thread)."""
    return [sys.executable, "-S", __file__, str(os.getpid()), *command]


def die_with(parent: int) -> None:
    """Asks for SIGTERM at the parent's death, and leaves at once if it has died already."""
    if sys.platform != "linux":
        return
    try:
        import ctypes  # not every Python is built with it
    except ImportError:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(143)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
