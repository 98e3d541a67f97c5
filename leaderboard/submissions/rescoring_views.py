"""Maintainers' page of a re-scoring: how far it is, what failed, what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from leaderboard.submissions.models import Rescoring
from leaderboard.submissions.services import rescore
from leaderboard.submissions.services.rescore import RescoringRefused

MOST_FAILURES = 100


@require_safe
@never_cache
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The page, or for htmx its living part."""
    rescoring = _rescoring(request, pk)
    failed = rescore.failures(rescoring)
    context = {
        "rescoring": rescoring,
        "version": rescoring.dataset_version,
        "progress": rescore.progress(rescoring),
        "failures": [(job, _reason(job.error)) for job in failed[:MOST_FAILURES]],
    }
    part = request.headers.get("HX-Request") == "true"
    return render(request, f"submissions/{'_' if part else ''}rescoring.html", context)


@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Pause, resume, cancel, retry what failed, change over."""
    rescoring = _rescoring(request, pk)
    if action not in _ACTIONS:
        raise Http404(f"no action {action[:20]!r}; there are {', '.join(_ACTIONS)}")
    try:
        messages.success(request, _ACTIONS[action](request, rescoring.pk))
    except RescoringRefused as refused:
        messages.error(request, f"{refused}.")
    return redirect(rescoring)


def _rescoring(request: HttpRequest, pk: int) -> Rescoring:
    """The re-scoring, for maintainers; Http404 for everybody else."""
    if not request.user.is_staff:
        raise Http404(f"no re-scoring {pk}")
    rows = Rescoring.objects.select_related("dataset_version__dataset", "actor")
    return get_object_or_404(rows, pk=pk)


def _reason(error: str) -> str:
    """The last line of what is known."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else "unknown"


def _pause(request: HttpRequest, pk: int) -> str:
    rescore.pause(pk)
    return "Paused: no more jobs begin."


def _resume(request: HttpRequest, pk: int) -> str:
    rescore.resume(pk)
    return "It goes on."


def _cancel(request: HttpRequest, pk: int) -> str:
    rescore.cancel(pk)
    return "Cancelled: the board stays as it is."


def _retry(request: HttpRequest, pk: int) -> str:
    count = rescore.retry_failures(pk)
    return f"{count} job{'' if count == 1 else 's'} queued again."


def _switch(request: HttpRequest, pk: int) -> str:
    actor: Any = request.user
    leave_out = request.POST.get("leave_out_failed") == "on"
    done = rescore.switch(pk, actor, leave_out_failed=leave_out)
    return f"The board shows scorer {done.scorer_version} now."


_ACTIONS: dict[str, Callable[[HttpRequest, int], str]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "retry": _retry,
    "switch": _switch,
}
