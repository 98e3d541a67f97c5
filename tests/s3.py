"""A real object store for tests: moto's S3 server, started on a free port.

The fixture ``object_store`` of tests/conftest.py starts it once a session, when first asked for.
Every bucket has an account of its own, and the server checks signatures and policies: the keys of
one bucket open no other::

    def test_something(object_store, settings):
        public, private = object_store.bucket("public"), object_store.bucket("private")
        settings.STORAGES = {**settings.STORAGES, "public": public.storage()}   # in this process
        env = {"AUTOVI_PUBLIC_STORAGE": public.json()}                          # in another one
        ...
        assert public.names() == ["downloads/parts/1/bolt-test.zip"]

``storage(file_overwrite=False)`` passes options on to ``storages.backends.s3.S3Storage``; the
address of the server is among them (``endpoint_url``) and is also ``object_store.url``, for
programs that take it from ``AWS_ENDPOINT_URL_S3``; ``bucket.environment()`` has all such variables.
Bucket names get a suffix, so that tests share the server and no objects.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from tests.stack import ROOT, wait_until

REGION = "us-east-1"
_EVERY_REQUEST = "0"
"""Of how many requests the server takes before it asks for credentials."""
_NO_REQUEST = "inf"


@dataclass(frozen=True)
class Bucket:
    """A bucket and the one account that may read and write it."""

    name: str
    url: str
    access_key: str
    secret_key: str

    def storage(self, **options: Any) -> dict[str, Any]:
        """An entry of Django's STORAGES: this bucket with these credentials."""
        given = {
            "bucket_name": self.name,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "endpoint_url": self.url,
            "region_name": REGION,
            "addressing_style": "path",
            "signature_version": "s3v4",
        }
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": given | options}

    def json(self, **options: Any) -> str:
        """The same as text, for a setting such as ``AUTOVI_PUBLIC_STORAGE``."""
        return json.dumps(self.storage(**options))

    def environment(self) -> dict[str, str]:
        """What boto3 and the AWS tools read."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self) -> Any:
        """A boto3 client with this bucket's credentials."""
        return _client("s3", self.url, self.access_key, self.secret_key)

    def names(self) -> list[str]:
        """The names of all objects, sorted."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", ()))


class ObjectStore:
    """The server; it ends with the `with` block. ``url`` is its address."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "object-store.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests/_object_store.py")],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": "", "PYTHONUNBUFFERED": "1"},
            )
        self.url = wait_until(self._address, "the object store answers")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait()

    def bucket(self, name: str) -> Bucket:
        """A new bucket, and an account that may do everything in it and nothing elsewhere."""
        name = f"{name}-{uuid.uuid4().hex[:8]}"
        self._ask_for_credentials(_NO_REQUEST)
        try:
            _client("s3", self.url, "maker", "maker").create_bucket(Bucket=name)
            accounts = _client("iam", self.url, "maker", "maker")
            accounts.create_user(UserName=name)
            rule = {"Effect": "Allow", "Action": "s3:*",
                    "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}  # fmt: skip
            policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
            accounts.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
            made = accounts.create_access_key(UserName=name)["AccessKey"]
        finally:
            self._ask_for_credentials(_EVERY_REQUEST)
        return Bucket(name, self.url, made["AccessKeyId"], made["SecretAccessKey"])

    def _address(self) -> str:
        assert self._process.poll() is None, self._log.read_text()
        found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", self._log.read_text())
        return found[1] if found else ""

    def _ask_for_credentials(self, after: str) -> None:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        try:
            connection.request("POST", "/moto-api/reset-auth", body=after.encode())
            assert connection.getresponse().status == 200
        finally:
            connection.close()


def _client(service: str, url: str, access_key: str, secret_key: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=REGION,
        config=Config(s3={"addressing_style": "path"}, signature_version="v4"),
    )
