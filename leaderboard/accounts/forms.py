"""Allauth's forms with their labels in sentence case, as everywhere on the site."""

from __future__ import annotations

from typing import Any

from allauth.account import forms

NEW = {"password1": "New password", "password2": "New password (again)"}


class ChangePassword(forms.ChangePasswordForm):
    """The current password and twice the new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields, oldpassword="Current password", **NEW)


class NewPassword(forms.ResetPasswordKeyForm):
    """Twice the new password, behind the link of a mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields, **NEW)


def _label(fields: dict[str, Any], **labels: str) -> None:
    """Name the fields; allauth repeats a label inside its field, where it only is in the way."""
    for name, label in labels.items():
        fields[name].label = label
        fields[name].widget.attrs.pop("placeholder", None)
