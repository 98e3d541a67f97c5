"""The upload form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.template.defaultfilters import filesizeformat

from leaderboard.accounts.models import Team, User
from leaderboard.submissions.metadata import MetadataForm
from leaderboard.submissions.models import Method, Visibility
from leaderboard.submissions.policies import conflict, may_use
from leaderboard.submissions.services.name_method import NameRefused, usable_name
from leaderboard.submissions.services.submit import (
    ARCHIVE_ENDINGS,
    About,
    Handed,
    archive_ending,
)
from leaderboard.text import plain_line

VISIBILITIES = [
    (Visibility.PUBLIC, "Public: a row on the board once it is scored"),
    (Visibility.ANONYMOUS, "Anonymous: the same, but nobody is told whose it is"),
    (Visibility.PRIVATE, "Private: only you, your team and the maintainers see it"),
]


class DetailsForm(MetadataForm):
    """What is told of an archive: its method, and the optional fields of ``submission.json``."""

    team = forms.ModelChoiceField(
        label="In the name of",
        queryset=Team.objects.none(),
        required=False,
        empty_label="Yourself",
        help_text="A team's members all see it, and it counts for you and for the team.",
    )
    method = forms.ModelChoiceField(
        label="Method",
        queryset=Method.objects.none(),
        required=False,
        empty_label="A new method",
    )
    method_name = forms.CharField(
        label="Name of the new method",
        max_length=80,
        required=False,
        help_text="Only for a new method. It becomes the row on the board. Left empty, the "
        "archive's submission.json has to name it.",
    )
    visibility = forms.ChoiceField(
        label="Visibility",
        choices=VISIBILITIES,
        initial=Visibility.PUBLIC,
        widget=forms.RadioSelect,
    )
    declared = forms.BooleanField(
        label="No test image was used for training, normalisation or thresholds.",
        error_messages={
            "required": "The declaration is needed: scores that rest on test images cannot be "
            "compared."
        },
    )

    def __init__(self, owner: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owner = owner
        teams = Team.objects.of(owner)
        method, team = self.fields["method"], self.fields["team"]
        assert isinstance(method, forms.ModelChoiceField)
        assert isinstance(team, forms.ModelChoiceField)
        method.queryset = Method.objects.filter(_usable(owner), is_named=True)
        team.queryset = teams
        if not teams.exists():
            del self.fields["team"]

    def clean_method_name(self) -> str:
        name = self.cleaned_data["method_name"]
        try:
            return usable_name(self._owner, name) if name else ""
        except NameRefused as refused:
            raise forms.ValidationError(str(refused)) from refused

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        method, name = data.get("method"), data.get("method_name")
        if method and name:
            self.add_error(
                "method_name",
                "Leave this empty, or choose a new method above.",
            )
        elif method and not may_use(self._owner, method, data.get("team")):
            self.add_error("method", f"{method} is {_whose(method)}: submit in that name.")
        elif method and (said := conflict(method, data.get("visibility", ""))):
            self.add_error("visibility", f"{said}.")
        return data

    def about_archive(self, name: str) -> About:
        """What the submit service takes of an archive of this name. Call after ``is_valid``."""
        data = self.cleaned_data
        return About(
            archive_name=name,
            method=data["method"],
            method_name=data["method_name"],
            visibility=data["visibility"],
            declared=data["declared"],
            metadata=self.told(),
            team=data.get("team"),
        )


class SubmitForm(DetailsForm):
    """The form with the archive itself."""

    archive = forms.FileField(label="Archive of anomaly maps")

    def __init__(self, owner: User, *args: Any, too_large: str = "", **kwargs: Any) -> None:
        """``too_large`` is the name of a file that was not taken because it is."""
        super().__init__(owner, *args, **kwargs)
        archive = self.fields["archive"]
        archive.widget.attrs["accept"] = ",".join([*ARCHIVE_ENDINGS, ".gz"])
        most = filesizeformat(settings.MAX_UPLOAD_BYTES).replace(".0", "")
        archive.help_text = f".zip, .tar or .tar.gz, at most {most}"
        if too_large:
            archive.error_messages["required"] = f"{too_large}: larger than {most}."

    def clean_archive(self) -> Any:
        archive = self.cleaned_data["archive"]
        check_archive_name(archive.name)
        return archive

    def handed(self) -> Handed:
        """What the submit service takes. Call after ``is_valid``."""
        archive = self.cleaned_data["archive"]
        about = self.about_archive(archive.name)
        return Handed.of(about, archive, archive.sha256)


class UploadForm(DetailsForm):
    """The same fields of an upload in pieces, whose archive is to follow."""

    filename = forms.CharField(
        max_length=255, validators=[plain_line], error_messages={"required": "It has no name."}
    )
    fingerprint = forms.CharField(max_length=100, required=False, validators=[plain_line])
    sha256 = forms.RegexField(r"\A[0-9a-fA-F]{64}\Z", required=False)

    def clean_filename(self) -> str:
        name: str = self.cleaned_data["filename"]
        check_archive_name(name)
        return name

    def about(self) -> About:
        """What the service that begins an upload takes. Call after ``is_valid``."""
        return self.about_archive(self.cleaned_data["filename"])


def check_archive_name(name: str) -> None:
    """Raises ValidationError where a file's name has no ending of an archive."""
    if archive_ending(name) is None:
        expected = ", ".join(ARCHIVE_ENDINGS)
        raise forms.ValidationError(f"{name}: not an archive; expected {expected}.")


def _usable(owner: User) -> Q:
    """The methods that ``policies.may_use`` allows, in one's own name or a team's."""
    usable = Q(owner=owner) | Q(team__in=Team.objects.of(owner))
    return usable | Q(owner=None, team=None) if owner.is_staff else usable


def _whose(method: Method) -> str:
    return f"a method of {method.team}" if method.team else "your own method"
