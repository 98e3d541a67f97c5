"""``manage.py open_labels BOARD``: the labels of a hidden board become public."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.storages import GroundTruthClosed
from leaderboard.submissions.services.open_labels import NotOpened, open_labels


class Command(BaseCommand):
    help = (
        "Open a board whose labels were hidden: exact results of all submissions are shown from "
        "then on. This cannot be taken back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("board", help="the board's address, such as 'parts'")
        parser.add_argument("--dataset-version", help="such as '1.0.0' (default: the current one)")

    def handle(self, *args: Any, **options: Any) -> None:
        version = _version(options["board"], options["dataset_version"])
        try:
            opened = open_labels(version, self._progress)
        except FileNotFoundError as error:
            raise CommandError(f"{version}: nothing of it is in private storage") from error
        except (NotOpened, GroundTruthClosed) as error:
            raise CommandError(f"{version}: {error}") from error
        said = "its labels are public now" if opened else "its labels are public already"
        self.stdout.write(f"{version}: {said}")

    def _progress(self, done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            self.stdout.write(f"{done} of {total} results")


def _version(slug: str, wanted: str | None) -> DatasetVersion:
    rows = DatasetVersion.objects.select_related("dataset").filter(dataset__slug=slug)
    rows = rows.filter(version=wanted) if wanted else rows.filter(is_current=True)
    version = rows.first()
    if version is None:
        asked = f"{slug} {wanted}" if wanted else slug
        raise CommandError(f"{asked}: there is no such board; expected one that was imported")
    return version
