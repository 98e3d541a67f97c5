"""Mail that is told of in rows: nothing is lost when a mail server or a worker dies.

A row says when its mail is due. Sending claims it by one conditional UPDATE,
which also says when it is due again should nobody hear how it went: so two
senders never send one mail at the same time, and a sender that dies between
sending and saying so costs a second copy under the same Message-ID at most.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Now
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
FIRST_WAIT = timedelta(minutes=5)
"""Longer than sending one mail takes; doubled each time."""
LONGEST_WAIT = timedelta(hours=12)


class Mailed(models.Model):
    """A row of which somebody is told by mail, at most once."""

    send_at = models.DateTimeField(
        null=True, blank=True, help_text="When its mail is due; empty: there is none to send."
    )
    sends = models.PositiveIntegerField(default=0, help_text="How often sending it was tried.")
    sent_at = models.DateTimeField(null=True, blank=True)
    mail_error = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True


def send_due(rows: models.QuerySet[Any], compose: Callable[[Any], EmailMessage | None]) -> int:
    """Send the mails that are due among ``rows``; how many went out.

    ``compose`` gives a row's mail, or None where there is nothing to tell any
    more. A server that does not answer ends the round: what is left is sent by
    a later one. An address that the server refuses is not tried again.
    """
    due = rows.filter(sent_at=None, send_at__lte=Now()).order_by("send_at")
    sent = 0
    connection = get_connection()
    for row in due[:MOST_AT_ONCE]:
        if not _claim(row):
            continue
        message = compose(row)
        if message is None:
            _note(row, send_at=None)
            continue
        try:
            connection.send_messages([message])
        except SMTPRecipientsRefused as error:
            _note(row, send_at=None, mail_error=str(error)[:300])
            logger.warning("address refused", extra={"row": f"{row._meta.label} {row.pk}"})
        except (OSError, SMTPException) as error:
            _note(row, mail_error=f"{type(error).__name__}: {error}"[:300])
            logger.warning("mail server not reached", extra={"error": type(error).__name__})
            break
        else:
            _note(row, send_at=None, sent_at=Now(), mail_error="")
            sent += 1
    return sent


def message(row: Mailed, address: str, template: str, context: dict[str, Any]) -> EmailMessage:
    """A mail from ``<template>_subject.txt`` and ``<template>_message.txt`` in the site's name.

    Its Message-ID is the row's: a copy is known as one.
    """
    about = {"site_name": settings.SITE_NAME, "site_address": settings.SITE_URL + "/"}
    subject = " ".join(render_to_string(f"{template}_subject.txt", context | about).split())
    host = settings.SITE_URL.partition("://")[2].partition(":")[0]
    headers = {
        "Message-ID": f"<{row._meta.model_name}-{row.pk}@{host}>",
        "Auto-Submitted": "auto-generated",
    }
    body = render_to_string(f"{template}_message.txt", context | about)
    return EmailMessage(
        f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", body, to=[address], headers=headers
    )


def _claim(row: Any) -> bool:
    wait = min(FIRST_WAIT * 2 ** min(row.sends, 10), LONGEST_WAIT)
    later = models.ExpressionWrapper(Now() + Value(wait), output_field=models.DateTimeField())
    free = type(row)._default_manager.filter(pk=row.pk, sent_at=None, sends=row.sends)
    return free.filter(send_at__lte=Now()).update(sends=F("sends") + 1, send_at=later) == 1


def _note(row: Any, **fields: Any) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**fields)
