"""Pages of teams: found one, invite, join, leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard.accounts import invitations
from leaderboard.accounts.models import TEAM_NAME_LENGTH, Invitation, Role, Team
from leaderboard.accounts.services.appoint import appoint
from leaderboard.accounts.services.delete_team import delete_team
from leaderboard.accounts.services.found_team import found_team
from leaderboard.accounts.services.invite import invite, revoke
from leaderboard.accounts.services.join_team import join_team
from leaderboard.accounts.services.leave_team import leave_team, remove_member
from leaderboard.accounts.services.refused import TeamRefused
from leaderboard.accounts.services.rename_team import rename_team


class NameForm(forms.Form):
    """A team's name."""

    name = forms.CharField(label="Name", max_length=TEAM_NAME_LENGTH)


class InviteForm(forms.Form):
    """Whom to invite."""

    email = forms.EmailField(
        label="Email address",
        required=False,
        help_text="Left empty, you get a link to pass on yourself.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def teams(request: HttpRequest) -> HttpResponse:
    """The reader's teams, and a form for a new one."""
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(
                "teams:team", found_team(form.cleaned_data["name"], _user(request)).slug
            )
        except TeamRefused as refused:
            form.add_error("name", str(refused))
    memberships = _user(request).memberships.select_related("team").order_by("team__name")
    context = {"memberships": memberships, "form": form}
    return render(request, "teams/index.html", context, status=422 if form.errors else 200)


@require_safe
@login_required
@never_cache
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """A team: its members, and for its owners what can be done about them."""
    found, role = _own(request, slug)
    is_owner = role == Role.OWNER
    open_ones = Invitation.objects.open().filter(team=found) if is_owner else []
    context = {
        "team": found,
        "is_owner": is_owner,
        "memberships": found.memberships.select_related("user"),
        "invitations": [
            (each, request.build_absolute_uri(invitations.path(each))) for each in open_ones
        ],
        "invite_form": InviteForm(),
        "name_form": NameForm(initial={"name": found.name}),
    }
    return render(request, "teams/team.html", context)


@require_POST
@login_required
def send_invitation(request: HttpRequest, slug: str) -> HttpResponse:
    """Invite somebody."""
    found, _ = _own(request, slug)
    form = InviteForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That is no email address.")
        return redirect("teams:team", slug)
    email = form.cleaned_data["email"]
    said = f"{email} gets a mail with the link." if email else "Pass on the link below."
    return _done(request, slug, lambda: invite(found.pk, _user(request), email), said)


@require_POST
@login_required
def take_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Take an invitation back."""
    found, _ = _own(request, slug)
    number = _number(request, "invitation")
    return _done(
        request, slug, lambda: revoke(found.pk, number, _user(request)), "It is taken back."
    )


@require_POST
@login_required
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove a member."""
    found, _ = _own(request, slug)
    person = _number(request, "person")
    return _done(
        request,
        slug,
        lambda: remove_member(found.pk, person, _user(request)),
        "The member is removed.",
    )


@require_POST
@login_required
def role(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a member an owner, or an owner a member."""
    found, _ = _own(request, slug)
    person, wanted = _number(request, "person"), request.POST.get("role", "")
    return _done(
        request,
        slug,
        lambda: appoint(found.pk, person, wanted, _user(request)),
        "The role is changed.",
    )


@require_POST
@login_required
def rename(request: HttpRequest, slug: str) -> HttpResponse:
    """Rename the team."""
    found, _ = _own(request, slug)
    name = request.POST.get("name", "")
    return _done(
        request, slug, lambda: rename_team(found.pk, name, _user(request)), "The team is renamed."
    )


@require_POST
@login_required
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Leave the team."""
    found, _ = _own(request, slug)
    left = _done(request, slug, lambda: leave_team(found.pk, _user(request)), f"You left {found}.")
    return left if found.role_of(_user(request)) else redirect("teams:teams")


@require_POST
@login_required
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete the team."""
    found, _ = _own(request, slug)
    answer = _done(
        request, slug, lambda: delete_team(found.pk, _user(request)), f"{found} is deleted."
    )
    gone = not Team.objects.filter(slug=slug).exists()
    return redirect("teams:teams") if gone else answer


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page of an invitation's link, on which it is accepted."""
    found = invitations.find(token)
    if found is None or found.team is None:
        return render(request, "teams/no_invitation.html", status=404)
    if request.method == "POST":
        try:
            joined = join_team(found, _user(request))
        except TeamRefused as refused:
            messages.error(request, str(refused))
            return redirect("teams:teams")
        messages.success(request, f"You are a member of {joined} now.")
        return redirect("teams:team", joined.slug)
    return render(request, "teams/invitation.html", {"invitation": found})


def _own(request: HttpRequest, slug: str) -> tuple[Team, str]:
    """A team of the reader's and their role in it; Http404 for anybody else's."""
    found = get_object_or_404(Team.objects.of(_user(request)), slug=slug)
    return found, found.role_of(_user(request))


def _done(request: HttpRequest, slug: str, act: Callable[[], object], said: str) -> HttpResponse:
    """Do it and say so on the team's page, or say why not."""
    try:
        act()
    except TeamRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)
    return redirect("teams:team", slug)


def _number(request: HttpRequest, name: str) -> int:
    try:
        return int(request.POST.get(name, ""))
    except ValueError:
        raise Http404(f"{name}: expected a number") from None


def _user(request: HttpRequest) -> Any:
    return request.user
