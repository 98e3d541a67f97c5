"""``manage.py seed_demo``: the demo's boards, sample data, account and sample submissions."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from leaderboard.datasets.services.register_autovi import register_autovi
from leaderboard.submissions.services.seed_demo import (
    demo_account,
    sample_board,
    sample_submissions,
)


class Command(BaseCommand):
    help = "Fill an empty server with the demo's data; does nothing where it is there already."

    def handle(self, *args: Any, **options: Any) -> None:
        self._said = time.monotonic()
        register_autovi()
        call_command("load_reported", stdout=self.stdout)
        owner = demo_account()
        version = sample_board(self._say, self._progress)
        sample_submissions(owner, version, self._say, self._progress)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _progress(self, done: int, total: int) -> None:
        """A line every two seconds at most."""
        if time.monotonic() - self._said > 2:
            self._said = time.monotonic()
            self._say(f"  {done} of {total}")
