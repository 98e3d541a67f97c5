"""How long a job may take, from the pixels that it has to look at."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Job


@dataclass(frozen=True)
class TimeLimit:
    """Seconds. After ``soft`` the worker ends the work itself; after ``hard`` its lease is no
    longer renewed and its process is killed."""

    soft: float
    hard: float


def time_limit(job: Job) -> TimeLimit:
    """A job's limit; never more than ``JOB_LIMIT_MOST_SECONDS`` and the grace."""
    megapixels = pixels(job) / 1e6
    soft = settings.JOB_LIMIT_SECONDS + megapixels * settings.JOB_LIMIT_MEGAPIXEL_SECONDS
    soft = min(soft, settings.JOB_LIMIT_MOST_SECONDS)
    return TimeLimit(soft, soft + settings.JOB_LIMIT_GRACE_SECONDS)


def pixels(job: Job) -> int:
    """Test pixels of the job's category; for a check, of all categories and as many runs as an
    archive may have, since how many it has is not known yet."""
    version = job.submission.dataset_version
    if job.kind != Job.Kind.VALIDATE:
        return _of_category(version, job.category)
    return version.max_runs * sum(_of_category(version, name) for name in version.categories)


def in_words(seconds: float) -> str:
    """A duration such as "45 s", "2 min" or "1 h 5 min", rounded up."""
    whole = -int(-seconds // 1)
    if whole < 120:
        return f"{whole} s"
    minutes = -(-whole // 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _of_category(version: DatasetVersion, category: str) -> int:
    entry = version.manifest[category]
    return int(entry["width"]) * int(entry["height"]) * version.n_test(category)
