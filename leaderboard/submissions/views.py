"""Pages of submissions: hand in, follow, read, withdraw."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from leaderboard.accounts.models import Team
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions import authorship, hidden, policies
from leaderboard.submissions.duplicates import duplicates
from leaderboard.submissions.following import Following, aloud, follow
from leaderboard.submissions.forms import SubmitForm
from leaderboard.submissions.history import LOG
from leaderboard.submissions.manage_views import managed
from leaderboard.submissions.metadata import MetadataForm, told
from leaderboard.submissions.models import Event, Submission, Upload
from leaderboard.submissions.results import report_json, rescored, results
from leaderboard.submissions.services.choose import NotChoosable, choose
from leaderboard.submissions.services.name_method import NameRefused, SubmitRefused
from leaderboard.submissions.services.submit import submit
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import State
from leaderboard.submissions.timeline import steps
from leaderboard.submissions.transitions import IllegalTransition
from leaderboard.submissions.uploads import ArchiveUploadHandler, is_too_long
from scoring.registry import METRICS

PAGE_LENGTH = 25
NO_ROOM = (
    "The server has no room for the archive now, and kept nothing. Please send it again later."
)


@require_safe
@login_required
def boards(request: HttpRequest) -> HttpResponse:
    """Which board to submit to, with what is left of the quota on each."""
    versions = DatasetVersion.objects.current()
    rows = [(version, _quotas(request, version)) for version in versions]
    return render(request, "submissions/boards.html", {"rows": rows})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def submit_form(request: HttpRequest, slug: str) -> HttpResponse:
    """The upload form of one board.

    Nothing of a request's body is read before it is known who sends it and
    that there is room for it: checking the form's token reads it, which is why
    that check stands inside.
    """
    version = get_object_or_404(DatasetVersion.objects.current(), dataset__slug=slug)
    left = policies.quota(_user(request), version)
    if request.method == "POST" and is_too_long(request):
        most = filesizeformat(settings.MAX_UPLOAD_BYTES)
        return _submit_page(
            request, version, left, said=f"An archive is at most {most}.", status=413
        )
    if request.method == "POST" and not (version.is_open and left.left):
        return _submit_page(request, version, left, said="No submission is left.", status=422)
    request.upload_handlers = [ArchiveUploadHandler(request)]
    return _submit(request, version, left)


@csrf_protect
def _submit(request: HttpRequest, version: DatasetVersion, left: policies.Quota) -> HttpResponse:
    if request.method != "POST":
        return _submit_page(request, version, left)
    owner, files = _user(request), request.FILES
    handler: Any = request.upload_handlers[0]
    if handler.no_room:
        left = policies.quota(owner, version)
        return _submit_page(request, version, left, said=NO_ROOM, status=507)
    form = SubmitForm(owner, request.POST, files, too_large=handler.too_large)
    if form.is_valid():
        try:
            return redirect("submissions:detail", submit(owner, version, form.handed()).pk)
        except SubmitRefused as refused:
            field = "method_name" if isinstance(refused, NameRefused) else None
            form.add_error(field, str(refused))
    return _submit_page(request, version, policies.quota(owner, version), form, status=422)


def _submit_page(
    request: HttpRequest,
    version: DatasetVersion,
    left: policies.Quota,
    form: SubmitForm | None = None,
    *,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    form = form or SubmitForm(_user(request))
    context = {
        "version": version,
        "form": form,
        "said": said,
        "quota": left,
        "quotas": _quotas(request, version),
        "details": [form[name] for name in MetadataForm.base_fields],
        "unfinished": _unfinished(request, version),
        "most": settings.MAX_RESUMABLE_BYTES,
        "idle_hours": _idle_hours(),
    }
    return render(request, "submissions/submit.html", context, status=status)


def _unfinished(request: HttpRequest, version: DatasetVersion) -> QuerySet[Upload]:
    """The reader's uploads to a board that still wait for bytes."""
    mine = {"submission__owner": _user(request), "submission__dataset_version": version}
    rows = Upload.objects.unfinished().filter(**mine, offset__lt=F("length"))
    return rows.select_related("submission__method")


@require_safe
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """The reader's submissions and those of their teams, newest first."""
    rows = Submission.objects.of(_user(request)).select_related(
        "method", "owner", "team", "dataset_version__dataset"
    )
    team = Team.objects.of(_user(request)).filter(slug=request.GET.get("team", "")).first()
    if team is not None:
        rows = rows.filter(team=team)
    page = Paginator(rows, PAGE_LENGTH).get_page(request.GET.get("page"))
    return render(request, "submissions/mine.html", {"page": page, "team": team})


@require_safe
@never_cache
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One submission: where it stands, and what came of it."""
    return render(request, "submissions/detail.html", _context(request, _visible(request, pk)))


@require_safe
@never_cache
def progress(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What changed of the page since ``?seen=``: 204 for nothing, the part that counts up while it
    is under way, or with another state all of the living part."""
    context = _context(request, _visible(request, pk))
    seen, marks = request.GET.get("seen", "").split("-"), context["seen"].split("-")
    if seen == marks:
        return HttpResponse(status=204)
    context["announce"] = seen[1:2] != marks[1:2]
    if seen[0] == marks[0]:
        return render(request, "submissions/_now.html", context)
    answer = render(request, "submissions/_live.html", context)
    return retarget(reswap(answer, "outerHTML"), "#live")


@require_safe
@never_cache
def report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The exact bytes of ``autovi score --json`` for the archive; a summary for hidden labels."""
    submission = _visible(request, pk)
    if submission.state != State.SCORED:
        raise Http404(f"{submission.pk} is not scored")
    response = HttpResponse(report_json(submission), content_type="application/json")
    response["Content-Disposition"] = f'inline; filename="{submission.pk}.json"'
    return response


@require_POST
@login_required
def withdraw_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """It is taken back."""
    submission = managed(request, pk)
    try:
        withdraw(submission.pk, _user(request))
        messages.success(request, "The submission is withdrawn.")
    except IllegalTransition:
        messages.error(request, f"Nothing to withdraw: the submission is {submission.state}.")
    return redirect("submissions:detail", pk)


@require_POST
@login_required
def choose_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """It is to stand for its method."""
    submission = managed(request, pk)
    try:
        choose(submission.pk, _user(request))
        messages.success(request, "This submission is now the method's row on the board.")
    except NotChoosable as error:
        messages.error(request, str(error))
    return redirect("submissions:detail", pk)


def _user(request: HttpRequest) -> Any:
    return request.user


def _visible(request: HttpRequest, pk: UUID) -> Submission:
    """The submission where the reader may see it; Http404 otherwise."""
    rows = Submission.objects.visible_to(_user(request)).select_related(
        "method", "owner", "team", "dataset_version__dataset"
    )
    return get_object_or_404(rows, pk=pk)


def _quotas(request: HttpRequest, version: DatasetVersion) -> list[policies.Quota]:
    """The reader's quota on a board, and those of their teams."""
    own = policies.quota(_user(request), version)
    teams = Team.objects.of(_user(request))
    return [own, *(policies.team_quota(team, version) for team in teams)]


def _context(request: HttpRequest, submission: Submission) -> dict[str, Any]:
    user = _user(request)
    inside = policies.sees_problems(user, submission)
    jobs = list(submission.jobs.filter(rescoring=None)) if inside else []
    events = list(submission.events.select_related("actor")) if inside else []
    arriving = inside and submission.state == State.UPLOADING
    upload = Upload.objects.filter(pk=submission.pk).first() if arriving else None
    manages = policies.manages(user, submission)
    following = follow(submission, jobs) if inside else None
    context = {
        "submission": submission,
        "version": submission.dataset_version,
        "inside": inside,
        "following": following,
        "aloud": aloud(submission, following),
        "events": [event for event in events if event.kind != LOG],
        "log": [event for event in events if event.kind == LOG],
        "steps": steps(submission),
        "problems": [line.partition(": ") for line in submission.problems],
        "unlisted": submission.problem_count - len(submission.problems),
        "may_withdraw": policies.may_withdraw(user, submission),
        "manages": manages,
        "may_choose": policies.may_choose(user, submission),
        # Asked where the page is drawn only, not at every look for something new.
        "duplicates": SimpleLazyObject(lambda: duplicates(submission, user)),
        "author": authorship.author(submission, user),
        "is_kept": authorship.is_kept_from(user, submission),
        "told": told(authorship.told_metadata(submission, user)),
        "metrics": hidden.METRICS if submission.dataset_version.is_hidden else METRICS,
        "upload": upload,
        "idle_hours": _idle_hours(),
        "seen": _seen(submission, events, following, upload.offset if upload else 0),
    }
    if manages:
        context["quotas"] = policies.quotas(user, submission.team, submission.dataset_version)
    if submission.state == State.SCORED:
        context["results"] = results(submission)
        context["rescoring"] = rescored(submission)
    return context


def _idle_hours() -> str:
    return f"{settings.UPLOAD_IDLE_HOURS:g}"


def _seen(
    submission: Submission, events: list[Event], following: Following | None, arrived: int
) -> str:
    """Three marks: one changes with the living part of the page, one with what is read aloud, one
    with what counts up."""
    log = sum(event.kind == LOG for event in events)
    whole = (
        *(submission.state, submission.attempt, submission.is_chosen, submission.sha256),
        len(events) - log,
    )
    marks = (whole, aloud(submission, following), (log, following, arrived))
    return "-".join(hashlib.sha256(repr(mark).encode()).hexdigest()[:16] for mark in marks)
