"""Methods, submissions, their jobs, scores and events."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.files.storage import storages
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Now
from django.urls import reverse

from leaderboard.accounts.mailing import Mailed
from leaderboard.accounts.models import Membership, Team, User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.scorer import scorer_version
from leaderboard.submissions import names
from leaderboard.submissions.fields import ExactJSONField
from leaderboard.submissions.states import ACTIVE, TERMINAL, JobState, State


class Method(models.Model):
    """A method: what a board's row is about. Its submissions come and go."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=names.LENGTH)
    name_key = models.CharField(max_length=4 * names.LENGTH, unique=True, editable=False)
    is_named = models.BooleanField(
        default=True, editable=False, help_text="False until submission.json has named it."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="methods"
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="methods")
    family = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True)
    backbone = models.CharField(max_length=100, blank=True)
    pretraining_data = models.CharField(max_length=100, blank=True)
    supervision = models.CharField(max_length=60, blank=True)
    paper_url = models.URLField(blank=True)
    code_url = models.URLField(blank=True)
    created = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=Q(owner=None) | Q(team=None), name="method_is_a_persons_or_a_teams"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name_key = names.key(self.name)
        if "name" in (kwargs.get("update_fields") or ()):
            kwargs["update_fields"] = [*kwargs["update_fields"], "name_key"]
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Tidy the name; raises ValidationError where another method reads alike."""
        try:
            self.name = names.tidy(self.name)
        except ValidationError as error:
            raise ValidationError({"name": error.messages}) from error
        if Method.objects.filter(name_key=names.key(self.name)).exclude(pk=self.pk).exists():
            raise ValidationError({"name": "There is a method of this name already."})


class Visibility(models.TextChoices):
    """Who sees a submission. Of an anonymous one everybody sees all but whose it is."""

    PUBLIC = "public"
    ANONYMOUS = "anonymous"
    PRIVATE = "private"


SHOWN = (Visibility.PUBLIC, Visibility.ANONYMOUS)
"""What stands on boards once it is scored."""

ON_BOARDS = Q(visibility__in=SHOWN, state=State.SCORED)
"""The submissions that everybody sees."""

STANDING_ORDER = ("-is_chosen", "-finished", "-created")
"""Of a method's submissions the first in this order stands on the board."""


def shown_scorer(version: str = "") -> Case:
    """As SQL what ``DatasetVersion.shown_scorer`` gives; ``version`` is the path to it."""
    field = f"{version}scorer_version"
    return Case(When(**{field: ""}, then=Value(scorer_version())), default=F(field))


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def visible_to(self, user: User | AnonymousUser) -> SubmissionQuerySet:
        """Those on boards, one's own and one's teams', and everything for staff.

        A public submission is open to everybody only once it is scored: until
        then, and where it was rejected or withdrawn, it is its owner's matter.
        """
        return self if user.is_staff else self.filter(ON_BOARDS | _inside(user))

    def of(self, user: User | AnonymousUser) -> SubmissionQuerySet:
        """A person's own and those of the person's teams, private ones too."""
        return self.filter(_inside(user))

    def on_boards(self) -> SubmissionQuerySet:
        """What boards show: scored, public or anonymous, and with scores of the shown scorer."""
        return self.filter(ON_BOARDS).scored_by()

    def scored_by(self, scorer: str = "") -> SubmissionQuerySet:
        """Those with scores of a scorer version, by default of the one that their board shows."""
        shown = Value(scorer) if scorer else shown_scorer("dataset_version__")
        rows = self.alias(_scorer=shown)
        scores = Score.objects.filter(submission=OuterRef("pk"), scorer_version=OuterRef("_scorer"))
        return rows.filter(Exists(scores))

    def stands(self, method: Method, version: DatasetVersion) -> Submission | None:
        """A method's one current submission on a board, or None; one query for one row."""
        rows = self.on_boards().filter(method=method, dataset_version=version)
        return rows.order_by(*STANDING_ORDER).first()

    def standing(self, version: DatasetVersion, scorer: str = "") -> list[Submission]:
        """A method's one current submission each: its owner's choice, else the latest scored.

        With ``scorer``, as the board would stand on that scorer version.
        """
        rows = (
            self.filter(ON_BOARDS, dataset_version=version)
            .scored_by(scorer)
            .select_related("method")
            .order_by("method_id", *STANDING_ORDER)
        )
        latest: dict[int, Submission] = {}
        for row in rows:
            latest.setdefault(row.method_id, row)
        return list(latest.values())


def _inside(user: User | AnonymousUser) -> Q:
    """What a person sees all of. Who left a team keeps nothing of it, not even what was theirs."""
    if not user.is_authenticated:
        return Q(pk__in=[])
    teams = Membership.objects.filter(user=user.pk).values("team")
    return Q(owner=user.pk, team=None) | Q(team__in=teams)


_OVER = sorted(state.value for state in TERMINAL)


def archive_path(submission: Submission, filename: str) -> str:
    """Where an archive lies in its storage: in a folder named by the submission's id."""
    return f"{submission.pk}/{filename}"


def archive_storage() -> Any:
    """The storage of uploaded archives."""
    return storages["submissions"]


def results_storage() -> Any:
    """The private storage of what a score was made from: image scores and curves."""
    return storages["results"]


class Submission(models.Model):
    """One uploaded archive: 1 to 10 runs of one method on one dataset version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="submissions",
        help_text="Who handed it in.",
    )
    team = models.ForeignKey(
        Team,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="submissions",
        help_text="In whose name, where not in the person's own.",
    )
    dataset_version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="submissions")
    method = models.ForeignKey(Method, models.PROTECT, related_name="submissions")
    visibility = models.CharField(
        max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    is_chosen = models.BooleanField(
        default=False, help_text="The owner's choice for the method's row on the board."
    )

    state = models.CharField(
        max_length=12, choices=State.choices, default=State.DRAFT, editable=False
    )
    attempt = models.PositiveIntegerField(default=1, editable=False)

    archive = models.FileField(
        storage=archive_storage, upload_to=archive_path, blank=True, editable=False
    )
    archive_name = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    size = models.PositiveBigIntegerField(default=0, editable=False)
    declared = models.BooleanField(
        default=False, help_text="No test image was used for training, normalisation or thresholds."
    )
    metadata = models.JSONField(default=dict, blank=True)
    runs = models.JSONField(default=list, blank=True, editable=False)
    categories = models.JSONField(default=list, blank=True, editable=False)
    n_maps = models.PositiveIntegerField(default=0, editable=False)

    problems = models.JSONField(default=list, blank=True, editable=False)
    problem_count = models.PositiveIntegerField(default=0, editable=False)
    failure = models.CharField(max_length=300, blank=True, editable=False)

    created = models.DateTimeField(db_default=Now(), editable=False)
    scoring_began = models.DateTimeField(null=True, editable=False)
    finished = models.DateTimeField(null=True, editable=False)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ("-created",)
        indexes = [
            models.Index("owner", "dataset_version", "created", name="submission_quota"),
            models.Index("team", "dataset_version", "created", name="submission_team_quota"),
            models.Index("dataset_version", "state", name="submission_board"),
            models.Index("sha256", name="submission_archive"),
        ]
        constraints = [
            models.UniqueConstraint(
                "method",
                "dataset_version",
                condition=Q(is_chosen=True),
                name="one_chosen_submission_a_method",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="submission_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(finished__isnull=False, state__in=_OVER)
                | Q(finished__isnull=True) & ~Q(state__in=_OVER),
                name="submission_over_is_finished",
            ),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="submission_attempt_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.method} on {self.dataset_version} ({self.state})"

    @property
    def is_active(self) -> bool:
        """Whether something still happens to it by itself."""
        return self.state in ACTIVE

    @property
    def may_stand(self) -> bool:
        """Whether boards may show it (as ``on_boards`` selects)."""
        return self.visibility in SHOWN and self.state == State.SCORED

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody outside is told whose it is."""
        return self.visibility == Visibility.ANONYMOUS

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL

    @property
    def archive_file(self) -> Path:
        """The stored archive's path, where archives lie in a folder of this machine."""
        return Path(self.archive.path)


class DeletedSubmission(models.Model):
    """What a deleted submission leaves: that it counts, and files that a worker still removes."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    dataset_version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices)
    created = models.DateTimeField()
    scoring_began = models.DateTimeField(null=True)
    deleted = models.DateTimeField(db_default=Now())
    remove_files_at = models.DateTimeField(
        null=True, db_default=Now(), help_text="When a worker looks for files of it next."
    )

    class Meta:
        ordering = ("-deleted",)
        indexes = [
            models.Index("owner", "dataset_version", "created", name="deleted_quota"),
            models.Index("team", "dataset_version", "created", name="deleted_team_quota"),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"


class UploadQuerySet(models.QuerySet["Upload"]):
    def unfinished(self) -> UploadQuerySet:
        """Those that still wait for bytes."""
        return self.filter(submission__state=State.UPLOADING)


class Upload(models.Model):
    """The archive of a submission that arrives in pieces (tus 1.0).

    The row is the truth: the first ``offset`` bytes are safely stored, and
    whatever a storage holds beyond them does not count. ``offset`` advances
    only by `leaderboard.submissions.tus.progress`, under the row's lock.
    """

    submission = models.OneToOneField(
        Submission, models.CASCADE, primary_key=True, related_name="upload"
    )
    key = models.CharField(
        max_length=120,
        unique=True,
        help_text="The owner and the client's Idempotency-Key: asking twice begins one upload.",
    )
    name = models.CharField(max_length=200, help_text="What the archive is stored under.")
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    metadata = models.TextField(blank=True, help_text="Upload-Metadata as the client sent it.")
    fingerprint = models.CharField(
        max_length=100, blank=True, help_text="By which the client knows the file again."
    )
    told_sha256 = models.CharField(max_length=64, blank=True)
    parts = models.JSONField(default=dict, blank=True, help_text="What an object store holds.")
    expires = models.DateTimeField()
    discarded = models.DateTimeField(null=True)
    created = models.DateTimeField(db_default=Now(), editable=False)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ("created",)

    def __str__(self) -> str:
        return f"{self.offset} of {self.length} bytes of {self.submission_id}"

    @property
    def is_whole(self) -> bool:
        return self.offset == self.length


class Rescoring(models.Model):
    """Maintainers have a board's submissions scored again, by another scorer version.

    The board shows what it showed until all of them are, and then changes over
    in one transaction.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        SWITCHED = "switched"
        CANCELLED = "cancelled"

    OPEN = (State.RUNNING, State.PAUSED)
    """The states in which it can still be gone on with."""

    dataset_version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="rescorings")
    scorer_version = models.CharField(max_length=20, help_text="The scorer that scores again.")
    replaced = models.CharField(max_length=20, help_text="The scorer shown when it began.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    switch_when_done = models.BooleanField(
        default=False, help_text="Change the board over without asking, once all is scored."
    )
    left_out = models.PositiveIntegerField(
        default=0, help_text="Submissions that could not be scored again when it changed over."
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created = models.DateTimeField(db_default=Now(), editable=False)
    finished = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created", "-id")
        constraints = [
            models.UniqueConstraint(
                "dataset_version",
                condition=Q(state__in=["running", "paused"]),
                name="one_open_rescoring_a_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_version}: {self.replaced} to {self.scorer_version}"

    def get_absolute_url(self) -> str:
        return reverse("submissions:rescoring", args=[self.pk])

    @property
    def is_open(self) -> bool:
        """Whether it can still be gone on with."""
        return self.state in Rescoring.OPEN


class Job(models.Model):
    """One piece of work on a submission. The row is the job; messages only hint at it.

    Who holds ``lease_token`` until ``lease_until`` (by the database's clock)
    may write to the row; ``attempt`` counts the claims.
    """

    class Kind(models.TextChoices):
        VALIDATE = "validate"
        SCORE = "score"
        RESCORE = "rescore"

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="jobs")
    rescoring = models.ForeignKey(
        Rescoring, models.CASCADE, null=True, blank=True, related_name="jobs"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    run = models.CharField(max_length=20, blank=True)
    category = models.CharField(max_length=100, blank=True)

    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True)
    end_by = models.DateTimeField(
        null=True, help_text="The lease is not renewed past this: the job's hard time limit."
    )
    worker = models.CharField(max_length=200, blank=True)

    send_at = models.DateTimeField(db_default=Now(), help_text="When the sweeper sends it next.")
    ready_at = models.DateTimeField(
        db_default=Now(), help_text="No worker takes it before this: the wait between attempts."
    )
    sends = models.PositiveIntegerField(default=0)

    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = ExactJSONField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="The last traceback; for maintainers only.")
    created = models.DateTimeField(db_default=Now(), editable=False)
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                "submission",
                "kind",
                "run",
                "category",
                condition=Q(rescoring=None),
                name="job_once_a_submission",
            ),
            models.UniqueConstraint(
                "rescoring",
                "submission",
                "run",
                "category",
                condition=Q(rescoring__isnull=False),
                name="job_once_a_rescoring",
            ),
            models.CheckConstraint(
                condition=Q(kind="rescore", rescoring__isnull=False)
                | ~Q(kind="rescore") & Q(rescoring__isnull=True),
                name="job_of_a_rescoring_rescores",
            ),
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    state=JobState.RUNNING, lease_token__isnull=False, lease_until__isnull=False
                )
                | Q(lease_token__isnull=True, lease_until__isnull=True)
                & ~Q(state=JobState.RUNNING),
                name="job_lease_iff_running",
            ),
        ]
        indexes = [
            models.Index("state", "send_at", name="job_to_send"),
            models.Index("state", "lease_until", name="job_lease"),
            models.Index("started", name="job_started"),
        ]

    def __str__(self) -> str:
        what = "" if self.kind == Job.Kind.VALIDATE else f" {self.run}/{self.category}"
        return f"{self.kind}{what} of {self.submission_id}"


class Score(models.Model):
    """One category's report of one run: exactly its entry in ``autovi score --json``.

    ``arrays`` is the NPZ file beside it (leaderboard.submissions.arrays says
    what it holds), ``intervals`` the bootstrap intervals of a single run:
    ``{metric: [low, high]}``.
    """

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="scores")
    run = models.CharField(max_length=20)
    category = models.CharField(max_length=100)
    scorer_version = models.CharField(max_length=20)
    report = ExactJSONField()
    intervals = models.JSONField(default=dict, blank=True)
    arrays = models.FileField(storage=results_storage, max_length=300, blank=True, editable=False)
    created = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("submission", "run", "category")
        constraints = [
            models.UniqueConstraint(
                "submission",
                "run",
                "category",
                "scorer_version",
                name="score_once_a_run_category_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run}/{self.category} of {self.submission_id}"


class EventQuerySet(models.QuerySet["Event"]):
    """Events are only ever added; `leaderboard.submissions.guards` holds the database to it."""

    def update(self, **kwargs: Any) -> int:
        raise TypeError("events are append-only: add another one")


class Event(models.Model):
    """Something that happened to a submission, in words for its owner.

    They go after their submission (`leaderboard.submissions.history`), never before it.
    """

    submission = models.ForeignKey(Submission, models.DO_NOTHING, related_name="events")
    at = models.DateTimeField(db_default=Now(), editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=300)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text


class Notice(Mailed):
    """That a submission came to a state, told to one person: on the site, and perhaps by mail."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=12, choices=State.choices)
    attempt = models.PositiveIntegerField()
    created = models.DateTimeField(db_default=Now(), editable=False)
    read_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created", "-id")
        indexes = [
            models.Index("user", "read_at", name="notice_unread"),
            models.Index("send_at", condition=Q(send_at__isnull=False), name="notice_to_send"),
        ]
        constraints = [
            # A submission comes to an end once an attempt: told twice, it is told once.
            models.UniqueConstraint(
                "user", "submission", "kind", "attempt", name="notice_once_a_transition"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user}"
