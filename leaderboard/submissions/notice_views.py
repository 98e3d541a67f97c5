"""Pages of notices: read them, and choose whether mail brings them too."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from leaderboard.submissions.models import Notice
from leaderboard.submissions.notices import read

PAGE_LENGTH = 25


@require_safe
@login_required
@never_cache
def notices(request: HttpRequest) -> HttpResponse:
    """What happened to the reader's submissions, newest first."""
    rows = _own(request).select_related(
        "submission__method", "submission__dataset_version__dataset", "submission__team"
    )
    page = Paginator(rows, PAGE_LENGTH).get_page(request.GET.get("page"))
    return render(request, "submissions/notices.html", {"page": page})


@require_safe
@login_required
@never_cache
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a notice as read and go to its submission."""
    notice = get_object_or_404(_own(request), pk=pk)
    read(_user(request), notice.pk)
    return redirect("submissions:detail", notice.submission_id)


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all notices as read."""
    read(_user(request))
    return redirect("submissions:notices")


@require_POST
@login_required
def mail(request: HttpRequest) -> HttpResponse:
    """Switch mail on results on or off."""
    user = _user(request)
    user.wants_mail = bool(request.POST.get("wants_mail"))
    user.save(update_fields=["wants_mail"])
    how = "is sent to you" if user.wants_mail else "is no longer sent to you"
    messages.success(request, f"Mail on results {how}.")
    return redirect("submissions:notices")


def _own(request: HttpRequest) -> Any:
    return Notice.objects.filter(user=_user(request))


def _user(request: HttpRequest) -> Any:
    return request.user
