"""The leaderboard's web site: a Django project of small apps.

Importing the package makes the Celery application the current one, so that
tasks find it in every process.
"""

from leaderboard.celery import app as celery_app

__all__ = ["celery_app"]
