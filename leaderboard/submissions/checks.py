"""What `manage.py check` says of the settings of jobs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def job_times_fit(**kwargs: Any) -> list[CheckMessage]:
    """A job must be over before Redis delivers its message again, and be renewed while it lasts."""
    found: list[CheckMessage] = []
    if settings.CELERY_TASK_TIME_LIMIT >= settings.VISIBILITY_SECONDS:
        found.append(
            Error(
                "AUTOVI_JOB_LIMIT_MOST_SECONDS and AUTOVI_JOB_LIMIT_GRACE_SECONDS are "
                f"{settings.CELERY_TASK_TIME_LIMIT - 60:.0f} s together; expected less than "
                f"{settings.VISIBILITY_SECONDS - 60} s, or Redis delivers running tasks again.",
                id="submissions.E001",
            )
        )
    if settings.JOB_RENEW_SECONDS * 2 > settings.JOB_LEASE_SECONDS:
        found.append(
            Error(
                f"AUTOVI_JOB_RENEW_SECONDS is {settings.JOB_RENEW_SECONDS:g}; expected at most "
                f"half of AUTOVI_JOB_LEASE_SECONDS, {settings.JOB_LEASE_SECONDS:g}.",
                id="submissions.E002",
            )
        )
    return found
