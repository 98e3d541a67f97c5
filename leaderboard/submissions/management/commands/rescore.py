"""``manage.py rescore``: have a board's submissions scored again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leaderboard.datasets.models import DatasetVersion
from leaderboard.scorer import scorer_version
from leaderboard.submissions.services.rescore import RescoringRefused, n_jobs, start, to_score


class Command(BaseCommand):
    """Begin a re-scoring; the workers do it, and its page says how far it is."""

    help = "Has all scored submissions of a dataset scored again by this version of the scorer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", required=True, help="the dataset's slug")
        parser.add_argument("--dataset-version", help="its version; by default the current one")
        parser.add_argument("--dry-run", action="store_true", help="say only what there is to do")
        parser.add_argument(
            "--switch-when-done",
            action="store_true",
            help="let the board show the new scores as soon as all are there, without asking",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        version = self._version(options["dataset"], options["dataset_version"])
        missing = list(to_score(version, scorer_version()))
        jobs = sum(map(n_jobs, missing))
        self.stdout.write(
            f"{version}: shows scorer {version.shown_scorer}; {len(missing)} of its submissions "
            f"have no scores of {scorer_version()}, which takes {jobs} jobs"
        )
        if options["dry_run"]:
            return
        try:
            rescoring = start(version, None, switch_when_done=options["switch_when_done"])
        except RescoringRefused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"begun; how far it is: {rescoring.get_absolute_url()}")

    def _version(self, slug: str, name: str | None) -> DatasetVersion:
        versions = DatasetVersion.objects.filter(dataset__slug=slug).select_related("dataset")
        which = {"version": name} if name else {"is_current": True}
        version = versions.filter(**which).first()
        if version is None:
            there = ", ".join(str(one) for one in versions) or "no version of it"
            raise CommandError(f"{slug} {name or ''}: not here; there is {there}")
        return version
