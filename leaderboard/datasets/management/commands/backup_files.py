"""``manage.py backup_files FOLDER``: copies of all files of the site."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leaderboard.datasets.services.backup_files import backup_files
from leaderboard.datasets.storages import GroundTruthClosed


class Command(BaseCommand):
    help = "Copy all files of the site, the ground truth among them, into a folder. Dump first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = backup_files(options["folder"])
        except GroundTruthClosed as error:
            raise CommandError(str(error)) from error
        for alias, found in done.items():
            self.stdout.write(f"{alias}: {found.copied} copied, {found.there} there already")
        self.stdout.write(f"{sum(found.copied for found in done.values())} copied")
