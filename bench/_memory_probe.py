"""Scores one archive in a fresh process and tells the peak memory of it and of its decoder,
and the processor time of both together.

`python -m bench._memory_probe DATASET ARCHIVE` prints one JSON line. The kernel's own high-water
mark (VmHWM in /proc/PID/status) is read every few milliseconds, as the decoder is gone at the end.
What wait4() reports of a child would not do: before its exec a child shares the parent's pages,
and they would count. So a child is looked at only once its command line is the decoder's.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from pathlib import Path

from scoring import score

_EVERY_SECONDS = 0.01


class Watch(threading.Thread):
    """Peak resident bytes of this process and of the largest child that runs the decoder."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own = self.decoder = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        self.own = peak(os.getpid())
        for child in _children():
            self.decoder = max(self.decoder, peak(child))

    def end(self) -> None:
        self._ended.set()
        self.join()
        self.own = peak(os.getpid())


def _children() -> list[int]:
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found = {int(child) for path in lists for child in _text(path).split()}
    return [child for child in found if "_decoder.py" in _text(Path(f"/proc/{child}/cmdline"))]


def peak(process: int) -> int:
    """The kernel's high-water mark of resident memory in bytes; 0 for a process that is gone."""
    for line in _text(Path(f"/proc/{process}/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def main() -> None:
    """Score and tell."""
    watch = Watch()
    watch.start()
    score(Path(sys.argv[1]), Path(sys.argv[2]))
    watch.end()
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    print(json.dumps({"scorer": watch.own, "decoder": watch.decoder, "cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
