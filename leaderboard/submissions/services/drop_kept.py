"""Delete what private storage still keeps of submissions whose rows are gone."""

from __future__ import annotations

import logging
from uuid import UUID

from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions import hidden
from leaderboard.submissions.models import Submission

logger = logging.getLogger(__name__)


def drop_kept() -> int:
    """How many submissions' results were deleted; asked again, it finds none.

    The process that deletes a row may not open the private storage, so this
    looks for results without a row: one that was scored while its row went is
    found too. Raises GroundTruthClosed where there is something to look for
    and the storage is closed.
    """
    dropped = 0
    for version in DatasetVersion.objects.imported().select_related("dataset"):
        if not version.has_opaque_ids:
            continue
        for name in hidden.kept_submissions(version):
            if _is_gone(name):
                hidden.drop_results(version, name)
                logger.info("kept results dropped", extra={"submission": name})
                dropped += 1
    return dropped


def _is_gone(name: str) -> bool:
    """Whether the folder is one of a submission, and its row is deleted."""
    try:
        pk = UUID(name)
    except ValueError:
        return False
    return not Submission.objects.filter(pk=pk).exists()
