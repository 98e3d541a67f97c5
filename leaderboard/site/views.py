"""Health and documentation."""

from __future__ import annotations

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.site import docs
from leaderboard.site.readiness import readiness


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the site can answer from its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """One line a part the site needs: 200 where all can be reached, else 503."""
    found = readiness.ask()
    lines = [f"{name}: {'ok' if well else 'not reached'}\n" for name, well in found.items()]
    status = 200 if all(found.values()) else 503
    return HttpResponse("".join(lines), status=status, content_type="text/plain")


@require_safe
def docs_index(request: HttpRequest) -> HttpResponse:
    """All pages of the documentation."""
    return render(request, "docs/index.html", {"pages": docs.pages()})


@require_safe
def docs_page(request: HttpRequest, page: str) -> HttpResponse:
    """One page of the documentation."""
    found = docs.read(page)
    if found is None:
        raise Http404
    return render(request, "docs/page.html", {"page": found, "pages": docs.pages()})
