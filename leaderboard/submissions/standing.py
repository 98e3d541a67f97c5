"""On which scorer version a submission stands: the one rule of its page and of the boards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from leaderboard.submissions.models import Score


def current_scores(scores: Iterable[Score]) -> tuple[str, list[Score]]:
    """The scorer version a submission stands on, and its scores of that version.

    That is the version that covers most of the submission, the newest one of
    those: a re-scoring takes over when it is complete.
    """
    by_version: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        by_version[score.scorer_version].append(score)
    if not by_version:
        return "", []

    def coverage(version: str) -> tuple[int, object]:
        rows = by_version[version]
        return len(rows), max(row.created for row in rows)

    chosen = max(by_version, key=coverage)
    return chosen, by_version[chosen]
