"""Whose a submission or a method is, as far as a reader may know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Method, Submission
from leaderboard.submissions.policies import is_inside

ANONYMOUS = "Anonymous"
_LINK = re.compile(r"(https?://|www\.)\S+|\S+@\S+|\b\d{4}-\d{4}-\d{4}-\d{3}[\dX]\b", re.I)
LINK_FIELDS = ("paper_url", "code_url")


def is_kept_from(reader: User | AnonymousUser, submission: Submission) -> bool:
    """Whether the reader must not learn whose it is: it is anonymous, and not their own."""
    return submission.is_anonymous and not reader.is_staff and not is_inside(reader, submission)


def author(submission: Submission, reader: User | AnonymousUser) -> str:
    """The team or the person in whose name it is, or "Anonymous"."""
    if is_kept_from(reader, submission):
        return ANONYMOUS
    return str(submission.team or submission.owner.get_username())


def method_author(method: Method, shown: Iterable[Submission], reader: User | AnonymousUser) -> str:
    """The same of a method with these submissions on boards; empty where nobody here made it."""
    is_anonymous = any(submission.is_anonymous for submission in shown)
    if is_anonymous and not reader.is_staff and not has(reader, method):
        return ANONYMOUS
    if method.team is not None:
        return str(method.team)
    return method.owner.get_username() if method.owner else ""


def told_metadata(submission: Submission, reader: User | AnonymousUser) -> dict[str, Any]:
    """What was told about a submission, without what would say whose it is."""
    told: dict[str, Any] = submission.metadata
    if not is_kept_from(reader, submission):
        return told
    return {
        key: without_links(value) if isinstance(value, str) else value
        for key, value in told.items()
        if key not in LINK_FIELDS
    }


def without_links(text: str) -> str:
    """A text with its links, addresses and ORCID iDs taken out."""
    return _LINK.sub("[left out]", text)


def has(reader: User | AnonymousUser, method: Method) -> bool:
    """Whether it is the reader's own method, or one of their teams'."""
    if not reader.is_authenticated:
        return False
    if method.team is not None:
        return bool(method.team.role_of(reader))
    return method.owner_id == reader.pk
