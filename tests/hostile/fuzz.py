"""Sends mutated maps, archives and tables to the scorer, in a process whose memory is its own.

`python -m tests.hostile.fuzz SEED MAPS ARCHIVES TEXTS` prints what came of them as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scoring import Refused, score, validate
from tests.hostile import craft
from tests.hostile.conftest import child_processes
from tests.hostile.corpus import KEYS, WIDE_KEYS, Room, write_room
from tests.hostile.mutants import SEEDS, Random, mutated_archive, mutated_map, mutated_texts
from tests.hostile.probes import measured

_TWICE = 5  # of so many archives, one is scored again by two processes, for the same report
_ROUNDS = 3
SOUND = "part/test/dent/0000.npy"
"""The first map, from which the scorer takes the type of all."""


@dataclass
class Figures:
    """What came of it. Memory in MB, time in seconds.

    Attributes
    ----------
    accepted, refused : dict of str to int
        Mutants by what was changed and how; one mutant has several of these kinds.
    scored : int
        Archives for which there was a report, of `archives_sent`.
    """

    seed: int
    maps: int = 0
    archives: int = 0
    texts: int = 0
    archives_sent: int = 0
    scored: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    decoders_lost: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    memory: int = 0
    decoder_memory: int = 0

    def count(self, kinds: Iterable[str], *, accepted: bool) -> None:
        """One mutant of these kinds."""
        (self.accepted if accepted else self.refused).update(("all", *kinds))


class Fuzzer:
    """Mutated archives, one after the other; whatever is not an answer is raised."""

    def __init__(self, seed: int, root: Path) -> None:
        self.figures = Figures(seed)
        self._rng = Random(seed)
        self._datasets = write_room(root / "datasets")
        self._room = Room(self._datasets, root)
        self._spool = root / "spool"
        self._spool.mkdir()
        tempfile.tempdir = str(self._spool)

    def maps(self, count: int) -> None:
        """So many mutated maps, many in one archive; those that are refused do not keep the
        others from being scored: sound ones take their places."""
        while self.figures.maps < count:
            dtype = self._rng.choice(sorted(SEEDS))
            sound = SEEDS[dtype][-1][1]
            members, kinds = {SOUND: sound}, {}
            for key in WIDE_KEYS:
                self._rng.forget()
                extension, data = mutated_map(self._rng, dtype)
                name = f"part/test/{key}{extension}"
                members[name], kinds[name] = data, self._rng.kinds
            self.figures.maps += len(kinds)
            self._replace_until_scored(members, kinds, sound)

    def _replace_until_scored(
        self, members: dict[str, bytes], kinds: dict[str, set[str]], sound: bytes
    ) -> None:
        for _ in range(_ROUNDS):
            problems = self._send(craft.zip_file(craft.entries(members)), "wide")
            if not problems:
                break
            for name in {line.partition(": ")[0] for line in problems}:
                self.figures.count(kinds.pop(name), accepted=False)
                del members[name]
                members[f"{name.rpartition('.')[0]}.npy"] = sound
        else:
            raise AssertionError(f"still refused without those that were: {problems}")
        for of_one in kinds.values():
            self.figures.count(of_one, accepted=True)

    def archives(self, count: int) -> None:
        """So many mutated archives of sound maps."""
        files = self._room.files()
        for _ in range(count):
            self.figures.archives += 1
            self._rng.forget()
            problems = self._send(mutated_archive(files, self._rng), "small")
            self.figures.count(self._rng.kinds, accepted=not problems)

    def texts(self, count: int) -> None:
        """So many mutated tables and descriptions beside sound maps."""
        rows = "".join(f"part,{key},{index}.5\n" for index, key in enumerate(KEYS))
        told = {"method": "PatchCore", "seed": 1, "image_size": [20, 12], "note": "é"}
        texts = {
            "image_scores.csv": f"category,image,score\n{rows}".encode(),
            "submission.json": json.dumps(told).encode(),
        }
        for _ in range(count):
            self.figures.texts += 1
            self._rng.forget()
            files = {**self._room.files(), **mutated_texts(texts, self._rng)}
            problems = self._send(craft.zip_file(craft.entries(files)), "small")
            self.figures.count(self._rng.kinds, accepted=not problems)

    def _send(self, data: bytes, dataset: str) -> list[str]:
        """The lines of the refusal; none where it was scored."""
        archive, folder = self._room.raw("maps", data), self._datasets / dataset
        self.figures.archives_sent += 1
        problems, _ = self._answer(validate, folder, archive)
        self._note(problems)
        again = self.figures.archives_sent % _TWICE == 0
        if problems and not again:
            return problems
        told, report = self._answer(score, folder, archive)
        assert told == problems, (told, problems)
        self.figures.scored += report is not None
        if again:
            assert self._answer(score, folder, archive, jobs=2) == (told, report)
        return problems

    def _answer(self, command, folder: Path, archive: Path, **options) -> tuple[list[str], object]:
        before, start = self._leftovers(), time.monotonic()
        try:
            answer = command(folder, archive, **options)
        except Refused as refused:
            lines, told = refused.lines(), None
        else:
            lines, told = [], answer.dumps() if command is score else answer
        self.figures.slowest = max(self.figures.slowest, time.monotonic() - start)
        assert self._leftovers() == before
        return lines, told

    def _note(self, lines: list[str]) -> None:
        for line in lines:
            assert line.isprintable(), line
            assert "the decoder ended with status" not in line, "it raised what it should not"
            self.figures.decoders_lost += "the decoder " in line

    def _leftovers(self) -> tuple[object, ...]:
        return (
            os.listdir(),
            list(self._spool.iterdir()),
            child_processes(),
            len(os.listdir("/proc/self/fd")),
        )


def run(seed: int, maps: int, archives: int, texts: int) -> Figures:
    """The figures of a run; raises whatever the scorer raised."""
    with tempfile.TemporaryDirectory() as root, measured() as taken:
        fuzzer = Fuzzer(seed, Path(root))
        fuzzer.maps(maps)
        fuzzer.archives(archives)
        fuzzer.texts(texts)
    figures = fuzzer.figures
    figures.seconds, figures.memory = taken.seconds, taken.peak
    figures.decoder_memory = taken.decoders
    return figures


if __name__ == "__main__":
    print(json.dumps(vars(run(*map(int, sys.argv[1:5])))))
