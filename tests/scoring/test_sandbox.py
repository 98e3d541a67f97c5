"""The decoding processes: bounded, replaceable, and without anything worth stealing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from support import encode, write_folder

from scoring import Limits
from scoring.archive import open_archive
from scoring.sandbox import DecoderPool, Request

SIZE = (64, 48)


def requests(tmp_path: Path, count: int = 40) -> tuple[Path, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 255, SIZE[::-1]).astype(np.uint8) for _ in range(count)]
    files = {f"{index:04}.png": encode(array, ".png") for index, array in enumerate(arrays)}
    return write_folder(tmp_path / "maps", files), arrays


def children() -> set[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    return {int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()}


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_come_in_order_with_every_pixel(tmp_path: Path, jobs: int) -> None:
    folder, arrays = requests(tmp_path)
    with open_archive(folder) as archive, DecoderPool(archive.fd, 64 * 48, jobs) as pool:
        wanted = [Request(m.name, m, SIZE) for m in archive.members]
        for array, decoded in zip(arrays, pool.decode(wanted), strict=True):
            assert decoded.problem is None
            assert np.array_equal(decoded.values, array.ravel())
            assert decoded.maximum == array.max()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_decoder_killed_by_others_costs_no_map(tmp_path: Path, jobs: int) -> None:
    """Kill every decoder now and again: each map is decoded all the same, in order."""
    count, side, kills = 60, 1024, 0
    arrays = [np.full((side, side), index, np.uint8) for index in range(count)]
    files = {f"{index:04}.png": encode(array, ".png") for index, array in enumerate(arrays)}
    folder = write_folder(tmp_path / "maps", files)
    before = children()
    with open_archive(folder) as archive, DecoderPool(archive.fd, side * side, jobs) as pool:
        wanted = [Request(m.name, m, (side, side)) for m in archive.members]
        answers = []
        for index, decoded in enumerate(pool.decode(wanted)):
            answers.append(decoded.problem or set(np.unique(decoded.values)))
            if index % 20 == 5:
                for pid in children() - before:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
    assert kills == 3 * jobs
    assert answers == [{index} for index in range(count)]


def test_a_map_that_needs_too_much_memory_is_a_problem_line(tmp_path: Path) -> None:
    big = np.zeros((4000, 4000), np.float64)
    folder = write_folder(tmp_path / "maps", {"big.npy": encode(big, ".npy")})
    limits = Limits(decode_memory=100 * 2**20)
    with open_archive(folder) as archive, DecoderPool(archive.fd, 16_000_000, 1, limits) as pool:
        (answer,) = pool.decode([Request("big", archive.members[0], (4000, 4000))])
    assert answer.problem is not None
    assert "memory" in answer.problem


def test_no_process_and_no_file_is_left_behind(tmp_path: Path) -> None:
    folder, _ = requests(tmp_path, 4)
    before, fds = children(), len(os.listdir("/proc/self/fd"))
    with open_archive(folder) as archive, DecoderPool(archive.fd, 64 * 48, 2) as pool:
        list(pool.decode([Request(m.name, m, SIZE) for m in archive.members]))
        assert children() - before
    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == fds


def test_the_decoder_gets_none_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not-for-decoders")
    folder, _ = requests(tmp_path, 1)
    before = children()
    with open_archive(folder) as archive, DecoderPool(archive.fd, 64 * 48) as pool:
        list(pool.decode([Request("a", archive.members[0], SIZE)]))
        (pid,) = children() - before
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"SECRET_KEY" not in environment
    assert b"not-for-decoders" not in environment
