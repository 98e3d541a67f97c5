"""One archive and one dataset in, one report out.

`validate` and `score` share every check of the maps; only `score` opens ground truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring import image_scores
from scoring.archive import Archive, Member, open_archive
from scoring.errors import DatasetError, MapError, Problems
from scoring.ground_truth import CategoryTruth, read_truth
from scoring.layout import match
from scoring.limits import DEFAULT_LIMITS, Limits
from scoring.manifest import CategoryManifest, Manifest, read_manifest
from scoring.report import CategoryResult, Report, category_result
from scoring.sandbox import Decoded, DecoderPool, Request
from scoring.spro import CellCounter, ValueCounter

Progress = Callable[[int, int], None]
"""Called after every map with (maps done, maps in all)."""

_TAR_HEADER_BYTES = 4_096
"""Header, padding and a long name of one tar entry."""

_DECODE_BYTES_A_PIXEL = 160
"""What the largest map allowed takes at its worst: file, pixels, their check and the resize."""


@dataclass(frozen=True)
class Contents:
    """What a validated archive holds.

    Attributes
    ----------
    runs, categories : tuple of str
    n_maps : int
        Maps in all runs together.
    metadata : dict
        `submission.json`, or empty.
    """

    runs: tuple[str, ...]
    categories: tuple[str, ...]
    n_maps: int
    metadata: dict[str, Any] = field(default_factory=dict)


def validate(
    dataset: Path,
    maps: Path,
    *,
    categories: Collection[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Contents:
    """Check everything that scoring would check, without opening ground truth.

    `name` is what the archive is called in problem lines; by default its file's name.

    Raises
    ------
    Refused
        With one line for each problem.
    DatasetError
        If the dataset itself cannot be read.
    """
    manifest = read_manifest(dataset)
    problems = Problems(name or Path(maps).name)
    with open_archive(maps, _spool_bound(limits, manifest), problems) as archive:
        upload = _Upload(archive, manifest, categories, limits, progress, problems)
        with upload.decoders(jobs) as pool:
            for run, category in upload.parts():
                upload.check(pool, run, category)
        upload.problems.raise_if_any()
        return upload.contents


def score(
    dataset: Path,
    maps: Path,
    *,
    categories: Collection[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Report:
    """Score all runs and categories of an archive.

    Equal input gives an equal report, whatever `jobs`. Raises as `validate` does; then nothing
    was scored.
    """
    manifest = read_manifest(dataset)
    problems = Problems(name or Path(maps).name)
    with open_archive(maps, _spool_bound(limits, manifest), problems) as archive:
        upload = _Upload(archive, manifest, categories, limits, progress, problems)
        truths = {c: read_truth(manifest.categories[c]) for c in upload.layout.categories}
        results: dict[str, dict[str, CategoryResult]] = {run: {} for run in upload.layout.runs}
        with upload.decoders(jobs) as pool:
            for run, category in upload.parts():
                if upload.problems:
                    upload.check(pool, run, category)
                else:
                    result = upload.score(pool, run, truths[category])
                    if result is not None:
                        results[run][category] = result
        upload.problems.raise_if_any()
        return Report(results, tuple(manifest.categories), upload.contents.metadata)


def score_category(
    dataset: Path,
    maps: Path,
    run: str,
    category: str,
    *,
    truth: CategoryTruth | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
    name: str | None = None,
) -> CategoryResult:
    """Score one category of one run: one job of the site. Raises as `score` does.

    With `truth`, from a private pack, `dataset` may be a public pack. Where the pack's ids are
    opaque, neither the order of the first decodings nor the number of all depends on a label.
    """
    manifest = read_manifest(dataset)
    problems = Problems(name or Path(maps).name)
    with open_archive(maps, _spool_bound(limits, manifest), problems) as archive:
        upload = _Upload(archive, manifest, [category], limits, progress, problems, only_run=run)
        upload.problems.raise_if_any()
        if truth is None:
            truth = read_truth(manifest.categories[category])
        upload.require_same_images(truth)
        with upload.decoders(1) as pool:
            result = upload.score(pool, run, truth)
        upload.problems.raise_if_any()
        assert result is not None
        return result


def _spool_bound(limits: Limits, manifest: Manifest) -> Limits:
    """The limits, with room for a compressed tar of all runs and no more."""
    images = (size for c in manifest.categories.values() for size in c.images.values())
    one_run = sum(limits.map_bytes(size) + _TAR_HEADER_BYTES for size in images)
    wanted = limits.runs * one_run + limits.members * _TAR_HEADER_BYTES // 100
    return replace(limits, spool_bytes=min(limits.spool_bytes, wanted))


class _MixedTypes(Exception):
    """Some maps of the category were resized to float32: all are to be counted as floats."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


class _Upload:
    """An archive matched to a dataset, and the problems found in it so far."""

    def __init__(
        self,
        archive: Archive,
        manifest: Manifest,
        categories: Collection[str] | None,
        limits: Limits,
        progress: Progress | None,
        problems: Problems,
        only_run: str | None = None,
    ) -> None:
        self.problems = problems
        self.layout = match(archive.members, manifest, categories, limits, problems)
        if not self.layout.runs:
            problems.raise_if_any()
        if only_run is not None:
            self._keep_run(only_run)
        self._archive = archive
        self._manifest = manifest
        self._limits = limits
        self._progress = progress
        self._done = 0
        self.contents = self._contents()
        self._scores = self._read_scores()

    def _keep_run(self, run: str) -> None:
        if run not in self.layout.runs:
            raise DatasetError(
                f"{run}: the archive has no such run; it has {', '.join(self.layout.runs)}"
            )
        self.layout.runs = {run: self.layout.runs[run]}

    def _contents(self) -> Contents:
        layout = self.layout
        metadata: dict[str, Any] = {}
        if layout.metadata is not None:
            metadata = self._read_metadata(layout.metadata)
        return Contents(tuple(layout.runs), layout.categories, layout.n_maps, metadata)

    def _read_metadata(self, member: Member) -> dict[str, Any]:
        try:
            metadata = json.loads(
                member.read(self._archive.fd, self._limits.text_bytes).decode("utf-8")
            )
            text = json.dumps(metadata, allow_nan=False, ensure_ascii=False)
            text.encode("utf-8")  # half a surrogate pair cannot be stored, nor can what follows
            if "\\u0000" in text:
                raise ValueError("holds a NUL character")
        except (MapError, ValueError, RecursionError) as error:
            self.problems.add(member.name, f"cannot be read ({error}); expected a JSON object")
            return {}
        if not isinstance(metadata, dict):
            self.problems.add(member.name, "is no JSON object")
            return {}
        return metadata

    def _read_scores(self) -> dict[str, dict[str, dict[str, float]]]:
        """`image_scores.csv` of each run: category -> image -> score."""
        return {
            run: image_scores.read(
                member, self._archive.fd, self._manifest, set(self.layout.categories), self.problems
            )
            for run, member in self.layout.scores.items()
            if run in self.layout.runs
        }

    def decoders(self, jobs: int) -> DecoderPool:
        """The processes that decode this archive's maps."""
        held = {category for maps in self.layout.runs.values() for category in maps}
        sizes = (size for category in held for size in self._category(category).images.values())
        largest = max(width * height for width, height in sizes)
        memory = max(self._limits.decode_memory, _DECODE_BYTES_A_PIXEL * largest)
        limits = replace(self._limits, decode_memory=memory)
        return DecoderPool(self._archive.fd, largest, jobs, limits)

    def parts(self) -> Iterator[tuple[str, str]]:
        """All (run, category)."""
        return ((run, category) for run, maps in self.layout.runs.items() for category in maps)

    def _category(self, name: str) -> CategoryManifest:
        return self._manifest.categories[name]

    def require_same_images(self, truth: CategoryTruth) -> None:
        """Raise DatasetError where the dataset and the ground truth are of different images."""
        known = {truth.public_id(key): size for key, size in truth.sizes.items()}
        if known != self._category(truth.name).images:
            raise DatasetError(
                f"{truth.name}: the dataset and its ground truth do not hold the same test images"
            )

    def _decode(
        self,
        pool: DecoderPool,
        run: str,
        category: str,
        keys: Iterable[str],
        truth: CategoryTruth | None = None,
    ) -> Iterator[Decoded]:
        """Decode images by key; with `truth`, keys are its own, which maps may know otherwise."""
        maps, sizes = self.layout.runs[run][category], self._category(category).images
        known = truth.public_id if truth is not None else str
        return pool.decode(Request(key, maps[known(key)], sizes[known(key)]) for key in keys)

    def _first_look(
        self,
        pool: DecoderPool,
        run: str,
        category: str,
        keys: Iterable[str],
        types: dict[str, str],
        truth: CategoryTruth | None = None,
    ) -> Iterator[Decoded]:
        """Decode maps for the first time: note problems, tell progress, yield the sound ones."""
        for decoded in self._decode(pool, run, category, keys, truth):
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self.layout.n_maps)
            member = decoded.request.member.name
            if decoded.problem is not None:
                self.problems.add(member, decoded.problem)
                continue
            expected = types.setdefault(category, decoded.dtype)
            if decoded.dtype != expected:
                self.problems.add(
                    member,
                    f"holds {decoded.dtype} values; expected {expected}, "
                    f"as in the other maps of {category}",
                )
                continue
            yield decoded

    def check(self, pool: DecoderPool, run: str, category: str) -> None:
        """Decode and check the maps of one category, without scoring."""
        for _ in self._first_look(pool, run, category, self.layout.runs[run][category], {}):
            pass

    def score(self, pool: DecoderPool, run: str, truth: CategoryTruth) -> CategoryResult | None:
        """Score one category of one run, or None if a problem was found in it."""
        done, problems = self._done, self.problems.copy()
        try:
            result = self._score_as(pool, run, truth, None)
        except _MixedTypes as mixed:
            self._done, self.problems = done, problems.copy()
            result = self._score_as(pool, run, truth, mixed.dtype)
        if result is None:  # tell it in the order of validating, which knows no label
            self._done, self.problems = done, problems
            self.check(pool, run, truth.name)
        return result

    def _score_as(
        self, pool: DecoderPool, run: str, truth: CategoryTruth, dtype: str | None
    ) -> CategoryResult | None:
        tally = _Tally(truth, dtype)
        types: dict[str, str] = {}
        first, rest, again = _passes(truth)
        for decoded in self._first_look(pool, run, truth.name, first, types, truth):
            tally.first_pass(decoded)
        if self.problems:
            return None
        tally.freeze()
        for decoded in self._first_look(pool, run, truth.name, rest, types, truth):
            tally.add(decoded)
        if self.problems:
            return None
        if tally.second_pass:
            kept = tally.add_kept()
            missing = [key for key in again if key not in kept]
            for decoded in self._decode(pool, run, truth.name, missing, truth):
                if decoded.problem is not None:
                    name = decoded.request.member.name
                    raise RuntimeError(f"{name}: decoded, but not again: {decoded.problem}")
                tally.add(decoded)
        scores = self._given_scores(run, truth) or tally.maxima
        return category_result(truth, scores, tally.counter(), tally.resized)

    def _given_scores(self, run: str, truth: CategoryTruth) -> dict[str, float] | None:
        """What `image_scores.csv` says of the category, by the truth's own keys."""
        given = self._scores.get(run, {}).get(truth.name)
        return given and {key: given[truth.public_id(key)] for key in truth.sizes}


def _passes(truth: CategoryTruth) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Keys to decode first, those only to count then, and those to decode again for floats.

    Only regions' values are needed ahead, so good images are decoded once. Where ids are opaque
    that would tell labels by the time that a slow map takes: all images are treated alike.
    """
    if truth.hidden:
        everything = sorted(truth.sizes, key=truth.public_id)
        return everything, (), (*truth.good, *truth.anomalous)
    return truth.anomalous, truth.good, truth.anomalous


class _Tally:
    """Counts, image scores and the number of resized maps of one category of one run."""

    def __init__(self, truth: CategoryTruth, dtype: str | None) -> None:
        self._truth = truth
        self._dtype = dtype
        self._counter: ValueCounter | CellCounter | None = None
        self.maxima: dict[str, float] = {}
        self.resized = 0

    @property
    def second_pass(self) -> bool:
        return self._counter is not None and self._counter.second_pass

    def counter(self) -> ValueCounter | CellCounter:
        if self._counter is None:  # no anomalous image: the first look had nothing to tell the type
            self._counter = self._make("uint8")
            self.freeze()
        return self._counter

    def _make(self, dtype: str) -> ValueCounter | CellCounter:
        self._dtype = dtype
        small = dtype in ("uint8", "uint16", "float16")
        return ValueCounter(self._truth, dtype) if small else CellCounter(self._truth, dtype)

    def _ready(self, decoded: Decoded) -> NDArray[Any]:
        """The map's values in the type that the whole category is counted in."""
        assert decoded.values is not None
        stored = decoded.values.dtype
        if self._counter is None:
            self._counter = self._make(self._dtype or stored.name)
            if not self._truth.anomalous:
                self.freeze()
        wanted = np.dtype(self._dtype)
        if stored == wanted:
            return decoded.values
        common = np.result_type(stored, wanted)
        if common != wanted:
            raise _MixedTypes(common.name)
        return decoded.values.astype(wanted)

    def _note(self, decoded: Decoded) -> None:
        self.maxima[decoded.request.key] = decoded.maximum
        self.resized += decoded.resized

    def first_pass(self, decoded: Decoded) -> None:
        """Take one anomalous image's map."""
        values = self._ready(decoded)
        self._note(decoded)
        if isinstance(self._counter, CellCounter):
            self._counter.collect(decoded.request.key, values)
        else:
            self.add(decoded)

    def freeze(self) -> None:
        """All anomalous images have been seen once."""
        if isinstance(self._counter, CellCounter):
            self._counter.freeze()

    def add_kept(self) -> frozenset[str]:
        """Count the maps kept from the first pass; returns their keys."""
        assert isinstance(self._counter, CellCounter)
        return self._counter.add_kept()

    def add(self, decoded: Decoded) -> None:
        """Count one map for good."""
        values = self._ready(decoded)
        if decoded.request.key not in self.maxima:
            self._note(decoded)
        assert self._counter is not None
        self._counter.add(decoded.request.key, values)
