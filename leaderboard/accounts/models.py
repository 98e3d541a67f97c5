"""People, and the teams in whose name they submit."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leaderboard.accounts.mailing import Mailed
from leaderboard.text import name_key, tidy_name

TEAM_NAME_LENGTH = 60


class User(AbstractUser):
    """A person who signs in with a name or an email address and a password."""

    wants_mail = models.BooleanField(
        "mail on results",
        default=True,
        db_default=True,
        help_text="Whether mail says that a submission was scored, rejected or failed.",
    )


class TeamQuerySet(models.QuerySet["Team"]):
    def of(self, user: User | AnonymousUser) -> TeamQuerySet:
        """The teams that a person is a member of."""
        return self.filter(memberships__user=user.pk) if user.is_authenticated else self.none()


class Team(models.Model):
    """People who submit in one name. What was submitted so is the team's, whoever leaves it."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=TEAM_NAME_LENGTH)
    name_key = models.CharField(max_length=4 * TEAM_NAME_LENGTH, unique=True, editable=False)
    created = models.DateTimeField(db_default=Now(), editable=False)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="teams"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name_key = name_key(self.name)
        if "name" in (kwargs.get("update_fields") or ()):
            kwargs["update_fields"] = [*kwargs["update_fields"], "name_key"]
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Tidy the name; raises ValidationError where another team reads alike."""
        try:
            self.name = tidy_name(self.name, TEAM_NAME_LENGTH)
        except ValidationError as error:
            raise ValidationError({"name": error.messages}) from error
        alike = Team.objects.filter(name_key=name_key(self.name)).exclude(pk=self.pk)
        if alike.exists():
            raise ValidationError({"name": "There is a team of this name already."})

    def role_of(self, user: User | AnonymousUser) -> str:
        """A person's role in the team; empty for anybody else."""
        row = self.memberships.filter(user=user.pk).values_list("role", flat=True).first()
        return row or ""


class Role(models.TextChoices):
    """Owners look after the team and all its submissions, members after their own."""

    OWNER = "owner"
    MEMBER = "member"


class Membership(models.Model):
    """A person's place in a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    joined = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("joined", "id")
        constraints = [models.UniqueConstraint("team", "user", name="member_once_a_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those that can still be accepted."""
        unanswered = self.filter(accepted_at=None, revoked_at=None, team__isnull=False)
        return unanswered.filter(expires__gt=Now())


class Invitation(Mailed):
    """An invitation to a team: whoever has its link may accept it, once.

    The link is signed and not stored. Rows stay when their team goes, because
    how often a person invites is limited.
    """

    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="invitations")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(blank=True, help_text="Where mail takes it; empty: nowhere.")
    created = models.DateTimeField(db_default=Now(), editable=False)
    expires = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ("created",)
        indexes = [
            models.Index("send_at", condition=Q(send_at__isnull=False), name="invitation_to_send"),
        ]

    def __str__(self) -> str:
        return f"{self.email or 'a link'} to {self.team}"
