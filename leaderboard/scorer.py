"""Which scorer this process runs: the library's version, and the build where one is named."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from scoring.version import SCORER_VERSION

_BUILD = re.compile(r"[A-Za-z0-9.]{1,10}")


def scorer_version() -> str:
    """The version under which this process keeps scores: "1.0.0", or "1.0.0+2" for a build.

    A build (``AUTOVI_SCORER_BUILD``) tells scores apart that the same version
    of the library gave on other libraries below it, or before a mistake in the
    data was put right. Raises ImproperlyConfigured for one that is no name.
    """
    build = settings.SCORER_BUILD
    if not build:
        return SCORER_VERSION
    if not _BUILD.fullmatch(build):
        raise ImproperlyConfigured(
            f"AUTOVI_SCORER_BUILD: {build!r}; expected 1 to 10 letters, digits and dots"
        )
    return f"{SCORER_VERSION}+{build}"
