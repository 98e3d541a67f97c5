"""The two addresses that speak tus 1.0: a board's uploads, and one upload."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.forms import UploadForm
from leaderboard.submissions.models import Upload
from leaderboard.submissions.services.append import append
from leaderboard.submissions.services.begin_upload import Announced, NoRoom, begin_upload
from leaderboard.submissions.services.end_uploads import discard
from leaderboard.submissions.services.finish_upload import finish_upload
from leaderboard.submissions.services.name_method import NameRefused, SubmitRefused
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import State
from leaderboard.submissions.tus import protocol
from leaderboard.submissions.tus.body import Interrupted, blocks, verified
from leaderboard.submissions.tus.progress import Elsewhere, Ended
from leaderboard.submissions.tus.protocol import TusError

logger = logging.getLogger(__name__)

Handler = Callable[..., HttpResponseBase]
IGNORED_METADATA = frozenset({"filetype"})
"""What clients tell without being asked, and nobody here needs."""
SILENCE_SECONDS = 60.0
"""A sender that is silent for so long has gone, even where its connection has not ended."""


@csrf_exempt
def uploads(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Begin an upload to a board (POST). Its fields stand in Upload-Metadata."""
    return _answer(request, {"POST": _create}, slug=slug)


@csrf_exempt
def upload(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """One upload of one's own: how far it is (HEAD), more of it (PATCH), its end (DELETE)."""
    handlers: dict[str, Handler] = {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}
    return _answer(request, handlers, pk=pk)


# What all requests have in common -----------------------------------------------------------------


def _answer(request: HttpRequest, handlers: Mapping[str, Handler], **at: Any) -> HttpResponseBase:
    """Check what every request has to bring, in the order in which the protocol names it.

    Nothing of the body is read before it is known who sends it.
    """
    try:
        method = _method(request)
        if method == "OPTIONS":
            return _options(handlers)
        if method not in handlers:
            allowed = ", ".join([*handlers, "OPTIONS"])
            raise TusError(405, f"{method}: expected {allowed}", {"Allow": allowed})
        if request.headers.get("Tus-Resumable") != protocol.VERSION:
            told = {"Tus-Version": protocol.VERSION}
            raise TusError(412, f"Tus-Resumable: expected {protocol.VERSION}", told)
        if not request.user.is_authenticated:
            told = {"WWW-Authenticate": 'Session realm="sign in on the site"'}
            raise TusError(401, "You are not signed in.", told)
        response = _checked(request, handlers[method], at)
    except TusError as error:
        response = HttpResponse(
            f"{error}\n", status=error.status, headers=error.headers, content_type="text/plain"
        )
    response["Tus-Resumable"] = protocol.VERSION
    response["Cache-Control"] = "no-store"
    return response


@csrf_protect
def _checked(request: HttpRequest, handler: Handler, at: Mapping[str, Any]) -> HttpResponseBase:
    """The handler's answer; without the site's token (X-CSRFToken) nothing is changed."""
    try:
        return handler(request, **at)
    except Http404:
        raise TusError(404, "There is no such upload.") from None
    except Ended:
        raise TusError(410, "This upload has ended: it was taken back or has expired.") from None
    except Elsewhere as elsewhere:
        message = f"The upload is at {elsewhere.offset}; expected Upload-Offset to be the same."
        raise TusError(409, message) from None
    except Interrupted:
        # Most often nobody is left to read this.
        raise TusError(400, "The connection ended early; what came is kept.") from None
    except OSError as error:
        raise _storage_error(error) from error


def _method(request: HttpRequest) -> str:
    """The method, also where a client can only say POST. Never from one that changes nothing:
    its token is not checked."""
    told = request.headers.get("X-HTTP-Method-Override") if request.method == "POST" else None
    return told or str(request.method)


def _options(handlers: Mapping[str, Handler]) -> HttpResponse:
    headers = {
        "Allow": ", ".join([*handlers, "OPTIONS"]),
        "Tus-Resumable": protocol.VERSION,
        "Tus-Version": protocol.VERSION,
        "Tus-Extension": ",".join(protocol.EXTENSIONS),
        "Tus-Checksum-Algorithm": ",".join(protocol.ALGORITHMS),
        "Tus-Max-Size": str(settings.MAX_RESUMABLE_BYTES),
    }
    return HttpResponse(status=204, headers=headers)


def _storage_error(error: OSError) -> TusError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        logger.error("the disk of uploads is full")
        return TusError(507, "The server's disk is full. What arrived is kept: go on later.")
    logger.error("upload not stored", exc_info=error)
    return TusError(503, "The storage is out of order. What arrived is kept: go on later.")


# The handlers -------------------------------------------------------------------------------------


def _create(request: HttpRequest, slug: str) -> HttpResponseBase:
    version = get_object_or_404(DatasetVersion.objects.current(), dataset__slug=slug)
    length = _length(request)
    told = protocol.metadata(request.headers.get("Upload-Metadata"))
    form = UploadForm(request.user, told)  # type: ignore[arg-type]
    unknown = sorted(told.keys() - form.fields.keys() - IGNORED_METADATA)
    if unknown:
        raise TusError(400, f"Upload-Metadata: {unknown[0]} is no field of the upload form")
    announced = Announced(
        length=length,
        metadata=request.headers.get("Upload-Metadata", ""),
        fingerprint=told.get("fingerprint", ""),
        sha256=told.get("sha256", "").lower(),
        key=protocol.idempotency_key(request.headers.get("Idempotency-Key")),
    )
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    try:
        begun = begin_upload(request.user, version, form.about(), announced)  # type: ignore[arg-type]
    except SubmitRefused as refused:
        field = "method_name" if isinstance(refused, NameRefused) else "__all__"
        return JsonResponse({"errors": {field: [str(refused)]}}, status=422)
    except NoRoom as no_room:
        raise TusError(507, str(no_room)) from None
    return _created(request, begun)


def _created(request: HttpRequest, begun: Upload) -> HttpResponse:
    """201, with the first bytes taken where they came along (creation-with-upload)."""
    response = HttpResponse(status=201)
    response["Location"] = reverse("submissions:upload", args=[begun.pk])
    if request.content_type == protocol.BODY_TYPE:
        _take(request, begun, 0)
        response["Upload-Offset"] = str(_fresh(begun).offset)
    response["Upload-Expires"] = _expires(_fresh(begun))
    return response


def _head(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _own(request, pk)
    if not found.is_whole:
        _check_open(found)
    response = HttpResponse(status=200)
    response["Upload-Offset"] = str(found.offset)
    response["Upload-Length"] = str(found.length)
    if found.metadata:
        response["Upload-Metadata"] = found.metadata
    if not found.is_whole:
        response["Upload-Expires"] = _expires(found)
    return response


def _patch(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _own(request, pk)
    if request.content_type != protocol.BODY_TYPE:
        raise TusError(415, f"Content-Type: expected {protocol.BODY_TYPE}")
    offset = protocol.count("Upload-Offset", request.headers.get("Upload-Offset"))
    if offset != found.offset:
        raise Elsewhere(found.offset)
    if not (found.is_whole and found.submission.state != State.UPLOADING):
        _check_open(found)
        _take(request, found, offset)
    found = _fresh(found)
    response = HttpResponse(status=204)
    response["Upload-Offset"] = str(found.offset)
    if not found.is_whole:
        response["Upload-Expires"] = _expires(found)
    return response


def _delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _own(request, pk)
    if found.is_whole:
        raise TusError(409, "The archive has arrived whole; withdraw the submission instead.")
    _check_open(found)
    withdraw(pk, request.user)  # type: ignore[arg-type]
    discard(pk)
    return HttpResponse(status=204)


def _take(request: HttpRequest, found: Upload, offset: int) -> None:
    """Read the body into the upload; what makes it whole hands the archive in."""
    length = _body_length(request)
    if length > found.length - offset:
        raise TusError(413, f"{length} bytes from {offset} on; the upload has {found.length}.")
    checksum = protocol.checksum(request.headers.get("Upload-Checksum"))
    _be_patient(request)
    body = blocks(request, length)
    reached = append(found, offset, verified(body, checksum) if checksum else body)
    if reached == found.length:
        _finish(found)


def _finish(found: Upload) -> None:
    try:
        finish_upload(found)
    except OSError:
        # All bytes are safe; the sweep goes on from here.
        logger.exception("upload is whole but not handed in", extra={"submission": found.pk})


def _length(request: HttpRequest) -> int:
    """The announced length of a new upload."""
    for extension in ("Upload-Defer-Length", "Upload-Concat"):
        if extension in request.headers:
            raise TusError(400, f"{extension}: not supported; expected Upload-Length")
    length = protocol.count("Upload-Length", request.headers.get("Upload-Length"))
    if length > settings.MAX_RESUMABLE_BYTES:
        most = filesizeformat(settings.MAX_RESUMABLE_BYTES)
        raise TusError(413, f"The archive has {filesizeformat(length)}; at most {most} are taken.")
    if not length:
        raise TusError(400, "Upload-Length: 0; expected an archive that is not empty")
    return length


def _body_length(request: HttpRequest) -> int:
    if "Content-Length" not in request.headers:
        raise TusError(411, "Content-Length: missing; expected the length of the body")
    return protocol.count("Content-Length", request.headers["Content-Length"])


def _be_patient(request: HttpRequest) -> None:
    """Where the server shows its socket: do not wait for ever for a sender that has vanished."""
    socket = request.META.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(SILENCE_SECONDS)


def _own(request: HttpRequest, pk: UUID) -> Upload:
    rows = Upload.objects.filter(submission__owner=request.user).select_related("submission")  # type: ignore[misc]
    return get_object_or_404(rows, pk=pk)


def _check_open(found: Upload) -> None:
    if found.discarded or found.submission.state != State.UPLOADING:
        raise Ended(str(found))


def _fresh(found: Upload) -> Upload:
    return Upload.objects.select_related("submission").get(pk=found.pk)


def _expires(found: Upload) -> str:
    return http_date(found.expires.timestamp())
