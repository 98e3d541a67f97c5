"""Pages on which a submission or a method is changed for good: asked first, then done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from leaderboard.submissions import names, policies
from leaderboard.submissions.forms import VISIBILITIES
from leaderboard.submissions.models import Method, Submission
from leaderboard.submissions.services.change_visibility import (
    NotChanged,
    change_visibility,
    siblings,
)
from leaderboard.submissions.services.delete import NotDeleted, delete
from leaderboard.submissions.services.name_method import NameRefused
from leaderboard.submissions.services.rename_method import rename_method

asked_first = require_http_methods(["GET", "HEAD", "POST"])


class VisibilityForm(forms.Form):
    """Who is to see a submission."""

    visibility = forms.ChoiceField(
        label="Visibility", choices=VISIBILITIES, widget=forms.RadioSelect
    )


class NameForm(forms.Form):
    """A method's new name."""

    name = forms.CharField(label="Name", max_length=names.LENGTH)


@asked_first
@login_required
@never_cache
def visibility(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a submission private, anonymous or public."""
    submission = managed(request, pk)
    form = VisibilityForm(request.POST or None, initial={"visibility": submission.visibility})
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["visibility"]
        try:
            others = change_visibility(submission.pk, chosen, _user(request))
        except NotChanged as refused:
            form.add_error("visibility", str(refused))
        else:
            more = f", and {len(others)} more of its method with it" if others else ""
            messages.success(request, f"The submission is {chosen} now{more}.")
            return redirect("submissions:detail", pk)
    alike = {shown: len(siblings(submission, shown)) for shown, _ in VISIBILITIES}
    context = {"submission": submission, "form": form, "others": max(alike.values())}
    status = 422 if form.errors else 200
    return render(request, "submissions/visibility.html", context, status=status)


@asked_first
@login_required
@never_cache
def delete_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a submission and everything of it."""
    submission = managed(request, pk)
    if request.method != "POST":
        is_last = not submission.method.submissions.exclude(pk=submission.pk).exists()
        context = {"submission": submission, "is_last": is_last}
        return render(request, "submissions/delete.html", context)
    name = submission.method.name
    try:
        delete(submission.pk, _user(request))
    except NotDeleted as error:
        messages.error(request, str(error))
        return redirect("submissions:detail", pk)
    messages.success(request, f"The submission of {name} is deleted.")
    return redirect("submissions:mine")


@asked_first
@login_required
@never_cache
def rename(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a method another name."""
    method = get_object_or_404(Method.objects.select_related("team", "owner"), slug=slug)
    if not policies.may_rename(_user(request), method):
        raise Http404(f"{slug} is somebody else's")
    form = NameForm(request.POST or None, initial={"name": method.name})
    if request.method == "POST" and form.is_valid():
        try:
            method = rename_method(method.pk, form.cleaned_data["name"], _user(request))
        except NameRefused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, f"The method is called {method} now.")
            return redirect("submissions:mine")
    status = 422 if form.errors else 200
    context = {"method": method, "form": form}
    return render(request, "submissions/rename.html", context, status=status)


def managed(request: HttpRequest, pk: UUID) -> Submission:
    """The submission where the reader manages it; Http404 otherwise."""
    rows = Submission.objects.visible_to(_user(request)).select_related(
        "method", "owner", "team", "dataset_version__dataset"
    )
    submission = get_object_or_404(rows, pk=pk)
    if not policies.manages(_user(request), submission):
        raise Http404(f"{pk} is somebody else's")
    return submission


def _user(request: HttpRequest) -> Any:
    return request.user
