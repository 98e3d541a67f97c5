"""A new method and its name, from the form or from the archive's ``submission.json``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from leaderboard.accounts.models import Team, User
from leaderboard.submissions import names
from leaderboard.submissions.models import Method, Submission
from leaderboard.submissions.policies import conflict, may_use
from leaderboard.text import free_slug
from scoring import Refused


class SubmitRefused(Exception):
    """The submission cannot be taken; the message says why."""


class NameRefused(SubmitRefused):
    """The new method cannot be called so."""


def new_method(owner: User, name: str, team: Team | None = None) -> Method:
    """A method of ``owner``, or of ``team`` where one is given: their own of that name, a new one,
    or one still without a name where ``name`` is blank.

    Raises NameRefused where the name cannot be used or is not free.
    """
    whose: dict[str, Any] = {"team": team} if team else {"owner": owner}
    if not name.strip():
        token = secrets.token_hex(4)
        return Method.objects.create(
            **whose, name=f"Unnamed {token}", slug=f"unnamed-{token}", is_named=False
        )
    name = usable_name(owner, name)
    taken = same_name(name)
    if taken is not None and _is_own(taken, owner, team):
        return taken  # typed again, after a rejection for one: the method that it names
    if taken is not None:
        raise NameRefused(f"There is a method named {taken} already; choose another name.")
    try:
        with transaction.atomic():
            return Method.objects.create(**whose, name=name, slug=_free_slug(name))
    except IntegrityError:
        raise NameRefused(f"{name} was taken a moment ago; choose another name.") from None


def usable_name(owner: User, name: str) -> str:
    """The name, tidied; raises NameRefused where it is none or the paper's."""
    try:
        name = names.tidy(name)
    except ValidationError as error:
        raise NameRefused(error.messages[0]) from None
    if names.is_reserved(name) and not owner.is_staff:
        raise NameRefused(f"{name} is a method of the paper; add what sets yours apart from it.")
    return name


def same_name(name: str) -> Method | None:
    """The method whose name reads like this one."""
    return Method.objects.filter(name_key=names.key(name)).first()


def check_told_name(submission: Submission, metadata: Mapping[str, Any]) -> None:
    """Raises Refused where the form named no method and ``submission.json`` does not either."""
    if submission.method.is_named:
        return
    told = metadata.get("method")
    try:
        if not isinstance(told, str) or not told.strip():
            raise NameRefused("is missing, and the form named no method; expected its name")
        taken = same_name(usable_name(submission.owner, told))
        if taken is not None and not may_use(submission.owner, taken, submission.team):
            raise NameRefused(f"there is a method named {taken} already; expected another name")
        if taken is not None and (said := conflict(taken, submission.visibility)):
            raise NameRefused(said)
    except NameRefused as refused:
        raise Refused([f"submission.json: method: {refused}"]) from None


def name_from_archive(submission: Submission, metadata: Mapping[str, Any]) -> None:
    """Give a nameless method the name that ``check_told_name`` found sound.

    Where the owner has a method of that name the submission becomes one of its.
    """
    unnamed = submission.method
    if unnamed.is_named:
        return
    name = usable_name(submission.owner, metadata["method"])
    known = same_name(name)
    if known is None:
        unnamed.name, unnamed.slug, unnamed.is_named = name, _free_slug(name), True
        unnamed.save(update_fields=["name", "slug", "is_named"])
        return
    submission.method = known
    Submission.objects.filter(pk=submission.pk).update(method=known)
    unnamed.delete()


def _free_slug(name: str) -> str:
    return free_slug(name, "method", lambda slug: Method.objects.filter(slug=slug).exists())


def _is_own(method: Method, owner: User, team: Team | None) -> bool:
    return (method.team_id, method.owner_id) == ((team.pk, None) if team else (None, owner.pk))
