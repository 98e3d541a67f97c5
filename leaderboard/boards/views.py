"""The boards' pages: parse the address, get the standings, render."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from leaderboard.boards import exports
from leaderboard.boards.board import make_board
from leaderboard.boards.choices import metric_choices, point_choices
from leaderboard.boards.differences import differences as compare
from leaderboard.boards.listing import board_cards, image_counts
from leaderboard.boards.method_page import method_page
from leaderboard.boards.metrics import visible_keys
from leaderboard.boards.paper_tables import PAPER_URL
from leaderboard.boards.query import BoardQuery, parse
from leaderboard.boards.tables import make_table
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Rescoring
from scoring.registry import BY_FLAT_KEY

FRONT_BOARD = "autovi"
"""The board of the front page; without it, the first there is."""


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """The overall board of the front page's dataset."""
    versions = list(DatasetVersion.objects.current())
    if not versions:
        return render(request, "boards/none.html")
    chosen = next((item for item in versions if item.slug == FRONT_BOARD), versions[0])
    return _board_page(request, chosen)


@require_safe
def overall(request: HttpRequest, slug: str) -> HttpResponse:
    """The overall board of one dataset."""
    return _board_page(request, _version(slug))


@require_safe
def category(request: HttpRequest, slug: str, category: str) -> HttpResponse:
    """The board of one category."""
    return _board_page(request, _version(slug), category)


@require_safe
def export(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """A board as csv or json, with the page's own query string and ``category``; or as bib."""
    version = _version(slug)
    if kind == "bib":
        return _download(exports.as_bibtex(version), f"{slug}.bib", "application/x-bibtex")
    if kind not in ("csv", "json"):
        raise Http404(f"no export {kind[:20]!r}; there are csv, json and bib")
    category = request.GET.get("category", "")
    board = make_board(version, _query(request, version), _known_category(version, category))
    name = exports.file_name(board, kind)
    if kind == "csv":
        return _download(exports.as_csv(board), name, "text/csv")
    return _download(exports.as_json(board), name, "application/json")


@require_safe
def differences(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What a re-scoring changed; before the board changed over, for maintainers only."""
    version = _version(slug)
    rescoring = get_object_or_404(version.rescorings, pk=pk)
    if rescoring.state != Rescoring.State.SWITCHED and not request.user.is_staff:
        raise Http404(f"no re-scoring {pk} of {version}")
    query = _query(request, version)
    context = {
        "rescoring": rescoring,
        "version": version,
        "point": query.point,
        "points": [BY_FLAT_KEY[key] for key in BY_FLAT_KEY if key in visible_keys(version)],
        "differences": compare(rescoring, query.metric),
    }
    return render(request, "boards/differences.html", context)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All boards."""
    return render(request, "boards/index.html", {"cards": board_cards()})


@require_safe
def method(request: HttpRequest, slug: str) -> HttpResponse:
    """A method: its scores on every board and its public submissions."""
    page = method_page(slug, request.user)
    if page is None:
        raise Http404(f"no method {slug!r}")
    return render(request, "boards/method.html", {"page": page, "paper_url": PAPER_URL})


def _board_page(request: HttpRequest, version: DatasetVersion, category: str = "") -> HttpResponse:
    query = _query(request, version)
    board = make_board(version, query, _known_category(version, category))
    context = {
        "board": board,
        "table": make_table(board),
        "version": version,
        "category": category,
        "categories": [(name, version.label(name)) for name in version.categories],
        "label": version.label(category) if category else "Overall",
        "counts": image_counts(version, category) if category else "",
        "point": query.point,
        "metrics": metric_choices(board),
        "points": point_choices(board),
        "scale_from": f"{query.point.metric.shade_from:.0%}".rstrip("%"),
        "notes": board.notes,
        "paper_url": PAPER_URL,
        "export_query": _export_query(query, category),
        "scorer_version": version.shown_scorer,
    }
    return render(request, "boards/board.html", context)


def _version(slug: str) -> DatasetVersion:
    version = DatasetVersion.objects.current().filter(dataset__slug=slug).first()
    if version is None:
        raise Http404(f"no board {slug!r}")
    return version


def _known_category(version: DatasetVersion, category: str) -> str:
    if category and category not in version.categories:
        raise Http404(f"{version} has no category {category[:60]!r}")
    return category


def _query(request: HttpRequest, version: DatasetVersion) -> BoardQuery:
    try:
        return parse(request.GET, visible_keys(version))
    except LookupError as error:
        raise Http404(str(error)) from None


def _export_query(query: BoardQuery, category: str) -> str:
    """The query string of the exports: the page's own, and the category that its path holds."""
    link = query.link()
    if not category:
        return "" if link == "?" else link
    return f"{link}{'' if link == '?' else '&'}{urlencode({'category': category})}"


def _download(text: str, name: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        text,
        content_type=f"{content_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
