"""``manage.py download_dataset autovi``: the published zips, for ``import_dataset``."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from leaderboard.datasets import autovi
from leaderboard.datasets.fetching import FetchFailed, Unreachable
from leaderboard.datasets.services.download_dataset import download_autovi

_SECONDS_BETWEEN_LINES = 5.0


class Command(BaseCommand):
    help = "Fetch AutoVI's published zips; what is there already is not fetched again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", choices=[autovi.SLUG])
        parser.add_argument("--to", type=Path, help="folder (default: var/downloads/autovi)")
        parser.add_argument("--base-url", default="", help="where the zips lie, instead of Zenodo")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["to"] or Path(settings.VAR_DIR) / "downloads" / autovi.SLUG
        self._said = 0.0
        try:
            paths = download_autovi(folder, self._say, options["base_url"])
        except Unreachable as error:
            raise CommandError(
                f"{error}. Without a network, copy the six zips of "
                f"https://doi.org/{autovi.DOI} here by other means and give them to import_dataset."
            ) from error
        except FetchFailed as error:
            raise CommandError(f"{error}. Run the command again to go on.") from error
        self.stdout.write("All here. Next:")
        self.stdout.write(f"manage.py import_dataset {' '.join(map(str, paths))} --preset autovi")

    def _say(self, name: str, done: int, total: int) -> None:
        """A line a file and now and then."""
        whole = done == total
        if whole or time.monotonic() - self._said > _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            of = f" of {filesizeformat(total)}" if total and not whole else ""
            self.stdout.write(f"{name}: {filesizeformat(done)}{of}")
            self.stdout.flush()
