"""What a hostile case is, and what is done with it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scoring import Limits, Refused, score, validate
from scoring.limits import DEFAULT_LIMITS
from tests.hostile import craft
from tests.hostile.probes import measured
from tests.scoring.support import Case, encode, small_case, write_dataset, write_tar, write_zip

SIZE = (20, 12)
KEYS = tuple(small_case().regions)
FIRST = f"part/test/{KEYS[0]}.png"
MISSING = f"part/test/{KEYS[0]}: is missing; expected one map for each test image"
NOT_HERE = (
    "is not expected here; expected <category>/test/<folder>/<image_id>"
    "{.png,.tif,.tiff,.npy}, image_scores.csv or submission.json"
)
NO_MAP = ": holds no map; expected <category>/test/<folder>/<image_id>.png"
WIDE_KEYS = (
    *(f"good/{index:04}" for index in range(35)),
    *(f"scratch/{index:04}" for index in range(10)),
)
MEMORY, TIME_LIMIT = 500, 60
"""MB that no process may ever take, and seconds that no answer may take."""


def write_room(root: Path) -> Path:
    """Datasets: `small` of two categories of five images, `wide` of many images, `large` of two."""
    write_dataset(root / "small", {"part": small_case(), "other": small_case(seed=1)})
    wide = Case(SIZE, config={1: (1.0, True)})
    for key in ("dent/0000", *WIDE_KEYS):
        wide.regions[key] = [] if key.startswith("good") else [np.eye(12, 20, dtype=bool)]
        wide.values[key] = [1 for _ in wide.regions[key]]
    write_dataset(root / "wide", {"part": wide})
    large = Case((1000, 750), regions={"good/0000": [], "good/0001": []})
    large.values = {key: [] for key in large.regions}
    write_dataset(root / "large", {"part": large})
    return root


@dataclass
class Room:
    """A test's own folder, with the maps that a hostile archive is made around."""

    datasets: Path
    root: Path
    limits: Limits = DEFAULT_LIMITS
    dataset: str = "small"

    def maps(self, dtype: str = "uint8") -> dict[str, np.ndarray]:
        """Member name without extension -> values; the same numbers whatever the type."""
        return {
            f"part/test/{key}": (array // 2).astype(dtype)
            for key, array in small_case().maps.items()
        }

    def files(self, extension: str = ".png", dtype: str = "uint8") -> dict[str, bytes]:
        """Plain maps: member name -> bytes."""
        maps = self.maps(dtype).items()
        return {f"{name}{extension}": encode(array, extension) for name, array in maps}

    def zip(self, files: Mapping[str, bytes], name: str = "maps.zip") -> Path:
        return write_zip(self.root / name, files)

    def tar(self, files: Mapping[str, bytes], name: str = "maps.tar") -> Path:
        return write_tar(self.root / name, files)

    def raw(self, name: str, *parts: bytes) -> Path:
        path = self.root / name
        with path.open("wb") as file:
            file.writelines(parts)
        return path

    def outcome(self, archive: Path) -> str | list[str]:
        """The report as text, or the lines of the refusal: the same from validating and scoring.

        Asserts that both together took no more memory and time than anything may.
        """
        lines = []
        with measured() as taken:
            for command in (validate, score):
                try:
                    report = command(self.datasets / self.dataset, archive, limits=self.limits)
                except Refused as refused:
                    lines.append(refused.lines())
                else:
                    lines.append([])
        assert lines[0] == lines[1]
        assert taken.grown < MEMORY, "what else the tests hold is not the scorer's"
        assert taken.decoders < MEMORY
        assert taken.seconds < TIME_LIMIT
        return lines[0] or report.dumps()


Build = Callable[[Room], Path]
Write = Callable[[np.ndarray], bytes]


@dataclass(frozen=True)
class HostileCase:
    """An archive, and either the lines of its refusal or the type of its plain twin's maps."""

    name: str
    build: Build
    lines: tuple[str, ...] = ()
    twin: str | None = None
    factor: float = 1.0
    """The maps' values are those of the twin times this."""


@dataclass(frozen=True)
class HostileMap:
    """One map's bytes, and the line that it is refused with, without its name."""

    name: str
    build: Callable[[], bytes]
    extension: str
    line: str


@dataclass(frozen=True)
class HostileName:
    """A member's name, and the line that it is refused with."""

    name: bytes
    line: str
    in_tar: bool


@dataclass
class Corpus:
    """Cases in the order of their definition; each is one small function."""

    cases: list[HostileCase] = field(default_factory=list)
    maps: list[HostileMap] = field(default_factory=list)
    names: list[HostileName] = field(default_factory=list)

    def refused(self, *lines: str) -> Callable[[Build], Build]:
        """The archive is refused with exactly these lines; a line may end with * for any rest."""

        def add(build: Build) -> Build:
            self.cases.append(HostileCase(build.__name__, build, lines))
            return build

        return add

    def accepted(self, twin: str = "uint8", factor: float = 1.0) -> Callable[[Build], Build]:
        """The archive scores, byte for byte, as plain maps of type `twin` do."""

        def add(build: Build) -> Build:
            self.cases.append(HostileCase(build.__name__, build, twin=twin, factor=factor))
            return build

        return add

    def refused_map(self, extension: str, line: str) -> Callable:
        """One map is refused with this line."""

        def add(build: Callable[[], bytes]) -> Callable[[], bytes]:
            self.maps.append(HostileMap(build.__name__, build, extension, line))
            return build

        return add

    def odd(
        self, extension: str, dtype: str = "uint8", factor: float = 1.0
    ) -> Callable[[Write], Write]:
        """An archive with all its maps written this way scores as plain maps of this type do."""

        def add(write: Write) -> Write:
            def build(room: Room) -> Path:
                maps = room.maps(dtype).items()
                return room.zip({f"{name}{extension}": write(array) for name, array in maps})

            build.__name__ = write.__name__
            self.accepted(dtype, factor)(build)
            return write

        return add


def large(room: Room, data: bytes, extension: str = ".tiff", plain: bytes | None = None) -> Path:
    """Two maps of 1000x750 pixels, where files of megabytes are taken; one is this.

    The other is a black PNG, or `plain` with the same extension.
    """
    room.dataset = "large"
    first = ".png" if plain is None else extension
    other = craft.png_file(1000, 750) if plain is None else plain
    return room.zip({f"part/test/good/0000{first}": other, f"part/test/good/0001{extension}": data})


def agrees(line: str, expected: str) -> bool:
    """Whether a line is the expected one; * at its end stands for words of other libraries."""
    if expected.endswith("*"):
        return line.startswith(expected[:-1])
    return line == expected


@functools.cache
def plain_report(datasets: Path, dtype: str, factor: float = 1.0) -> str:
    """The report of plain maps of this type, as NPY files in a plain zip.

    With a factor it is that of all maps multiplied by it: only one threshold differs.
    """
    if factor != 1:
        report = json.loads(plain_report(datasets, dtype))
        report["categories"]["part"]["image_f1_max_threshold"] *= factor
        return json.dumps(report, indent=1) + "\n"
    room = Room(datasets, datasets)
    text = room.outcome(room.zip(room.files(".npy", dtype), f"plain_{dtype}.zip"))
    assert isinstance(text, str)
    assert json.loads(text)["categories"]["part"]["image_auroc"] is not None
    return text
