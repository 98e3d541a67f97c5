"""Whatever bytes arrive, the answer is a report or a refusal; nothing is left behind."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from scoring import Refused
from scoring.archive import open_archive
from scoring.errors import MapError
from scoring.headers import Header, read_header
from tests.hostile import craft, mutants
from tests.hostile.corpus import MEMORY, TIME_LIMIT, WIDE_KEYS, Room

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("AUTOVI_FUZZ_SEED", "20240501"))
quick = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
changes = st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=8)), min_size=1, max_size=4)


def changed(data: bytes, places: list[tuple[int, bytes]]) -> bytes:
    for at, new in places:
        at %= len(data)
        data = data[:at] + new + data[at + len(new) :]
    return data


def header_or_problem(data: bytes, extension: str) -> Header | str:
    try:
        return read_header(data, extension)
    except MapError as error:
        return str(error)


def members_or_problems(archive: Path) -> list[str]:
    try:
        with open_archive(archive) as found:
            return [member.name for member in found.members] or ["nothing"]
    except Refused as refused:
        return refused.lines()


@seed(SEED)
@quick
@given(st.sampled_from([seed for many in mutants.SEEDS.values() for seed in many]), changes)
def test_a_header_is_read_or_refused(
    sound: tuple[str, bytes], places: list[tuple[int, bytes]]
) -> None:
    extension, data = sound
    assert header_or_problem(changed(data, places), extension)


@seed(SEED)
@quick
@given(st.sampled_from([".png", ".tiff", ".npy"]), st.binary(max_size=300))
def test_any_bytes_behind_a_signature_are_read_or_refused(extension: str, data: bytes) -> None:
    signature = {".png": 8, ".tiff": 4, ".npy": 8}[extension]
    sound = dict(mutants.SEEDS["uint16"])[extension]
    assert header_or_problem(sound[:signature] + data, extension)


@pytest.mark.parametrize("kind", ["zip", "tar", "gzip"])
def test_an_archive_is_opened_or_refused(kind: str, room: Room) -> None:
    files = craft.entries(room.files())
    tar = craft.plain_tar(room.files()) + craft.pax({b"path": b"x"}) + craft.tar_entry(b"y")
    whole = {"zip": craft.zip_file(files), "tar": tar, "gzip": craft.gzip_member(tar)}[kind]

    @seed(SEED)
    @quick
    @given(changes, st.booleans())
    def opened_or_refused(places: list[tuple[int, bytes]], from_the_end: bool) -> None:
        data = whole[::-1] if from_the_end else whole
        data = changed(data, places)
        archive = room.raw("maps", data[::-1] if from_the_end else data)
        assert members_or_problems(archive)

    opened_or_refused()


def fuzz(number: int, maps: int, archives: int, texts: int) -> dict[str, Any]:
    print(f"seed {number}: set AUTOVI_FUZZ_SEED to repeat")
    command = [sys.executable, "-W", "error", "-m", "tests.hostile.fuzz"]
    done = subprocess.run(
        [*command, *map(str, (number, maps, archives, texts))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    print(figures)
    return figures


def check(figures: dict[str, Any]) -> None:
    assert figures["memory"] < MEMORY
    assert 0 < figures["decoder_memory"] < MEMORY
    assert figures["slowest"] < TIME_LIMIT
    mutants_sent = figures["maps"] + figures["archives"] + figures["texts"]
    assert figures["accepted"]["all"] + figures["refused"]["all"] == mutants_sent
    assert mutants_sent / 8 < figures["accepted"]["all"] < mutants_sent / 2
    assert figures["scored"] > figures["maps"] / len(WIDE_KEYS)


def test_some_hundred_mutations_are_scored_or_refused() -> None:
    check(fuzz(SEED, maps=225, archives=40, texts=10))


@pytest.mark.long
def test_ten_thousand_mutations_are_scored_or_refused() -> None:
    given_seed = os.environ.get("AUTOVI_FUZZ_SEED")
    number = int(given_seed) if given_seed else random.SystemRandom().randrange(2**32)
    figures = fuzz(number, maps=9_000, archives=1_200, texts=300)
    check(figures)
    assert figures["maps"] + figures["archives"] + figures["texts"] >= 10_000
    changes = {mutation.__name__ for mutation in mutants.MUTATIONS}
    for kind in changes | mutants.FORMS:
        assert figures["accepted"][kind] > 0, kind
        assert figures["refused"][kind] > 0, kind
