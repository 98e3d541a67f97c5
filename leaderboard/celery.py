"""The Celery application: ``celery -A leaderboard.celery:app worker``."""

import os

from celery import Celery
from kombu import transport

from leaderboard import alive

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")

# The embedded default's broker is a folder. Kombu's transport writes a message in place, so that
# a reader can pick up an empty file: ours renames it into place.
transport.TRANSPORT_ALIASES["filesystem"] = "leaderboard.filesystem_broker:Transport"

app = Celery("leaderboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
alive.watch(app)
