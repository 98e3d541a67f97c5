"""Which member of an archive is the map of which test image.

Accepted: ``[top/][run_<k>/]<category>/test/<folder>/<image_id>.<ext>``, with public ids in place
of ``<folder>/<image_id>`` where labels are hidden. See docs/submitting.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from scoring.archive import Member, same_file_key
from scoring.errors import DatasetError, Problems, printable
from scoring.limits import DEFAULT_LIMITS, Limits
from scoring.manifest import CategoryManifest, Manifest

EXTENSIONS = (".png", ".tif", ".tiff", ".npy")
SINGLE_RUN = "run_0"
"""Name of the one run of an archive without run folders."""

METADATA_NAME = "submission.json"
SCORES_NAME = "image_scores.csv"
_RUN = re.compile(r"run_(0|[1-9][0-9]{0,3})")


@dataclass
class Layout:
    """An archive's maps, by run, category and image key (``<folder>/<image_id>``)."""

    runs: dict[str, dict[str, dict[str, Member]]]
    scores: dict[str, Member] = field(default_factory=dict)
    """`image_scores.csv` by run."""
    metadata: Member | None = None
    """`submission.json`."""

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(next(iter(self.runs.values()))) if self.runs else ()

    @property
    def n_maps(self) -> int:
        return sum(len(maps) for run in self.runs.values() for maps in run.values())


@dataclass(frozen=True)
class _Placed:
    member: Member
    run: str | None
    rest: tuple[str, ...]


def match(
    members: Iterable[Member],
    manifest: Manifest,
    categories: Collection[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    problems: Problems | None = None,
) -> Layout:
    """Find each test image's map, as far as the members allow.

    Parameters
    ----------
    categories : collection of str, optional
        Only these; the archive's others are ignored. By default all that the archive holds.
    problems : Problems, optional
        Where to note every missing, extra, duplicated or misplaced member.

    Raises
    ------
    Refused
        With these, if no `problems` are given.
    DatasetError
        If `categories` names one that the dataset does not have.
    """
    wanted = _wanted(manifest, categories)
    noted = Problems() if problems is None else problems
    placed = _place(_strip_top(list(members), manifest), noted)
    layout = Layout({})
    maps = _assign(placed, layout, manifest, wanted, strict=categories is None, problems=noted)
    for run, member in layout.scores.items():
        if maps and run not in maps:
            noted.add(member.name, "stands in a run without maps")
    _check_runs(maps, wanted if categories else None, limits, noted)
    for run in sorted(maps, key=_run_number):
        layout.runs[run] = {}
        for category in sorted(maps[run]):
            found = maps[run][category]
            layout.runs[run][category] = _check_images(
                found, manifest.categories[category], run, noted
            )
    if problems is None:
        noted.raise_if_any()
    return layout


def _wanted(manifest: Manifest, categories: Collection[str] | None) -> set[str]:
    if categories is None:
        return set(manifest.categories)
    for category in categories:
        if category not in manifest.categories:
            known = ", ".join(manifest.categories)
            raise DatasetError(
                f"{category}: the dataset has no such category; expected one of {known}"
            )
    return set(categories)


def _strip_top(members: list[Member], manifest: Manifest) -> list[tuple[Member, tuple[str, ...]]]:
    """Drop one common first folder, unless it is a category or a run."""
    split = [(member, tuple(member.name.split("/"))) for member in members]
    tops = {parts[0] for _, parts in split}
    if len(tops) == 1:
        (top,) = tops
        nested = all(len(parts) > 1 for _, parts in split)
        if nested and top not in manifest.categories and not _RUN.fullmatch(top):
            return [(member, parts[1:]) for member, parts in split]
    return split


def _place(split: list[tuple[Member, tuple[str, ...]]], problems: Problems) -> list[_Placed]:
    placed: list[_Placed] = []
    seen: dict[str, str] = {}
    for member, parts in split:
        key = same_file_key("/".join(parts))
        if key in seen:
            problems.add(member.name, f"is a duplicate of {printable(seen[key])}")
            continue
        seen[key] = member.name
        run = parts[0] if len(parts) > 1 and _RUN.fullmatch(parts[0]) else None
        placed.append(_Placed(member, run, parts[1:] if run else parts))
    bare = [item for item in placed if item.run is None and item.rest != (METADATA_NAME,)]
    if bare and any(item.run for item in placed):
        problems.add(
            bare[0].member.name, "stands beside run folders; expected all maps in run_<k>/, or none"
        )
    return placed


_Maps = dict[str, dict[str, list[tuple[str, Member]]]]


def _assign(
    placed: list[_Placed],
    layout: Layout,
    manifest: Manifest,
    wanted: set[str],
    *,
    strict: bool,
    problems: Problems,
) -> _Maps:
    maps: _Maps = defaultdict(lambda: defaultdict(list))
    unknown: dict[str, list[Member]] = defaultdict(list)
    for item in placed:
        run, rest, member = item.run or SINGLE_RUN, item.rest, item.member
        if rest == (METADATA_NAME,) and item.run is None:
            layout.metadata = member
        elif rest == (SCORES_NAME,):
            layout.scores.setdefault(run, member)
        elif len(rest) > 1 and rest[0] not in manifest.categories:
            unknown[rest[0]].append(member)
        elif len(rest) > 1 and rest[0] not in wanted:
            continue
        elif (key := _image_key(rest, manifest)) is None:
            problems.add(member.name, f"is not expected here; expected {_pattern(rest, manifest)}")
        else:
            maps[run][rest[0]].append((key, member))
    if strict:
        known = ", ".join(manifest.categories)
        for name, members in unknown.items():
            problems.add(
                members[0].name,
                f"{name!r} is no category of this dataset ({len(members)} such files); "
                f"expected {known}",
            )
    return maps


def _image_key(rest: tuple[str, ...], manifest: Manifest) -> str | None:
    """The image key that a path within its run stands for, or None."""
    if len(rest) < 3 or rest[1] != "test":
        return None
    stem, dot, extension = rest[-1].rpartition(".")
    depth = 3 if manifest.categories[rest[0]].flat else 4
    if not stem or f"{dot}{extension}".lower() not in EXTENSIONS or len(rest) != depth:
        return None
    return "/".join((*rest[2:-1], stem))


def _pattern(rest: tuple[str, ...], manifest: Manifest) -> str:
    category = manifest.categories.get(rest[0])
    inner = "<public_id>" if category is not None and category.flat else "<folder>/<image_id>"
    return f"<category>/test/{inner}{{{','.join(EXTENSIONS)}}}, {SCORES_NAME} or {METADATA_NAME}"


def _run_number(run: str) -> int:
    return int(run.removeprefix("run_"))


def _check_runs(maps: _Maps, wanted: set[str] | None, limits: Limits, problems: Problems) -> None:
    if not maps:
        problems.add(
            problems.archive, "holds no map; expected <category>/test/<folder>/<image_id>.png"
        )
        return
    if len(maps) > limits.runs:
        problems.add(problems.archive, f"holds {len(maps)} runs; at most {limits.runs} are taken")
        problems.raise_if_any()  # every run's missing images would be as many more
    everywhere = wanted or {category for run in maps.values() for category in run}
    for run in sorted(maps, key=_run_number):
        for category in sorted(everywhere - set(maps[run])):
            where = "the archive" if len(maps) == 1 else run
            problems.add(
                category, f"is missing from {where}; expected the same categories in every run"
            )


def _check_images(
    found: list[tuple[str, Member]],
    category: CategoryManifest,
    run: str,
    problems: Problems,
) -> dict[str, Member]:
    maps: dict[str, Member] = {}
    for key, member in found:
        if key not in category.images:
            problems.add(member.name, f"belongs to no test image of {category.name}")
        elif key in maps:
            problems.add(
                member.name, f"is a second map of one image, beside {printable(maps[key].name)}"
            )
        else:
            maps[key] = member
    for key in category.images:
        if key not in maps:
            name = (
                f"{category.name}/test/{key}"
                if run == SINGLE_RUN
                else f"{run}/{category.name}/test/{key}"
            )
            problems.add(name, "is missing; expected one map for each test image")
    return {key: maps[key] for key in category.images if key in maps}
