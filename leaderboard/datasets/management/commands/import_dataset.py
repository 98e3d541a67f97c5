"""``manage.py import_dataset engine_wiring.zip ... --preset autovi``."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug

from leaderboard.datasets.importing.presets import PRESETS, Naming
from leaderboard.datasets.models import Dataset, Labels
from leaderboard.datasets.services.import_dataset import ImportRefused, import_dataset
from leaderboard.datasets.storages import GroundTruthClosed

_SECONDS_BETWEEN_LINES = 5.0


class Command(BaseCommand):
    help = "Import a dataset (zips or folders) as a board's current version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="zips or folders")
        parser.add_argument("--preset", choices=PRESETS, default="generic", help="kind of dataset")
        parser.add_argument("--name", help="the board's address, such as 'autovi'")
        parser.add_argument("--title", help="the board's name on pages (new: --name)")
        # Django's own --version says Django's version.
        parser.add_argument("--dataset-version", help="such as '1.0.0'")
        parser.add_argument(
            "--labels",
            choices=Labels.values,
            help="whether submitters know the test labels "
            "(default: hidden for generic, public for datasets whose labels are published)",
        )
        parser.add_argument(
            "--accept-hash",
            action="store_true",
            help="take zips that are not the published ones, under a --name of their own",
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
        labels = options["labels"] or PRESETS[options["preset"]].labels
        self._said = time.monotonic()
        try:
            version = import_dataset(
                options["paths"],
                naming,
                self._progress,
                preset=options["preset"],
                labels=labels,
                accept_hash=options["accept_hash"],
            )
        except ImportRefused as refused:
            raise CommandError(_in_words(refused)) from refused
        except GroundTruthClosed as error:
            raise CommandError(str(error)) from error
        n_test = sum(version.n_test(category) for category in version.manifest)
        self.stdout.write(
            f"{version}: {len(version.manifest)} categories, {n_test} test images, "
            f"{version.labels} labels"
        )

    def _progress(self, done: int, total: int) -> None:
        """A living line on a terminal; elsewhere a line now and then."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{done} of {total} files", ending="")
            if done == total:
                self.stdout.write("")
        elif time.monotonic() - self._said > _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self.stdout.write(f"{done} of {total} files")
            self.stdout.flush()


def _in_words(refused: ImportRefused) -> str:
    if len(refused.problems) == 1:
        return refused.problems[0]
    count = len(refused.problems)
    return "\n".join([f"{count} problems; nothing was changed", *refused.problems])


def _naming(options: dict[str, Any]) -> Naming:
    known = PRESETS[options["preset"]].naming
    slug = options["name"] or (known.slug if known else None)
    version = options["dataset_version"] or (known.version if known else None)
    if slug is None or version is None:
        missing = "--name" if slug is None else "--dataset-version"
        raise CommandError(f"{missing}: is missing; the preset {options['preset']} has none")
    _check_names(slug, version)
    base = Naming(slug, slug, version) if known is None or slug != known.slug else known
    # An import never undoes what a maintainer wrote of a dataset that is there.
    is_new = not Dataset.objects.filter(slug=slug).exists()
    told = {
        "name": options["title"] or (base.name if is_new else ""),
        "version": version,
        "description": options["description"] or (base.description if is_new else ""),
        **{key: options[key] or getattr(base, key) for key in ("doi", "licence", "citation")},
        "submissions_per_day": options["submissions_per_day"],
    }
    return replace(base, **told)


def _check_names(slug: str, version: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise CommandError(f"--name {slug!r}: expected letters, digits, - and _") from error
    sound = version.isprintable() and not set(version) & set("/\\ ")
    if not version or version.startswith(".") or not sound or len(version) > 40:
        raise CommandError(f"--dataset-version {version!r}: expected something like 1.0.0")
