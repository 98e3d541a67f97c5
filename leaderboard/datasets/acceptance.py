"""Who accepted which licence, and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class LicenceAcceptance(models.Model):
    """A signed-in person took a dataset version's licence, as it was called then."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="licence_acceptances"
    )
    dataset_version = models.ForeignKey(
        "datasets.DatasetVersion", models.CASCADE, related_name="licence_acceptances"
    )
    licence = models.CharField(max_length=100)
    accepted_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-accepted_at",)
        constraints = [
            models.UniqueConstraint(
                "user", "dataset_version", "licence", name="licence_accepted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} accepted {self.licence} for {self.dataset_version}"
