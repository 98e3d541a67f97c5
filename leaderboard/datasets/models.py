"""Datasets, their versions and what a version's manifest says."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leaderboard.scorer import scorer_version


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
    ``height`` of its images in pixels, the counts ``train`` and ``test``, and
    where labels are public also the count ``good``, ``folders`` with the count
    of each defect folder, ``defects`` (the entries of ``defects_config.json``)
    and, for some presets, ``groups`` of folders. Where labels are hidden these
    stay in the private part; where such labels were opened, ``opaque_ids`` is true.

    ``hashes`` and ``files`` hold the SHA-256 and the size in bytes of each
    download by its name, such as ``pipe_clip-train.zip``; ``sources`` the
    SHA-256 of the zips that were imported.
    """

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    version = models.CharField(max_length=40)
    labels = models.CharField(max_length=10, choices=Labels.choices, default=Labels.PUBLIC)
    manifest = models.JSONField(default=dict)
    preset = models.CharField(max_length=20, default="generic")
    hashes = models.JSONField(default=dict, blank=True, editable=False)
    files = models.JSONField(default=dict, blank=True, editable=False)
    sources = models.JSONField(default=dict, blank=True, editable=False)
    content_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    doi = models.CharField("DOI", max_length=100, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    citation = models.TextField(blank=True)
    imported_at = models.DateTimeField(null=True, blank=True)
    scorer_version = models.CharField(
        max_length=20,
        blank=True,
        editable=False,
        help_text="The scorer whose scores the board shows; empty until there are any.",
    )
    is_current = models.BooleanField(default=True)
    submissions_per_day = models.PositiveSmallIntegerField(
        default=2, help_text="A person's, within any 24 hours, in whatever name."
    )
    submissions_per_month = models.PositiveSmallIntegerField(
        default=0, help_text="A person's, within any 30 days; 0: no such limit."
    )
    team_submissions_per_day = models.PositiveSmallIntegerField(
        default=4, help_text="A team's, by all its members together."
    )
    team_submissions_per_month = models.PositiveSmallIntegerField(
        default=0, help_text="A team's, within any 30 days; 0: no such limit."
    )
    rejected_per_day = models.PositiveSmallIntegerField(
        default=20, help_text="How many that are given back a person, or a team, may have."
    )
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

    def n_test(self, category: str) -> int:
        """Test images of a category."""
        entry = self.manifest[category]
        known = entry.get("test")
        return int(known if known is not None else entry["good"] + sum(entry["folders"].values()))

    @property
    def is_hidden(self) -> bool:
        """Whether the labels of the test images are kept from submitters."""
        return self.labels == Labels.HIDDEN

    @property
    def has_opaque_ids(self) -> bool:
        """Whether maps are named by opaque ids: of hidden labels, and of such that were opened."""
        return self.is_hidden or any(entry.get("opaque_ids") for entry in self.manifest.values())

    @property
    def shown_scorer(self) -> str:
        """The scorer version whose scores the board shows, and no other one's."""
        return self.scorer_version or scorer_version()

    @property
    def is_open(self) -> bool:
        """Whether archives can be uploaded and scored here."""
        return self.is_current and self.imported_at is not None


from leaderboard.datasets.acceptance import LicenceAcceptance  # noqa: E402, F401
