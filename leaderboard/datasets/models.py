"""Datasets, their versions and what a version's manifest says."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Dataset(models.Model):
    """A dataset; its versions are what boards stand on."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    def current(self) -> DatasetVersionQuerySet:
        """One version a dataset: the one its board shows and takes uploads for."""
        return self.filter(is_current=True).select_related("dataset")

    def imported(self) -> DatasetVersionQuerySet:
        """The versions whose files are on this server."""
        return self.filter(imported_at__isnull=False)


class Labels(models.TextChoices):
    """Whether the test images' labels are known to submitters."""

    PUBLIC = "public"
    HIDDEN = "hidden"


class DatasetVersion(models.Model):
    """One version of a dataset: its labels, its manifest, its licence, its quotas.

    ``manifest`` holds, a category: ``label`` (short name), ``width`` and
    ``height`` of its images in pixels, the counts ``train`` and ``good``, and
    ``folders`` with the count of each defect folder.
    """

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    version = models.CharField(max_length=40)
    labels = models.CharField(max_length=10, choices=Labels.choices, default=Labels.PUBLIC)
    manifest = models.JSONField(default=dict)
    content_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    doi = models.CharField("DOI", max_length=100, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    citation = models.TextField(blank=True)
    imported_at = models.DateTimeField(null=True, blank=True)
    is_current = models.BooleanField(default=True)
    submissions_per_day = models.PositiveSmallIntegerField(default=2)
    rejected_per_day = models.PositiveSmallIntegerField(default=20)
    max_runs = models.PositiveSmallIntegerField(default=10)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        ordering = ("dataset__name", "-is_current", "version")
        constraints = [
            models.UniqueConstraint("dataset", "version", name="dataset_version_once"),
            models.UniqueConstraint(
                "dataset", condition=Q(is_current=True), name="one_current_version_a_dataset"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset.name} {self.version}"

    @property
    def slug(self) -> str:
        """The dataset's slug: the address of its board."""
        return self.dataset.slug

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of all categories, in the manifest's order."""
        return tuple(sorted(self.manifest))

    def label(self, category: str) -> str:
        """The short name that tables show for a category."""
        return self.manifest.get(category, {}).get("label") or category

    @property
    def is_open(self) -> bool:
        """Whether archives can be uploaded and scored here.

        Not where labels are hidden: pages would tell more than they may.
        """
        here = self.is_current and self.imported_at is not None
        return here and self.labels == Labels.PUBLIC
