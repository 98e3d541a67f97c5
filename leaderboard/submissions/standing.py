"""On which scorer version a submission stands: the one rule of its page and of the boards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from leaderboard.submissions.models import Score


def current_scores(scores: Iterable[Score], shown: str) -> tuple[str, list[Score]]:
    """The scorer version a submission stands on, and its scores of that version.

    That is the ``shown`` one of its board. One that has none of it stands on
    no board for now; its page shows the newest. All scores of a version are
    written at once, so there is never a part of them.
    """
    by_version: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        by_version[score.scorer_version].append(score)
    if not by_version:
        return "", []
    if shown in by_version:
        return shown, by_version[shown]
    newest = max(by_version, key=lambda version: max(row.created for row in by_version[version]))
    return newest, by_version[newest]
