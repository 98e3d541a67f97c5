"""Find the SHA-256 of an archive that arrived in pieces."""

from __future__ import annotations

import hashlib

from leaderboard.submissions.archives import LocalArchive
from leaderboard.submissions.models import Submission, Upload
from scoring import Refused


def check_hash(submission: Submission, archive: LocalArchive) -> None:
    """Record the archive's SHA-256 where it is not known yet.

    Raises Refused where the sender told another one. Not when the last byte
    comes: bytes that come in pieces cannot be hashed on their way in by
    processes that may end in between, and reading gigabytes again would keep
    the sender, and a thread of the web process, waiting.
    """
    if not submission.sha256:
        submission.sha256 = archive.sha256 or _hash(archive)
        Submission.objects.filter(pk=submission.pk).update(sha256=submission.sha256)
    upload = Upload.objects.filter(pk=submission.pk).first()
    if upload and upload.told_sha256 not in ("", submission.sha256):
        raise Refused(
            [
                f"{submission.archive_name}: its SHA-256 is {submission.sha256}; expected "
                f"{upload.told_sha256}, as it was announced: please send it again"
            ]
        )


def _hash(archive: LocalArchive) -> str:
    with archive.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
