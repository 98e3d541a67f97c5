"""A dataset's licence, and who may download because they accepted it.

Signed-in people accept once, which is kept. Others accept for their browser
session. Either gets links with a signed pass, so that ``curl -C -`` and other
programs without cookies can fetch, and go on, for some days.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing
from django.http import HttpRequest
from django.utils import timezone

from leaderboard.datasets.acceptance import LicenceAcceptance
from leaderboard.datasets.models import DatasetVersion

SESSION_KEY = "licences"
PASS_SECONDS = 7 * 24 * 3600
_SALT = "leaderboard.datasets.licence"


@dataclass(frozen=True)
class Licence:
    """A licence that we know: its address, and in a few words what it asks for."""

    name: str
    url: str
    terms: tuple[str, ...] = ()


_BY = "Name the authors and say what you changed."
_NC = "Use it for nothing commercial."
_SA = "Pass on what you make of it under the same licence."
_KNOWN = {
    licence.name: licence
    for licence in (
        Licence(
            "CC BY-NC-SA 4.0",
            "https://creativecommons.org/licenses/by-nc-sa/4.0/",
            (_BY, _NC, _SA),
        ),
        Licence("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/", (_BY, _SA)),
        Licence("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/", (_BY,)),
        Licence("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    )
}


def licence_of(version: DatasetVersion) -> Licence | None:
    """The licence that a version's downloads ask for; None where none is named."""
    if not version.licence:
        return None
    return _KNOWN.get(version.licence) or Licence(version.licence, "")


def accept(request: HttpRequest, version: DatasetVersion) -> None:
    """Keep that the reader accepts the version's licence, as it is called now."""
    if request.user.is_authenticated:
        LicenceAcceptance.objects.get_or_create(
            user=request.user, dataset_version=version, licence=version.licence
        )
        return
    entry = {"licence": version.licence, "at": timezone.now().isoformat()}
    request.session[SESSION_KEY] = {
        **request.session.get(SESSION_KEY, {}),
        str(version.pk): entry,
    }


def is_accepted(request: HttpRequest, version: DatasetVersion) -> bool:
    """Whether the reader has accepted the licence; true where there is none."""
    if not version.licence:
        return True
    if request.user.is_authenticated:
        return LicenceAcceptance.objects.filter(
            user=request.user, dataset_version=version, licence=version.licence
        ).exists()
    kept = request.session.get(SESSION_KEY, {}).get(str(version.pk), {})
    return bool(kept.get("licence") == version.licence)


def make_pass(version: DatasetVersion) -> str:
    """A word for the query string that says: the licence was accepted here."""
    return signing.TimestampSigner(salt=_SALT).sign_object(_what(version))


def pass_holds(version: DatasetVersion, given: str) -> bool:
    """Whether ``given`` is a pass of ours for this version and licence, not yet too old."""
    try:
        what = signing.TimestampSigner(salt=_SALT).unsign_object(given, max_age=PASS_SECONDS)
    except signing.BadSignature:
        return False
    return bool(what == _what(version))


def _what(version: DatasetVersion) -> list[str]:
    return [str(version.pk), version.licence]
