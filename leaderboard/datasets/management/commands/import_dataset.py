"""``manage.py import_dataset PATH --name sample --title "Sample parts" --dataset-version 1``."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug

from leaderboard.datasets import autovi
from leaderboard.datasets.ground_truth import GroundTruthClosed
from leaderboard.datasets.models import Dataset
from leaderboard.datasets.services.import_dataset import ImportRefused, Naming, import_dataset
from scoring.errors import DatasetError


class Command(BaseCommand):
    help = "Import a dataset folder (AutoVI's layout) as a board's current version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="folder with <category>/{train,test,...}")
        parser.add_argument("--name", required=True, help="the board's address, such as 'autovi'")
        parser.add_argument("--title", help="the board's name on pages (new: --name)")
        # Django's own --version says Django's version.
        parser.add_argument("--dataset-version", required=True, help="such as '1.0.0'")
        parser.add_argument(
            "--labels",
            choices=["public"],
            default="public",
            help="whether submitters know the test labels; hidden labels are not supported yet",
        )
        parser.add_argument("--description", default="")
        parser.add_argument("--doi", default="")
        parser.add_argument("--licence", default="")
        parser.add_argument("--citation", default="")
        parser.add_argument(
            "--submissions-per-day", type=int, help="quota a person (for a new version: 2)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        naming = _naming(options)
        try:
            version = import_dataset(options["path"], naming, self._progress)
        except (DatasetError, ImportRefused, GroundTruthClosed) as error:
            raise CommandError(str(error)) from error
        n_test = sum(
            category["good"] + sum(category["folders"].values())
            for category in version.manifest.values()
        )
        self.stdout.write(f"{version}: {len(version.manifest)} categories, {n_test} test images")

    def _progress(self, done: int, total: int) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\rreading {done}/{total} files", ending="")
            if done == total:
                self.stdout.write("")


def _naming(options: dict[str, Any]) -> Naming:
    slug, version = options["name"], options["dataset_version"]
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise CommandError(f"--name {slug!r}: expected letters, digits, - and _") from error
    if not version or version.startswith(".") or "/" in version or len(version) > 40:
        raise CommandError(f"--dataset-version {version!r}: expected something like 1.0.0")
    known = slug == autovi.SLUG
    is_new = not Dataset.objects.filter(slug=slug).exists()
    return Naming(
        slug=slug,
        name=options["title"] or (autovi.NAME if known and is_new else ""),
        version=version,
        description=options["description"] or (autovi.DESCRIPTION if known and is_new else ""),
        doi=options["doi"] or (autovi.DOI if known else ""),
        licence=options["licence"] or (autovi.LICENCE if known else ""),
        citation=options["citation"] or (autovi.CITATION if known else ""),
        submissions_per_day=options["submissions_per_day"],
    )
