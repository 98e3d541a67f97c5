"""The words of tus 1.0: versions, header fields and how they are read, strictly."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "checksum", "termination", "expiration")
ALGORITHMS = ("sha1", "sha256")
BODY_TYPE = "application/offset+octet-stream"

_COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)
_KEY = re.compile(r"[!-+\--~]+", re.ASCII)
"""Printable ASCII without blank and comma."""
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{8,64}", re.ASCII)


class TusError(Exception):
    """The request is answered with ``status`` and the message; ``headers`` go with it."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class Checksum:
    """What a piece has to hash to."""

    algorithm: str
    digest: bytes

    def begin(self) -> hashlib._Hash:
        """A new hash of the algorithm."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


def count(name: str, value: str | None) -> int:
    """A number of bytes in a header field; TusError 400 where it is none."""
    if value is None:
        raise TusError(400, f"{name}: missing; expected a number of bytes")
    if not _COUNT.fullmatch(value):
        raise TusError(400, f"{name}: {value[:40]!r}; expected a number of bytes")
    return int(value)


def metadata(value: str | None) -> dict[str, str]:
    """The pairs of Upload-Metadata; TusError 400 for what the protocol does not allow.

    Keys are printable ASCII and stand once; values are base64 (RFC 4648,
    section 4, with its padding) of UTF-8 text and may be left out.
    """
    pairs: dict[str, str] = {}
    for item in value.split(",") if value else ():
        key, blank, coded = item.strip(" ").partition(" ")
        if not _KEY.fullmatch(key):
            raise TusError(400, f"Upload-Metadata: the key {key[:40]!r}; expected printable ASCII")
        if key in pairs:
            raise TusError(400, f"Upload-Metadata: {key} stands twice; expected each key once")
        pairs[key] = _text(key, coded) if blank else ""
    return pairs


def checksum(value: str | None) -> Checksum | None:
    """What Upload-Checksum asks for; TusError 400 where that cannot be checked."""
    if value is None:
        return None
    algorithm, _, coded = value.partition(" ")
    if algorithm not in ALGORITHMS:
        known = " or ".join(ALGORITHMS)
        raise TusError(400, f"Upload-Checksum: {algorithm[:40]!r}; expected {known}")
    digest = _base64(coded)
    if digest is None or len(digest) != hashlib.new(algorithm).digest_size:
        raise TusError(400, f"Upload-Checksum: expected {algorithm} and its digest in base64")
    return Checksum(algorithm, digest)


def idempotency_key(value: str | None) -> str:
    """The Idempotency-Key, a new one where there is none; TusError 400 where it is no key."""
    if value is None:
        return uuid.uuid4().hex
    if not _IDEMPOTENCY_KEY.fullmatch(value):
        raise TusError(400, "Idempotency-Key: expected 8 to 64 printable characters")
    return value


def _text(key: str, coded: str) -> str:
    data = _base64(coded)
    if data is None:
        raise TusError(400, f"Upload-Metadata: {key} is not base64")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise TusError(400, f"Upload-Metadata: {key} is not UTF-8 text") from None


def _base64(coded: str) -> bytes | None:
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return None
