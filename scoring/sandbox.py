"""Decoding in child processes: a file that kills its decoder becomes a problem line.

The children get bytes and give pixels. They are started with an empty environment, hold no
ground truth, and run under limits on memory, processor time and wall time (scoring/limits.py).
Pixels come back through shared memory, so that nothing is copied or unpickled on the way.
"""

from __future__ import annotations

import dataclasses
import json
import math
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from scoring.archive import Member
from scoring.errors import printable
from scoring.headers import ACCEPTED_DTYPES
from scoring.limits import DEFAULT_LIMITS, MAX_PROBLEM, Limits

_BATCH_BYTES = 4 * 2**20
_BATCH_MAPS = 128  # their answers fit in a pipe, so that no side waits for the other to read
_ALIGNMENT = 64
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    # glibc: keep freed memory. Giving each decoded map back to the system and faulting it in again
    # takes a fifth of the time of a float map. Other C libraries do not know these names.
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_ANSWER_LIMIT = 1 << 20
_NONE_YET = -1
_MAX_IDLE_DEATHS = 2
_TOO_LONG = "took too long"


class DecoderFailed(RuntimeError):
    """The decoder could not be started or answered nonsense: our fault, not the submitter's."""


@dataclass(frozen=True)
class Request:
    """One map to decode: the image it belongs to, its size in pixels, and where its bytes lie."""

    key: str
    member: Member
    size: tuple[int, int]

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]

    def as_json(self) -> dict[str, Any]:
        extension = "." + self.member.name.rpartition(".")[2].lower()
        member = {f.name: getattr(self.member, f.name) for f in dataclasses.fields(Member)}
        member["name"] = ""  # holds the folder, and no decoder need know that
        return {
            "extension": extension,
            "width": self.size[0],
            "height": self.size[1],
            "member": member,
        }


@dataclass(frozen=True)
class Decoded:
    """What came back for a request: pixels, or a problem.

    `values` is flat, in row order, and valid only until the next one is asked for.
    """

    request: Request
    values: NDArray[Any] | None = None
    dtype: str = ""
    maximum: float = math.nan
    resized: bool = False
    problem: str | None = None


@dataclass
class _Batch:
    requests: list[Request]
    slot: int
    deadline: float = math.inf
    failed: dict[int, str] = dataclasses.field(default_factory=dict)
    """Index -> problem of those that killed their decoder; not sent again."""
    suspects: set[int] = dataclasses.field(default_factory=set)
    """Those under way when a decoder died once; that may have been somebody else's doing."""

    def pending(self) -> list[int]:
        return [i for i in range(len(self.requests)) if i not in self.failed]


class DecoderPool:
    """One or more decoding processes over one open archive.

    With one process, decoding and whatever the caller does with the pixels take turns; with more,
    each decodes ahead while the caller works. Results always come in the order of the requests.
    """

    def __init__(
        self, archive_fd: int, max_pixels: int, jobs: int = 1, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._limits = limits
        self._slot_bytes = max(_BATCH_BYTES, _request_bytes(max_pixels)) + _ALIGNMENT
        slots = 1 if jobs == 1 else 2
        self._children = [_Child(archive_fd, self._slot_bytes, slots, limits) for _ in range(jobs)]
        self._calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all children."""
        for child in self._children:
            child.close()

    def decode(self, requests: Iterable[Request]) -> Iterator[Decoded]:
        """Decode all requests, yielding in their order.

        Values are views of shared memory: use them before taking the next item.
        """
        self._calls += 1
        call = self._calls
        for child in self._children:
            child.forget()
        batches = _batches(requests, self._slot_bytes - _ALIGNMENT)
        waiting: deque[tuple[_Child, _Batch]] = deque()
        for slot in range(self._children[0].slots):
            for child in self._children:
                _send_next(batches, child, slot, waiting)
        while waiting:
            child, batch = waiting.popleft()
            for decoded in child.receive(batch):
                if call != self._calls:
                    raise RuntimeError("another decode() has begun on this pool")
                yield decoded
            _send_next(batches, child, batch.slot, waiting)


def _request_bytes(pixels: int) -> int:
    return -(-8 * pixels // _ALIGNMENT) * _ALIGNMENT


def _batches(requests: Iterable[Request], capacity: int) -> Iterator[list[Request]]:
    batch: list[Request] = []
    free = capacity
    for request in requests:
        need = _request_bytes(request.pixels)
        if batch and (need > free or len(batch) == _BATCH_MAPS):
            yield batch
            batch, free = [], capacity
        batch.append(request)
        free -= need
    if batch:
        yield batch


def _send_next(
    batches: Iterator[list[Request]],
    child: _Child,
    slot: int,
    waiting: deque[tuple[_Child, _Batch]],
) -> None:
    requests = next(batches, None)
    if requests is not None:
        batch = _Batch(requests, slot)
        child.send(batch)
        waiting.append((child, batch))


class _Child:
    """One decoding process, restarted whenever it dies."""

    def __init__(self, archive_fd: int, slot_bytes: int, slots: int, limits: Limits) -> None:
        self.slots = slots
        self._archive_fd = archive_fd
        self._slot_bytes = slot_bytes
        self._limits = limits
        self._memory_file = _shared_file(slot_bytes * slots)
        self._memory = mmap.mmap(self._memory_file.fileno(), slot_bytes * slots)
        self._process: subprocess.Popen[bytes] | None = None
        self._received = b""
        self._idle_deaths = 0
        self._sent: deque[_Batch] = deque()

    def forget(self) -> None:
        """Drop what an earlier, abandoned call left under way."""
        if self._sent:
            self.kill()
            self._sent.clear()

    def send(self, batch: _Batch) -> None:
        self._sent.append(batch)
        self._write(batch)

    def _write(self, batch: _Batch) -> None:
        process = self._started()
        images = [batch.requests[i].as_json() for i in batch.pending()]
        line = json.dumps({"slot": batch.slot * self._slot_bytes, "images": images}) + "\n"
        allowed = self._limits.decode_seconds * (1 + len(images) / 4)
        struct.pack_into("<q", self._memory, batch.slot * self._slot_bytes, _NONE_YET)
        batch.deadline = time.monotonic() + allowed * len(self._sent) + 10
        assert process.stdin is not None
        try:
            process.stdin.write(line.encode())
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died: receiving will find out, and send again

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = self._start()
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        self._received = b""
        fds = [fd for fd in (self._archive_fd, self._memory_file.fileno()) if fd >= 0]
        process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("_decoder.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            pass_fds=fds,
        )
        setup = {
            "archive_fd": self._archive_fd,
            "memory_fd": self._memory_file.fileno(),
            "memory_size": len(self._memory),
            "limits": dataclasses.asdict(self._limits),
        }
        assert process.stdin is not None
        process.stdin.write((json.dumps(setup) + "\n").encode())
        return process

    def receive(self, batch: _Batch) -> Iterator[Decoded]:
        """The results of the batch sent first, in order."""
        answers = self._answers(batch)
        self._sent.popleft()
        for index, request in enumerate(batch.requests):
            if index in batch.failed:
                yield Decoded(request, problem=batch.failed[index])
            else:
                yield self._decoded(request, next(answers), batch.slot)

    def _answers(self, batch: _Batch) -> Iterator[Any]:
        while batch.pending():
            line = self._read_line(batch.deadline)
            if line is None:
                self._note_death(batch)
                continue
            self._idle_deaths = 0
            answers = _parse(line)
            if len(answers) != len(batch.pending()):
                raise DecoderFailed("the decoder answered for another number of maps than asked")
            return iter(answers)
        return iter(())

    def _read_line(self, deadline: float) -> bytes | None:
        """The child's next line, or None if it has died or its time is up."""
        assert self._process is not None
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            ready = select.select([fd], [], [], max(0.0, left))[0]
            chunk = os.read(fd, 1 << 16) if ready else b""
            if not chunk or len(self._received) > _ANSWER_LIMIT:
                return None
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _note_death(self, batch: _Batch) -> None:
        """Blame the map that was under way the second time; send the others to a new child."""
        (current,) = struct.unpack_from("<q", self._memory, batch.slot * self._slot_bytes)
        pending = batch.pending()
        how = self.kill(grace=0.2)  # a closed pipe is seen a moment before the process is gone
        if 0 <= current < len(pending):
            index = pending[current]
            if how == _TOO_LONG or index in batch.suspects:
                reason = f"cannot be decoded: the decoder {how}; expected a well-formed image"
                batch.failed[index] = reason
            batch.suspects.add(index)
        else:
            self._idle_deaths += 1
            if self._idle_deaths > _MAX_IDLE_DEATHS:
                raise DecoderFailed(f"the decoder {how} before it looked at a map")
        for sent in self._sent:
            if sent.pending():
                self._write(sent)

    def _decoded(self, request: Request, answer: Any, slot: int) -> Decoded:
        if "problem" in answer:
            return Decoded(request, problem=printable(str(answer["problem"]), MAX_PROBLEM))
        offset, stored, dtype = answer["offset"], answer["stored"], answer["dtype"]
        maximum = float(answer["maximum"])
        start, end = slot * self._slot_bytes, (slot + 1) * self._slot_bytes
        if (
            stored not in ACCEPTED_DTYPES
            or dtype not in ACCEPTED_DTYPES
            or not math.isfinite(maximum)
        ):
            raise DecoderFailed("the decoder answered with an unknown type or score")
        size = request.pixels * np.dtype(stored).itemsize
        if not isinstance(offset, int) or not start < offset <= end - size:
            raise DecoderFailed("the decoder answered with pixels outside its memory")
        values = np.frombuffer(self._memory, stored, request.pixels, offset)
        return Decoded(request, values, dtype, maximum, bool(answer["resized"]))

    def kill(self, grace: float = 0.0) -> str:
        """End the process, if it has not ended by itself; says how, for a problem line."""
        process, self._process = self._process, None
        if process is None:
            return "was stopped"
        code = process.poll()
        if code is None:
            try:
                code = process.wait(grace) if grace else None
            except subprocess.TimeoutExpired:
                pass
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            _close_quietly(stream)
        if code is None or code == -signal.SIGXCPU:
            return _TOO_LONG
        return f"died ({signal.Signals(-code).name})" if code < 0 else f"ended with status {code}"

    def close(self) -> None:
        self.kill()
        self._sent.clear()
        try:
            self._memory.close()
        except BufferError:
            pass  # somebody still holds a view: it is freed with that
        self._memory_file.close()


def _parse(line: bytes) -> list[Any]:
    try:
        answers = json.loads(line)
    except ValueError as error:
        raise DecoderFailed("the decoder answered with something other than JSON") from error
    if not isinstance(answers, list):
        raise DecoderFailed("the decoder answered with something other than a list")
    return answers


def _close_quietly(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except BrokenPipeError:
        pass


def _shared_file(size: int) -> IO[bytes]:
    """A file without a name that both processes map."""
    if sys.platform == "linux":
        file: IO[bytes] = os.fdopen(os.memfd_create("autovi-maps"), "r+b")
    else:
        file = tempfile.TemporaryFile("r+b")  # noqa: SIM115 - lives as long as the pool
    file.truncate(size)
    return file
