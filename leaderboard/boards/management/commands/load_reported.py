"""`manage.py load_reported`: the paper's tables as rows marked "reported"."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leaderboard.boards import paper_tables
from leaderboard.boards.services.load_reported import load_reported
from leaderboard.datasets.models import DatasetVersion


class Command(BaseCommand):
    help = "Load the numbers of the AutoVI paper's Tables 6, 7, 8, 9, 11 and 12."

    def handle(self, *args: Any, **options: Any) -> None:
        slug, number = paper_tables.DATASET, paper_tables.VERSION
        version = DatasetVersion.objects.filter(dataset__slug=slug, version=number).first()
        if version is None:
            raise CommandError(f"dataset {slug} {number} is not here: make it first")
        count = load_reported(version)
        self.stdout.write(f"{version}: {count} reported numbers")
