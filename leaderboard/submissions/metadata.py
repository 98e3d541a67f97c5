"""What submitters tell about a submission: SPEC's fields of ``submission.json``.

The same fields stand on the upload form; what is left blank there is filled
from the archive's ``submission.json`` once it is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from leaderboard.submissions.models import Method
from leaderboard.text import plain_line, plain_lines


class LinkField(forms.URLField):
    """An address of a web page: http or https, and no other scheme."""

    default_validators = [URLValidator(schemes=("http", "https"))]


def _text(label: str, length: int = 100, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=length,
        required=False,
        help_text=help_text,
        validators=[plain_line],
    )


def _number(label: str, help_text: str = "") -> forms.FloatField:
    return forms.FloatField(label=label, min_value=0, required=False, help_text=help_text)


def _url(label: str) -> LinkField:
    return LinkField(
        label=label,
        max_length=200,
        required=False,
        assume_scheme="https",
        help_text="https://...",
        validators=[plain_line],
    )


class MetadataForm(forms.Form):
    """The optional fields, each at most a line; numbers are not negative, links are http(s)."""

    description = forms.CharField(
        label="Description",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[plain_lines],
    )
    family = _text("Family", 60, "such as memory bank, reconstruction, student-teacher")
    backbone = _text("Backbone", 100, "such as Wide ResNet-50-2")
    pretraining_data = _text("Pre-training data", 100, "such as ImageNet-1k, or none")
    supervision = _text("Supervision", 60, "such as one-class, few-shot, zero-shot")
    input_size = _text("Input size", 40, "width x height in pixels, such as 256x256")
    variant = _text("Variant", 100, "what sets this one apart from the method's others")
    hardware = _text("Hardware", 100)
    train_seconds = _number("Training time in seconds")
    images_per_second = _number("Images per second", "at inference")
    seed = _text("Seeds", 100)
    paper_url = _url("Paper")
    code_url = _url("Code")

    def told(self) -> dict[str, Any]:
        """The fields that were filled in, cleaned. Call after ``is_valid``."""
        fields = MetadataForm.base_fields
        return {
            key: self.cleaned_data[key]
            for key in fields
            if self.cleaned_data.get(key) not in (None, "")
        }


METHOD_FIELDS = (
    "family",
    "description",
    "backbone",
    "pretraining_data",
    "supervision",
    "paper_url",
    "code_url",
)
"""What is said of the method itself; a submission's other fields are its own."""


@dataclass(frozen=True)
class Told:
    """A stranger's ``submission.json``: what can be used of it, and a line on what cannot."""

    values: dict[str, Any]
    notes: tuple[str, ...] = ()


def clean(metadata: Mapping[str, Any]) -> Told:
    """The known fields of a stranger's ``submission.json`` that hold usable values.

    Nothing in it raises: what cannot be used is left out and noted.
    """
    known = {key: value for key, value in metadata.items() if key in MetadataForm.base_fields}
    scalars = {key: _as_typed(value) for key, value in known.items() if _is_scalar(value)}
    form = MetadataForm(scalars)
    form.is_valid()
    errors = form.errors.as_data()
    notes = [_note(key, errors[key][0], scalars[key]) for key in scalars if key in errors]
    notes += [
        f"submission.json: {key} is a {type(value).__name__}; expected text or a number"
        for key, value in known.items()
        if key not in scalars and value is not None
    ]
    return Told(form.told(), tuple(notes))


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _as_typed(value: str | int | float) -> str:
    """The value as somebody would have typed it into the form."""
    return value if isinstance(value, str) else repr(value)


def _note(key: str, error: ValidationError, value: str) -> str:
    if error.code == "max_length":
        most = MetadataForm.base_fields[key].max_length  # type: ignore[attr-defined]
        return f"submission.json: {key} is too long ({len(value)} characters; at most {most})"
    return f"submission.json: {key}: {error.messages[0]}"


def describe_method(method: Method, metadata: Mapping[str, Any]) -> None:
    """Fill the blank fields of a method and save them.

    Its page shows them to everybody: call it for public submissions only.
    """
    blank = [key for key in METHOD_FIELDS if not getattr(method, key) and metadata.get(key)]
    for key in blank:
        setattr(method, key, metadata[key])
    if blank:
        method.save(update_fields=blank)


def told(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """What was told, for a page: (label, {"text": ...} or {"link": ...}) in the form's order."""
    shown = []
    for key, field in MetadataForm.base_fields.items():
        if metadata.get(key) not in (None, ""):
            kind = "link" if isinstance(field, forms.URLField) else "text"
            shown.append((str(field.label), {kind: str(metadata[key])}))
    return shown
