"""AutoVI's version row, so that its board exists before its files are here."""

from __future__ import annotations

from django.db import transaction

from leaderboard.datasets import autovi
from leaderboard.datasets.models import Dataset, DatasetVersion, Labels


def register_autovi() -> DatasetVersion:
    """The row of AutoVI v1.0.0; made without files where there is none."""
    with transaction.atomic():
        dataset, _ = Dataset.objects.get_or_create(
            slug=autovi.SLUG,
            defaults={"name": autovi.NAME, "description": autovi.DESCRIPTION},
        )
        version, _ = DatasetVersion.objects.get_or_create(
            dataset=dataset,
            version=autovi.VERSION,
            defaults={
                "labels": Labels.PUBLIC,
                "manifest": autovi.MANIFEST,
                "doi": autovi.DOI,
                "licence": autovi.LICENCE,
                "citation": autovi.CITATION,
                "is_current": not dataset.versions.filter(is_current=True).exists(),
            },
        )
    return version
