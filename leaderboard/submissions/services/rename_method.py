"""A method gets another name."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Event, Method
from leaderboard.submissions.policies import may_rename
from leaderboard.submissions.services.name_method import NameRefused, same_name, usable_name


def rename_method(method_id: int, name: str, actor: User) -> Method:
    """Rename a method; its address stays, so that links to it hold.

    Each of its submissions keeps an event of it. Raises NameRefused where the
    name cannot be used, is another method's, or the method is not the actor's.
    """
    name = usable_name(actor, name)
    with transaction.atomic():
        method = Method.objects.select_for_update().get(pk=method_id)
        if not may_rename(actor, method):
            raise NameRefused(f"{method} is another person's method.")
        taken = same_name(name)
        if taken is not None and taken.pk != method.pk:
            raise NameRefused(f"There is a method named {taken} already; choose another name.")
        was, method.name = method.name, name
        if was == name:
            return method
        try:
            with transaction.atomic():
                method.save(update_fields=["name"])
        except IntegrityError:
            raise NameRefused(f"{name} was taken a moment ago; choose another name.") from None
        for submission in method.submissions.all():
            Event.objects.create(
                submission=submission,
                actor=actor,
                kind="renamed",
                text=f"The method was renamed from {was} to {name}.",
            )
    return method
