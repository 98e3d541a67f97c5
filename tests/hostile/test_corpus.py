"""Every hostile archive has exactly one outcome, and validating and scoring agree on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scoring import Refused, score, validate
from tests.hostile import (
    craft,
    name_cases,
    npy_cases,
    png_cases,
    tar_cases,
    text_cases,
    tiff_cases,
    zip_cases,
)
from tests.hostile.corpus import (
    WIDE_KEYS,
    Build,
    HostileCase,
    HostileMap,
    HostileName,
    Room,
    Write,
    agrees,
    large,
    plain_report,
)
from tests.scoring.support import Case, write_dataset

MODULES = (zip_cases, tar_cases, name_cases, png_cases, tiff_cases, npy_cases, text_cases)
CASES = [
    pytest.param(case, id=f"{module.__name__.rpartition('.')[2]}-{case.name}")
    for module in MODULES
    for case in module.corpus.cases
]
REFUSED = [case for case in CASES if case.values[0].lines]
ACCEPTED = [case for case in CASES if case.values[0].twin]
MAPS = [case for module in MODULES for case in module.corpus.maps]
UTF8 = 1 << 11
NAMES = name_cases.corpus.names


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: HostileCase, room: Room) -> None:
    lines = room.outcome(case.build(room))
    assert isinstance(lines, list), "was scored"
    assert len(lines) == len(case.lines), lines
    for line, expected in zip(lines, case.lines, strict=True):
        assert agrees(line, expected), line


@pytest.mark.parametrize("case", ACCEPTED)
def test_scores_the_same_as_its_plain_twin(case: HostileCase, room: Room) -> None:
    assert case.twin is not None
    assert room.outcome(case.build(room)) == plain_report(room.datasets, case.twin, case.factor)


@pytest.mark.parametrize(("extension", "write"), [(".npy", craft.npy), (".tiff", craft.tiff)])
def test_the_largest_map_allowed_is_scored(extension: str, write: Write, room: Room) -> None:
    """Four times the pixels of its image, eight bytes each, none of which packs."""
    data = write(np.random.default_rng(0).normal(size=(1500, 2000)).astype(">f8"))
    report = room.outcome(large(room, data, extension, write(np.zeros((750, 1000), ">f8"))))
    assert isinstance(report, str), report


@pytest.mark.parametrize(
    "build",
    [zip_cases.wrong_crc, tar_cases.hard_link, tiff_cases.tiff_of_a_megabyte],
    ids=["checksum", "link", "pixels"],
)
def test_two_processes_tell_the_same_as_one(build: Build, room: Room) -> None:
    archive = build(room)
    lines = room.outcome(archive)
    with pytest.raises(Refused) as refused:
        score(room.datasets / room.dataset, archive, jobs=2)
    assert refused.value.lines() == lines


@pytest.mark.parametrize("jobs", [1, 2])
def test_hundreds_of_bad_maps_are_told_and_counted(jobs: int, room: Room) -> None:
    """More of them than one request to a decoder holds."""
    keys = [f"good/{index:04}" for index in range(300)]
    case = Case((4, 4), regions={key: [] for key in keys}, values={key: [] for key in keys})
    dataset = write_dataset(room.root / "many", {"part": case})
    archive = room.zip({f"part/test/{key}.png": b"x" for key in keys})
    with pytest.raises(Refused) as refused:
        validate(dataset, archive, jobs=jobs)
    lines = [f"part/test/{key}.png: is no PNG file" for key in keys[:50]]
    assert refused.value.lines() == [*lines, "... and 250 more"]


@pytest.fixture(scope="module")
def map_lines(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The line of each hostile map by its case's name; many maps go into one archive."""
    return {
        name: line
        for start in range(0, len(MAPS), len(WIDE_KEYS))
        for name, line in lines_of_maps(
            Room(datasets, tmp_path_factory.mktemp("maps"), dataset="wide"),
            MAPS[start : start + len(WIDE_KEYS)],
        )
    }


def lines_of_maps(room: Room, maps: list[HostileMap]) -> Iterator[tuple[str, str]]:
    files = {f"part/test/{key}": (".png", craft.png_file()) for key in ("dent/0000", *WIDE_KEYS)}
    members = dict(zip(WIDE_KEYS, maps, strict=False))
    files |= {f"part/test/{key}": (case.extension, case.build()) for key, case in members.items()}
    lines = room.outcome(
        room.zip({name + extension: data for name, (extension, data) in files.items()})
    )
    assert isinstance(lines, list)
    for (key, case), line in zip(members.items(), lines, strict=True):
        member, _, problem = line.partition(": ")
        assert member == f"part/test/{key}{case.extension}"
        yield case.name, problem


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in MAPS])
def test_map_refused(case: HostileMap, map_lines: dict[str, str]) -> None:
    assert agrees(map_lines[case.name], case.line), map_lines[case.name]


@pytest.fixture(scope="module", params=["zip", "tar"])
def name_lines(
    request: pytest.FixtureRequest, datasets: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[str]]:
    """The lines of all hostile names together, in a zip and in a tar."""
    room = Room(datasets, tmp_path_factory.mktemp("names"))
    if request.param == "zip":
        made = [craft.Entry(case.name, b"data", flags=UTF8) for case in NAMES]
        archive = room.raw("maps.zip", craft.zip_file([*craft.entries(room.files()), *made]))
    else:
        parts = [
            craft.pax({b"path": case.name}) + craft.tar_entry(b"x", b"data")
            for case in NAMES
            if case.in_tar
        ]
        archive = room.raw("maps.tar", craft.plain_tar(room.files()), craft.tar_file(*parts))
    lines = room.outcome(archive)
    assert isinstance(lines, list)
    return request.param, lines


@pytest.mark.parametrize("case", [pytest.param(case, id=ascii(case.name)[:50]) for case in NAMES])
def test_name_refused(case: HostileName, name_lines: tuple[str, list[str]]) -> None:
    kind, lines = name_lines
    found = [line for line in lines if agrees(line, case.line)]
    assert len(found) == (kind == "zip" or case.in_tar), lines


def test_no_other_name_is_refused(name_lines: tuple[str, list[str]]) -> None:
    kind, lines = name_lines
    assert len(lines) == sum(kind == "zip" or case.in_tar for case in NAMES)
