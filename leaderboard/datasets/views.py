"""The datasets' pages and downloads: parse, authorise, render."""

from __future__ import annotations

import logging
import shlex
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from leaderboard.datasets import about, licences, thumbnails
from leaderboard.datasets.card import dataset_card
from leaderboard.datasets.citation import bibtex
from leaderboard.datasets.files import downloads, sha256sums
from leaderboard.datasets.forms import AcceptForm
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.serving import serve

logger = logging.getLogger(__name__)

PICTURE_SECONDS = 24 * 3600


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All datasets, each by its current version."""
    versions = list(DatasetVersion.objects.current())
    cards = [(version, *about.image_counts(version)) for version in versions]
    return render(request, "datasets/index.html", {"cards": cards})


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One dataset: tasks, counts, pictures, downloads, licence, citation."""
    return _page(request, _version(slug), AcceptForm())


@require_safe
def card(request: HttpRequest, slug: str) -> HttpResponse:
    """The dataset card: Croissant, JSON-LD."""
    document = dataset_card(_version(slug), request.build_absolute_uri)
    response = JsonResponse(document, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Type"] = "application/ld+json"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def checksums(request: HttpRequest, slug: str) -> HttpResponse:
    """The SHA-256 of every download, for ``sha256sum --check``."""
    return HttpResponse(sha256sums(_version(slug)), content_type="text/plain; charset=utf-8")


@require_POST
def licence(request: HttpRequest, slug: str) -> HttpResponse:
    """The reader accepts the licence; then the downloads are open."""
    version = _version(slug)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return _page(request, version, form, status=422)
    licences.accept(request, version)
    messages.success(request, f"You accepted {version.licence}. The downloads are open.")
    return redirect(reverse("datasets:detail", args=[slug]) + "#downloads")


@require_safe
def download(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """A zip of images, whole or in part, for who accepted the licence."""
    version = _version(slug)
    file = downloads(version).get(name)
    if file is None:
        raise Http404(f"{version} has no download {name[:80]!r}")
    given = request.GET.get("pass", "")
    if not (licences.pass_holds(version, given) or licences.is_accepted(request, version)):
        return _page(request, version, AcceptForm(initial={"file": name}), status=403, asked=name)
    try:
        return serve(request, file)
    except FileNotFoundError as error:
        logger.exception("download missing", extra={"download": name})
        raise Http404(f"{name} is not here") from error


@require_safe
def picture(request: HttpRequest, slug: str, category: str, number: int) -> HttpResponse:
    """A small picture of a training image."""
    try:
        found = thumbnails.thumbnail(_version(slug), category, number)
    except thumbnails.NoThumbnail as error:
        raise Http404(str(error)) from error
    response = HttpResponse(found.data, content_type="image/webp")
    response["ETag"] = f'"{found.key}"'
    patch_cache_control(response, public=True, max_age=PICTURE_SECONDS)
    return get_conditional_response(request, response["ETag"], response=response) or response


def _version(slug: str) -> DatasetVersion:
    return get_object_or_404(DatasetVersion.objects.current(), dataset__slug=slug)


def _page(
    request: HttpRequest,
    version: DatasetVersion,
    form: AcceptForm,
    *,
    status: int = 200,
    asked: str = "",
) -> HttpResponse:
    accepted = licences.is_accepted(request, version)
    context = {
        "version": version,
        "about": about.about(version),
        "bibtex": bibtex(version),
        "cites_itself": version.citation.lstrip().startswith("@"),
        "licence": licences.licence_of(version),
        "accepted": accepted,
        "asked": asked,
        "form": form,
        "files": _files(request, version, accepted),
    }
    return render(request, "datasets/detail.html", context, status=status)


def _files(request: HttpRequest, version: DatasetVersion, accepted: bool) -> list[dict[str, Any]]:
    """The rows of the table of downloads: each file's address, and the command that fetches it."""
    found = list(downloads(version).values())
    carries = accepted and version.licence and found
    query = "?" + urlencode({"pass": licences.make_pass(version)}) if carries else ""
    return [
        {
            "file": file,
            "address": (address := reverse("datasets:download", args=[version.slug, file.name])),
            "command": shlex.join(
                ["curl", "-C", "-", "-o", file.name, request.build_absolute_uri(address + query)]
            ),
        }
        for file in found
    ]
