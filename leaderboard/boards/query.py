"""What a reader asked a board for: all of it stands in the query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from leaderboard.boards.metrics import DEFAULT
from scoring.registry import BY_FLAT_KEY, MetricPoint

KINDS = ("reported", "submitted")


@dataclass(frozen=True)
class BoardQuery:
    """Metric, order and filters; its defaults are left out of links."""

    metric: str = DEFAULT
    sort: str = ""
    """A sort key of the table, ``-`` before it for descending; empty for rank order."""
    kind: str = ""
    family: str = ""

    @property
    def point(self) -> MetricPoint:
        return BY_FLAT_KEY[self.metric]

    @property
    def is_filtered(self) -> bool:
        return bool(self.kind or self.family)

    @property
    def sort_key(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def link_elsewhere(self) -> str:
        """The query string for another category: its columns differ, so the order goes."""
        link = self.link(sort="")
        return "" if link == "?" else link

    @property
    def link_unfiltered(self) -> str:
        return self.link(kind="", family="")

    @property
    def permalink(self) -> str:
        """The query string with the metric even where it is the default, which may change."""
        given = {"metric": self.metric, **self._given()}
        return "?" + urlencode(given, safe="@")

    def link(self, **changes: str) -> str:
        """The query string of this query with some of it changed, from ``?`` on."""
        given = replace(self, **changes)._given()
        return "?" + urlencode(given, safe="@") if given else "?"

    def _given(self) -> dict[str, str]:
        """What differs from the defaults."""
        return {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        }


def parse(parameters: Mapping[str, str], allowed: frozenset[str]) -> BoardQuery:
    """Read a query string.

    Raises LookupError for a metric or kind that the board does not have: a
    permalink never silently shows something else. ``make_board`` looks at the
    order, whose keys are the table's columns.
    """
    metric = parameters.get("metric") or DEFAULT
    if metric not in allowed:
        raise LookupError(f"metric {metric[:60]!r}; the board has {', '.join(sorted(allowed))}")
    kind = parameters.get("kind", "")
    if kind and kind not in KINDS:
        raise LookupError(f"kind {kind[:60]!r}; there are {', '.join(KINDS)}")
    return BoardQuery(
        metric=metric,
        sort=parameters.get("sort", "")[:120],
        kind=kind,
        family=parameters.get("family", "")[:60],
    )
