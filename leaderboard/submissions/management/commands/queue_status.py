"""``manage.py queue_status``: how the work stands, for people, programs or Prometheus."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from leaderboard.submissions.queue import status


class Command(BaseCommand):
    help = "Jobs and submissions by state, how long the oldest job waits, leases lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="one JSON object")
        form.add_argument(
            "--prometheus", action="store_true", help="Prometheus' text format, a gauge a line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = status()
        if options["json"]:
            self.stdout.write(json.dumps(found))
        elif options["prometheus"]:
            self.stdout.write("\n".join(gauges(found)))
        else:
            self.stdout.write("\n".join(_lines(found)))


def gauges(found: dict[str, Any]) -> Iterator[str]:
    """The same as gauges ``board_*``; an empty queue's oldest job is 0 seconds old."""
    for name in ("jobs", "submissions"):
        yield f"# TYPE board_{name} gauge"
        for state, count in found[name].items():
            yield f'board_{name}{{state="{state}"}} {count}'
    for name in ("oldest_queued_seconds", "leases_lost", "jobs_retried"):
        yield f"# TYPE board_{name} gauge"
        yield f"board_{name} {found[name] or 0}"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for name in ("jobs", "submissions"):
        yield f"{name}: " + ", ".join(f"{n} {state}" for state, n in found[name].items() if n)
    oldest = found["oldest_queued_seconds"]
    yield "oldest queued job: " + ("none" if oldest is None else f"{oldest:.0f} s")
    yield f"leases lost: {found['leases_lost']}, jobs being retried: {found['jobs_retried']}"
