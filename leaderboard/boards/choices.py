"""The metric choices over a board's table: links that change one part of the query."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.boards.board import Board
from leaderboard.boards.metrics import default_point, main_metrics, more_metrics
from scoring.registry import Metric, MetricPoint


@dataclass(frozen=True)
class Choice:
    """One link of a segmented control."""

    label: str
    title: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class MetricChoices:
    """The main metrics side by side, and the others behind "More"."""

    main: tuple[Choice, ...]
    more: tuple[Choice, ...]

    @property
    def other(self) -> Choice | None:
        """The chosen metric where it is one of the others."""
        return next((choice for choice in self.more if choice.is_current), None)


def metric_choices(board: Board) -> MetricChoices:
    """All metrics that the board has."""
    return MetricChoices(
        tuple(_metric(board, metric) for metric in main_metrics()),
        tuple(_metric(board, metric) for metric in more_metrics(board.version)),
    )


def point_choices(board: Board) -> tuple[Choice, ...]:
    """The operating points of the chosen metric; none where it is a single number."""
    metric = board.query.point.metric
    return tuple(
        Choice(
            f"{float(point) * 100:g} %",
            MetricPoint(metric, point).name,
            _link(board, MetricPoint(metric, point).key),
            point == board.query.point.point,
        )
        for point in metric.points
    )


def _metric(board: Board, metric: Metric) -> Choice:
    current = board.query.point.metric == metric
    title = f"{metric.name}: {metric.definition}"
    return Choice(metric.short, title, _link(board, default_point(metric)), current)


def _link(board: Board, key: str) -> str:
    """Another metric, the same filters; an order by a metric's column would no longer fit."""
    return board.query.link(metric=key, sort="" if board.category else board.query.sort)
