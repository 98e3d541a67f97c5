"""The child process that decodes strangers' files. Started by scoring/sandbox.py, never imported.

It is given descriptors of the archive and of a block of shared memory, reads one JSON line a batch
from standard input, and answers each with one JSON line. It knows no label, no secret and no path
but those in its requests, and runs under resource limits that it cannot raise again.
"""

from __future__ import annotations

import json
import mmap
import resource
import struct
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from scoring.archive import Member
from scoring.errors import MapError
from scoring.limits import MAX_PROBLEM, Limits
from scoring.maps import check_map

ALIGNMENT = 64


def main() -> None:
    """Answer batches until standard input closes."""
    setup: dict[str, Any] = json.loads(sys.stdin.readline())
    limits = Limits(**setup["limits"])
    memory = mmap.mmap(setup["memory_fd"], setup["memory_size"])
    _bound_resources(limits)
    for line in sys.stdin:
        request = json.loads(line)
        answer = _answer(request, setup["archive_fd"], memory, limits)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _bound_resources(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    statm = Path("/proc/self/statm")
    if statm.exists():  # Linux; other systems are bounded by time alone
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        bound = used + limits.decode_memory
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def _allow_processor_time(seconds: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 2, hard))


def _answer(
    request: dict[str, Any], fd: int, memory: mmap.mmap, limits: Limits
) -> list[dict[str, Any]]:
    """Decode a batch into one slot; tell in the slot's first bytes which image is under way."""
    base, offset, answers = request["slot"], ALIGNMENT, []
    for index, image in enumerate(request["images"]):
        struct.pack_into("<q", memory, base, index)
        _allow_processor_time(limits.decode_seconds)
        try:
            answer, used = _decode(image, fd, memory, base + offset, limits)
        except MapError as error:
            answer, used = {"problem": str(error)[:MAX_PROBLEM]}, 0
        except MemoryError:
            answer, used = {"problem": "needs too much memory to decode"}, 0
        answers.append(answer)
        offset += -(-used // ALIGNMENT) * ALIGNMENT
    return answers


def _decode(
    image: dict[str, Any], fd: int, memory: mmap.mmap, offset: int, limits: Limits
) -> tuple[dict[str, Any], int]:
    size = (image["width"], image["height"])
    data = Member(**image["member"]).read(fd, limits.map_bytes(size))
    room = np.frombuffer(memory, np.uint8, 8 * size[0] * size[1], offset)
    checked = check_map(data, image["extension"], size, limits, room)
    values = np.ascontiguousarray(checked.values).reshape(-1)
    target = room[: values.nbytes].view(values.dtype)
    if target.ctypes.data != values.ctypes.data:  # resized, or no decoder of images made it
        target[:] = values
    answer = {
        "offset": offset,
        "stored": "float32" if checked.resized else checked.dtype,
        "dtype": checked.dtype,
        "maximum": checked.maximum,
        "resized": checked.resized,
    }
    return answer, values.nbytes


if __name__ == "__main__":
    main()
