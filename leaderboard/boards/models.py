"""Scores that a paper reports, kept apart from what was scored here."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Method
from scoring.registry import BY_FLAT_KEY


class ReportedScore(models.Model):
    """One printed number: a method's mean and std over runs, on one category and metric.

    ``mean`` and ``std`` are fractions; ``metric`` is a flat key of
    ``scoring.registry``. ``variant`` is empty for the main tables,
    ``augmented``, or ``window=<width>x<height>`` in pixels.
    """

    dataset_version = models.ForeignKey(
        DatasetVersion, models.CASCADE, related_name="reported_scores"
    )
    method = models.ForeignKey(Method, models.PROTECT, related_name="reported_scores")
    category = models.CharField(max_length=100)
    metric = models.CharField(max_length=40)
    variant = models.CharField(max_length=60, blank=True)
    mean = models.FloatField()
    std = models.FloatField()
    n = models.PositiveSmallIntegerField("runs")
    std_ddof = models.PositiveSmallIntegerField(
        help_text="What the source's std divides by: n minus this."
    )
    source = models.CharField(max_length=100)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("dataset_version", "method", "metric", "variant", "category")
        constraints = [
            models.UniqueConstraint(
                "dataset_version",
                "method",
                "metric",
                "variant",
                "category",
                name="reported_once",
            ),
            models.CheckConstraint(
                condition=Q(mean__gte=0, mean__lte=1, std__gte=0), name="reported_is_a_fraction"
            ),
        ]

    def __str__(self) -> str:
        metric = BY_FLAT_KEY[self.metric].name if self.metric in BY_FLAT_KEY else self.metric
        return f"{self.method} on {self.category}: {metric} {self.mean:.1%} ({self.source})"
