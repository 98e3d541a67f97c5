"""A person hands in an archive."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.core.files import File
from django.db import transaction

from leaderboard.accounts.models import Team, User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.files import remove_parts
from leaderboard.submissions.jobs import enqueue, fail, lock
from leaderboard.submissions.models import Event, Job, Method, Submission, Visibility
from leaderboard.submissions.policies import Quota, conflict, may_use, quotas
from leaderboard.submissions.services.name_method import SubmitRefused, new_method
from leaderboard.submissions.states import State
from leaderboard.submissions.transitions import Stale, move
from scoring.errors import printable

logger = logging.getLogger(__name__)

ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")


class QuotaSpent(SubmitRefused):
    """No submission left for now."""

    def __init__(self, spent: Quota) -> None:
        self.quota = spent
        when = f"{spent.next_at:%Y-%m-%d %H:%M} UTC" if spent.next_at else "never"
        whose = f" to {spent.team}" if spent.team else ""
        super().__init__(f"No submission is left{whose} on this board; the next one: {when}.")


@dataclass(frozen=True)
class About:
    """What is told of an archive: its name, and its method (an existing one, or a new one's name).

    Without either, the archive's ``submission.json`` has to name the method. ``team`` is in whose
    name it is, where not in the person's own.
    """

    archive_name: str
    method: Method | None = None
    method_name: str = ""
    visibility: str = Visibility.PUBLIC
    declared: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    team: Team | None = None


@dataclass(frozen=True)
class Handed:
    """What is handed in at once: the archive, its SHA-256 (hexadecimal), and what `About` says."""

    archive: File[bytes]
    archive_name: str
    sha256: str
    method: Method | None = None
    method_name: str = ""
    visibility: str = Visibility.PUBLIC
    declared: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    team: Team | None = None

    @classmethod
    def of(cls, about: About, archive: File[bytes], sha256: str) -> Handed:
        """An archive with what is told of it."""
        return cls(archive=archive, sha256=sha256, **_values(about))

    @property
    def about(self) -> About:
        return About(**_values(self))


def _values(told: About | Handed) -> dict[str, Any]:
    return {each.name: getattr(told, each.name) for each in fields(About)}


def submit(owner: User, version: DatasetVersion, handed: Handed) -> Submission:
    """Take an archive: store it and queue its check.

    Raises SubmitRefused (QuotaSpent) with nothing stored. Where the storage
    is at fault the submission comes back `failed`, which gives the quota back.
    """
    submission = begin(owner, version, handed.about)
    try:
        submission.archive.save(stored_name(handed.archive_name), handed.archive, save=False)
    except Exception:  # object stores raise errors of their own
        logger.exception("archive not stored", extra={"submission": submission.pk})
        return _not_stored(submission)
    stored = str(submission.archive.name)
    try:
        received(submission, stored, handed.archive.size, sha256=handed.sha256)
    except Stale:
        # Withdrawn, or given up by the sweeper, while the archive was on its way.
        submission.archive.delete(save=False)
        submission.refresh_from_db()
    return submission


def begin(owner: User, version: DatasetVersion, about: About) -> Submission:
    """Begin a submission, whose archive is to follow: it comes back ``uploading``.

    The quota is counted in the transaction that adds the row, with the
    person's row locked and then the team's, so two requests at once cannot
    both take the last one. Raises SubmitRefused (QuotaSpent) with nothing stored.
    """
    _check(owner, version, about)
    with transaction.atomic():
        _take_quota(owner, version, about.team)
        method = about.method or new_method(owner, about.method_name, about.team)
        if said := conflict(method, about.visibility):
            raise SubmitRefused(f"{said}.")
        submission = Submission.objects.create(
            owner=owner,
            team=about.team,
            dataset_version=version,
            method=method,
            visibility=about.visibility,
            declared=about.declared,
            metadata=dict(about.metadata),
            archive_name=printable(about.archive_name),
        )
        Event.objects.create(
            submission=submission, actor=owner, kind=State.DRAFT, text="Submission begun."
        )
        move(submission, State.UPLOADING, "The upload began.", actor=owner)
    return submission


def received(submission: Submission, stored: str, size: int, *, sha256: str = "") -> None:
    """Queue the check of an archive of ``size`` bytes that is stored whole as ``stored``.

    Without ``sha256`` the check finds it. Raises Stale, with nothing written,
    where the submission was withdrawn or given up meanwhile.
    """
    with transaction.atomic():
        move(
            submission,
            State.QUEUED,
            f"Received {submission.archive_name} ({size:,} bytes).",
            actor=submission.owner,
            archive=stored,
            sha256=sha256,
            size=size,
        )
        enqueue(Job(submission=submission, kind=Job.Kind.VALIDATE))


def archive_ending(name: str) -> str | None:
    """The ending of an archive's name, of those that are taken, or None."""
    matching = (ending for ending in ARCHIVE_ENDINGS if name.lower().endswith(ending))
    return next(matching, None)


def stored_name(name: str) -> str:
    """What the archive is stored under: nothing of the sender's name but its ending."""
    return f"archive{archive_ending(name) or ''}"


def _check(owner: User, version: DatasetVersion, about: About) -> None:
    if not version.is_open:
        raise SubmitRefused(f"{version} takes no uploads: its files are not on this server.")
    if not about.declared:
        raise SubmitRefused("The declaration about test images is missing.")
    if about.method is not None and not may_use(owner, about.method, about.team):
        whose = f"not a method of {about.team}" if about.team else "another person's method"
        raise SubmitRefused(f"{about.method} is {whose}.")


def _take_quota(owner: User, version: DatasetVersion, team: Team | None) -> None:
    """Hold the rows that the quota is counted by, the person's always before the team's, and
    raise QuotaSpent where one has none left."""
    # Rows that refer to these are still written meanwhile: no key of theirs changes.
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if team is not None:
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if not team.role_of(owner):
            raise SubmitRefused(f"Only members of {team} can submit in its name.")
    for left in quotas(owner, team, version):
        if left.left < 1:
            raise QuotaSpent(left)


def _not_stored(submission: Submission) -> Submission:
    with transaction.atomic():
        submission = lock(submission.pk)
        if submission.state == State.UPLOADING:
            fail(submission, "The archive could not be stored. Please send it again.")
    try:
        remove_parts(submission.pk)
    except Exception:
        logger.exception("a part of an archive stays", extra={"submission": submission.pk})
    return submission
