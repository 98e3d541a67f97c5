"""An upload is whole: its archive goes in by the same door as one that came at once."""

from __future__ import annotations

from django.db import transaction

from leaderboard.submissions.jobs import lock
from leaderboard.submissions.models import Submission, Upload
from leaderboard.submissions.services.submit import received
from leaderboard.submissions.states import State
from leaderboard.submissions.tus.stores import store


def finish_upload(upload: Upload) -> Submission:
    """Queue the submission of an upload that is whole; once, however often it is called.

    Raises OSError where the storage cannot make it an archive now; the sweep tries again.
    """
    upload.refresh_from_db()
    if upload.submission.state != State.UPLOADING:
        return upload.submission
    store().complete(upload)
    with transaction.atomic():
        submission = lock(upload.pk)
        if submission.state == State.UPLOADING:
            received(submission, upload.name, upload.length)
            Upload.objects.filter(pk=upload.pk).update(parts={})
    return submission
