"""The process behind tests/s3.py: moto's server, and in front of it what reads signed links.

While moto asks for credentials it knows those in headers only. A link is checked here (signature,
time), and its request handed on with headers of the same account, whose rights moto then asks.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any
from urllib.parse import parse_qs

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import run_simple

SIGNATURE, LIFETIME = "X-Amz-Signature", "X-Amz-Expires"
TIME = "%Y%m%dT%H%M%SZ"
ALLOWED = PermissionResult.PERMITTED
ABOUT_THE_SIGNATURE = ("X-Amz-", "x-amz-")


class Failing:
    """WSGI: answers 500 to everything as long as a file named so lies beside the log."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[Any]:
        if not os.path.exists("failing"):
            return self._inner(environ, start_response)
        start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
        return [b"<Error><Code>InternalError</Code></Error>"]


class SignedLinks:
    """WSGI: turns a link's signature into headers, and refuses with 403 what nobody signed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[Any]:
        if not _is_signed(environ):
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [b"<Error><Code>AccessDenied</Code></Error>"]
        return self._inner(environ, start_response)


def _is_signed(environ: dict[str, Any]) -> bool:
    """Whether by headers, which moto checks, or by a link that holds."""
    if f"{SIGNATURE}=" in environ["QUERY_STRING"]:
        return _take_over(environ)
    if "HTTP_AUTHORIZATION" not in environ and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
        _read_for_all(environ)
    return "HTTP_AUTHORIZATION" in environ or environ["PATH_INFO"].startswith("/moto-api/")


def _take_over(environ: dict[str, Any]) -> bool:
    """Sign the request anew by headers; False where its link is wrong, or too old."""
    asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    access_key, day, region, service, _ = asked["X-Amz-Credential"].split("/")
    secret = _secret(access_key)
    moment = datetime.strptime(asked["X-Amz-Date"], TIME).replace(tzinfo=UTC)
    ends = moment + timedelta(seconds=int(asked[LIFETIME]))
    path = environ["RAW_URI"].partition("?")[0]
    parts = sorted(environ["QUERY_STRING"].split("&"))
    signed = "&".join(part for part in parts if not part.startswith(SIGNATURE))
    scope = f"{day}/{region}/{service}/aws4_request"
    request = "\n".join([environ["REQUEST_METHOD"], path, signed, f"host:{environ['HTTP_HOST']}\n",
                         "host", "UNSIGNED-PAYLOAD"])  # fmt: skip
    text = f"AWS4-HMAC-SHA256\n{asked['X-Amz-Date']}\n{scope}\n{_sha256(request)}"
    key = reduce(_hmac, scope.split("/"), f"AWS4{secret}".encode())
    right = hmac.compare_digest(_hmac(key, text).hex(), asked[SIGNATURE])
    if not (secret and right and datetime.now(UTC) < ends):
        return False
    query = "&".join(part for part in parts if not part.startswith(ABOUT_THE_SIGNATURE))
    address = f"{path}?{query}" if query else path
    anew = AWSRequest(environ["REQUEST_METHOD"], f"http://{environ['HTTP_HOST']}{address}")
    S3SigV4Auth(Credentials(access_key, secret), service, region).add_auth(anew)
    environ.update(QUERY_STRING=query, RAW_URI=address, REQUEST_URI=address)
    for name, value in anew.headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return True


def _read_for_all(environ: dict[str, Any]) -> None:
    """Sign for a stranger who reads what a bucket's policy opens to all; moto asks for a name."""
    bucket, _, key = environ["PATH_INFO"].strip("/").partition("/")
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(bucket)
    resource = f"arn:aws:s3:::{bucket}/{key}"
    if not key or found is None or found.get_permission("s3:GetObject", resource) != ALLOWED:
        return
    keys = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].users[bucket].access_keys[0]
    address = f"http://{environ['HTTP_HOST']}{environ['RAW_URI']}"
    anew = AWSRequest(environ["REQUEST_METHOD"], address)
    signer = S3SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key), "s3", "us-east-1")
    signer.add_auth(anew)
    for name, value in anew.headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value


def _secret(access_key: str) -> str:
    for user in iam_backends[DEFAULT_ACCOUNT_ID]["aws"].users.values():
        for key in user.access_keys:
            if key.access_key_id == access_key:
                return str(key.secret_access_key)
    return ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


if __name__ == "__main__":
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple(
        "127.0.0.1",
        int(sys.argv[1]),
        Failing(SignedLinks(moto)),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
