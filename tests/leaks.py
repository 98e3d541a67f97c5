"""What must not be told of a dataset with hidden labels, and how to find it in an answer."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LABEL_WORDS = re.compile(r"\b(good|bad|anomal\w*|normal|defect\w*|label \w+|region\w*)\b", re.I)
PUBLISHED = ("image_auroc", "image_ap", "tpr_at_tnr", "au_spro")
_TIMES = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d[.\d]*\S*)?|\d\d?:\d\d(:\d\d(\.\d+)?)?")
_DRAWINGS = re.compile(r"<svg.*?</svg>", re.DOTALL)
_SIZES = re.compile(r"\d[\d.,]*\s*([KMG]B|bytes)")
_DECIMAL = re.compile(r"(?<![\w.])\d+\.(\d+)(?:e[+-]?\d+)?(?![\w.])")


@dataclass(frozen=True)
class Secrets:
    """Names, counts and values that no answer may hold."""

    names: frozenset[str]
    """Folders, original image ids, defects: random, so that finding one is no accident."""
    counts: frozenset[int]
    values: frozenset[float]
    """Every number of every run's report, and their exact means and stds over runs."""
    told: frozenset[float]
    """What the board publishes: means and stds over runs, rounded to 0.1 %."""
    public_ids: frozenset[str]
    _coarse: frozenset[float] = field(init=False)

    def __post_init__(self) -> None:
        coarse = {round(value, 3) for value in self.values} - self.told
        # 0.5, 0.95 and their like stand on pages for other reasons.
        fine = {value for value in coarse if round(value, 2) != value}
        object.__setattr__(self, "_coarse", frozenset(fine))


def find(text: str, secrets: Secrets, *, ids_allowed: bool = False) -> list[str]:
    """What of the secrets stands in ``text``; empty where nothing does."""
    found = [f"name {name}" for name in secrets.names if name in text]
    plain = _SIZES.sub(" ", _TIMES.sub(" ", _DRAWINGS.sub(" ", text)))
    found += [f"count {count}" for count in secrets.counts if _whole_number(count, plain)]
    found += _values(plain, secrets)
    found += _ids(text, secrets, ids_allowed)
    return found


def in_bytes(data: bytes, secrets: Secrets) -> list[str]:
    """Names that stand in a file of another kind than text."""
    return [f"name {name}" for name in secrets.names if name.encode() in data]


def values_of(reports: Mapping[tuple[str, str], Mapping[str, Any]]) -> frozenset[float]:
    """All fractions of all reports by (run, category), single and over runs."""
    by_place: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for (_, category), report in sorted(reports.items()):
        for place, value in _leaves(report):
            by_place[(category, *place)].append(value)
    found: set[float] = set()
    for values in by_place.values():
        found.update(values)
        if len(values) > 1:
            found |= {statistics.fmean(values), statistics.stdev(values)}
    return frozenset(found - {0.0, 1.0})


def told_of(reports: Mapping[tuple[str, str], Mapping[str, Any]]) -> frozenset[float]:
    """What SPEC's hidden board publishes of the reports: computed here by hand, once more."""
    runs: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for (_, category), report in sorted(reports.items()):
        for place, value in _leaves(report):
            if place[0] in PUBLISHED:
                runs[(*place, category)].append(value)
    told: set[float] = set()
    means: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for place, values in runs.items():
        means[place[:-1]].append(round(statistics.fmean(values), 3))
        told |= {means[place[:-1]][-1], round(statistics.stdev(values), 3)}
    for over_categories in means.values():
        told |= {round(statistics.fmean(over_categories), 3)}
        told |= {round(statistics.pstdev(over_categories), 3)}
    return frozenset(told)


def _leaves(node: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, (*place, str(key)))
    elif isinstance(node, float):
        yield place, node


def _whole_number(count: int, text: str) -> bool:
    return bool(re.search(rf"(?<![\w#-])(?<!\d[.,]){count}(?![\w%-])(?![.,]\d)", text))


def _values(text: str, secrets: Secrets) -> Iterable[str]:
    for match in _DECIMAL.finditer(text):
        number, digits = float(match[0]), len(match[1])
        if len(match[0].replace(".", "").lstrip("0")) < 3:
            continue  # 0.95 and its like are operating points
        if number in secrets.told:
            continue
        for value, places in ((number, digits), (number / 100, digits + 2)):
            if places > 3 and any(abs(value - s) <= 0.5 * 10**-places for s in secrets.values):
                yield f"value {match[0]}, finer than 0.1 %"
            if places <= 3 and round(value, 3) in secrets._coarse:
                yield f"value {match[0]}, of a single run or of a metric that is kept back"


def _ids(text: str, secrets: Secrets, allowed: bool) -> Iterable[str]:
    for match in re.finditer(r"\btest/(\d{4})\b|\b(\d{4})\.png\b", text):
        if (match[1] or match[2]) not in secrets.public_ids:
            continue
        beside = re.sub(r"<[^>]*>", " ", text[match.start() : match.end() + 120])
        if not allowed:
            yield f"public id {match[0]}"
        elif LABEL_WORDS.search(beside):
            yield f"public id {match[0]} beside {beside!r}"
