"""The one form: accepting a licence."""

from __future__ import annotations

from django import forms


class AcceptForm(forms.Form):
    """A box to tick, and the file that the reader came for."""

    accept = forms.BooleanField(
        label="I accept the licence", error_messages={"required": "Tick the box to download."}
    )
    file = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)
