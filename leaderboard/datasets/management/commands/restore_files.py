"""``manage.py restore_files FOLDER``: what ``backup_files`` copied, back into the storages."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leaderboard.datasets.services.backup_files import NotABackup, restore_files
from leaderboard.datasets.storages import GroundTruthClosed


class Command(BaseCommand):
    help = "Put the files of a backup back into the storages that do not hold them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = restore_files(options["folder"])
        except (GroundTruthClosed, NotABackup) as error:
            raise CommandError(str(error)) from error
        for alias, found in done.items():
            self.stdout.write(f"{alias}: {found.copied} copied, {found.there} there already")
