"""Other submissions of the very same archive, as far as a reader may know of them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from leaderboard.submissions.authorship import is_kept_from
from leaderboard.submissions.models import ON_BOARDS, Submission, Visibility
from leaderboard.submissions.policies import is_inside

MOST = 10


def duplicates(submission: Submission, reader: Any) -> list[Submission]:
    """Submissions of the same archive that the reader may know to be the same, newest first.

    Those are the reader's and their teams' own, and public ones on boards. An
    anonymous one is never shown beside another to anybody who is not inside
    both: equal archives would say whose it is.
    """
    if not submission.sha256 or is_kept_from(reader, submission):
        return []
    same = Submission.objects.filter(sha256=submission.sha256).exclude(pk=submission.pk)
    known = ON_BOARDS & Q(visibility=Visibility.PUBLIC)
    if submission.is_anonymous and not is_inside(reader, submission):
        known = Q(pk__in=[])
    own = Q(pk__in=Submission.objects.of(reader).values("pk"))
    if reader.is_staff:
        own |= Q(visibility__in=Visibility.values)
    found = same.filter(known | own).select_related("method", "dataset_version__dataset")
    return list(found.order_by("-created")[:MOST])
