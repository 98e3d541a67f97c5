"""An invitation's link, and the mail that brings it."""

from __future__ import annotations

from django.core import signing
from django.core.mail import EmailMessage
from django.urls import reverse

from leaderboard.accounts.mailing import message
from leaderboard.accounts.models import Invitation

_SIGNER = signing.Signer(salt="leaderboard.accounts.invitation")


def path(invitation: Invitation) -> str:
    """The path of the page on which it is accepted: nobody can make one up."""
    return reverse("teams:invitation", args=[_SIGNER.sign(str(invitation.pk))])


def find(token: str) -> Invitation | None:
    """The open invitation of a link, or None."""
    try:
        pk = int(_SIGNER.unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    rows = Invitation.objects.open().select_related("team", "invited_by")
    return rows.filter(pk=pk).first()


def compose(invitation: Invitation) -> EmailMessage | None:
    """The mail of an invitation; None where it was answered or taken back meanwhile."""
    if not Invitation.objects.open().filter(pk=invitation.pk).exists():
        return None
    context = {"invitation": invitation, "path": path(invitation)}
    return message(invitation, invitation.email, "teams/mail/invitation", context)
