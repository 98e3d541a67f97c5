"""Opaque ids: the test images of a category in an order that only a secret explains."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings

from leaderboard.datasets import ground_truth
from leaderboard.datasets.importing.problems import ImportRefused
from leaderboard.datasets.storages import GroundTruthStorage
from leaderboard.secrets import read_or_make_secret_key
from scoring.truth import CategoryTruth

SECRET_FILE = "id.secret"  # noqa: S105 - a name
_MIN_SECRET = 16
_MIN_DIGITS = 4


def id_secret() -> bytes:
    """The secret behind the ids: ``AUTOVI_ID_SECRET``, or a file beside the ground truth.

    The file is made when it is missing, readable by its owner only. Raises
    GroundTruthClosed where the ground truth is closed, ImportRefused where
    the secret is too short or has no place.
    """
    private = ground_truth.storage()
    secret = settings.ID_SECRET
    if not secret:
        if not isinstance(private, GroundTruthStorage):
            raise ImportRefused("AUTOVI_ID_SECRET: is not set; the ground truth is no folder here")
        private.folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = read_or_make_secret_key(private.folder() / SECRET_FILE)
    if len(secret) < _MIN_SECRET:
        raise ImportRefused(f"AUTOVI_ID_SECRET: expected at least {_MIN_SECRET} characters")
    return str(secret).encode()


def keyed(secret: bytes, text: str) -> str:
    """HMAC-SHA256 in hexadecimal."""
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def fingerprint() -> str:
    """Tells one secret from another, and not what it is."""
    return keyed(id_secret(), "id secret")


def public_ids(secret: bytes, category: str, keys: Iterable[str]) -> dict[str, str]:
    """Opaque id by image key: its zero-padded rank by the HMAC of ``<category>/<key>``."""
    ordered = sorted(keys, key=lambda key: keyed(secret, f"{category}/{key}"))
    digits = max(_MIN_DIGITS, len(str(len(ordered) - 1)))
    return {key: f"{rank:0{digits}}" for rank, key in enumerate(ordered)}


def hide(truth: CategoryTruth, secret: bytes) -> CategoryTruth:
    """The same ground truth with opaque ids."""
    return replace(truth, public_ids=public_ids(secret, truth.name, truth.sizes))
