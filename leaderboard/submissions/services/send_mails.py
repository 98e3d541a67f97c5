"""Send the mails that are due, beside the work of a worker and never in its way."""

from __future__ import annotations

import threading

from django.db import connection

from leaderboard.accounts import invitations
from leaderboard.accounts.mailing import send_due
from leaderboard.accounts.models import Invitation
from leaderboard.submissions.mails import compose
from leaderboard.submissions.models import Notice

_busy = threading.Lock()


def send_mails() -> int:
    """Send what is due now; how many mails went out."""
    notices = Notice.objects.select_related(
        "user", "submission__owner", "submission__team", "submission__method",
        "submission__dataset_version__dataset",
    )  # fmt: skip
    invited = Invitation.objects.select_related("team", "invited_by")
    return send_due(notices, compose) + send_due(invited, invitations.compose)


def send_mails_aside() -> threading.Thread | None:
    """The same in a thread of its own: a mail server that hangs must not keep a worker from its
    jobs. None while the last one is still at it."""
    if not _busy.acquire(blocking=False):
        return None
    thread = threading.Thread(target=_send_and_let_go, name="mails", daemon=True)
    thread.start()
    return thread


def _send_and_let_go() -> None:
    try:
        send_mails()
    finally:
        connection.close()
        _busy.release()
