"""The list of boards."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from leaderboard.datasets.models import DatasetVersion, Labels
from leaderboard.submissions.models import SHOWN, shown_scorer
from leaderboard.submissions.states import State


@dataclass(frozen=True)
class BoardCard:
    """What the list says of one board."""

    version: DatasetVersion
    categories: int
    test_images: int
    submitted: int
    reported: int


def board_cards() -> list[BoardCard]:
    """All current boards with the methods that stand on them; one query."""
    shown = Q(
        submissions__visibility__in=SHOWN,
        submissions__state=State.SCORED,
        submissions__scores__scorer_version=shown_scorer(),
    )
    versions = DatasetVersion.objects.current().annotate(
        submitted=Count("submissions__method", filter=shown, distinct=True),
        reported=Count("reported_scores__method", distinct=True),
    )
    return [
        BoardCard(
            version,
            len(version.categories),
            _test_images(version),
            version.submitted,
            version.reported,
        )
        for version in versions
    ]


def image_counts(version: DatasetVersion, category: str) -> str:
    """A category's images in words; by label only where the labels are public."""
    entry = version.manifest[category]
    train = f"{entry['train']} training images"
    if version.labels == Labels.HIDDEN:
        return f"{train}, {version.n_test(category)} test images"
    folders = "".join(f", {count} {folder}" for folder, count in entry["folders"].items())
    return f"{train}; test: {entry['good']} good{folders}"


def _test_images(version: DatasetVersion) -> int:
    return sum(version.n_test(category) for category in version.manifest)
