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
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.servers import Server

HERE = Path(__file__).resolve().parent
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


class ObjectStore(Server):
    """A server that speaks Amazon's S3 protocol and keeps everything in memory."""

    name = "objects"
    user = ""  # this Python may lie where only the one who runs the tests may read

    def command(self) -> list[str]:
        return [sys.executable, str(HERE / "_object_store.py"), str(self.port)]

    def environment(self) -> dict[str, str]:
        return {"INITIAL_NO_AUTH_ACTION_COUNT": _EVERY_REQUEST}

    @property
    def url(self) -> str:
        """What an S3 client takes as `endpoint_url`."""
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            return self._ask("GET", "data.json") == 200
        except OSError:
            return False

    @contextmanager
    def failing(self) -> Iterator[None]:
        """While this lasts it answers every request with an error of its own."""
        sign = self.folder / "failing"
        sign.touch()
        try:
            yield
        finally:
            sign.unlink()

    def bucket(self, name: str) -> Bucket:
        """A new bucket, and an account that may do everything in it and nothing elsewhere."""
        name = f"{name}-{uuid.uuid4().hex[:8]}"
        self._ask_for_credentials(_NO_REQUEST)
        try:
            _client("s3", self.url, "maker", "maker").create_bucket(Bucket=name)
        finally:
            self._ask_for_credentials(_EVERY_REQUEST)
        return self.account(name)

    def account(self, name: str, resource: str = "") -> Bucket:
        """A new account for the bucket ``name``, there or not; or for another ``resource``."""
        self._ask_for_credentials(_NO_REQUEST)
        try:
            accounts = _client("iam", self.url, "maker", "maker")
            accounts.create_user(UserName=name)
            resources = [resource or f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
            rule = {"Effect": "Allow", "Action": "s3:*", "Resource": resources}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
            accounts.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
            made = accounts.create_access_key(UserName=name)["AccessKey"]
        finally:
            self._ask_for_credentials(_EVERY_REQUEST)
        return Bucket(name, self.url, made["AccessKeyId"], made["SecretAccessKey"])

    def open_to_all(self, name: str) -> None:
        """Let everybody read the objects of a bucket, without credentials."""
        rule = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{name}/*"}  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
        self._ask_for_credentials(_NO_REQUEST)
        try:
            maker = _client("s3", self.url, "maker", "maker")
            maker.put_bucket_policy(Bucket=name, Policy=policy)
        finally:
            self._ask_for_credentials(_EVERY_REQUEST)

    def _ask_for_credentials(self, after: str) -> None:
        assert self._ask("POST", "reset-auth", after) == 200

    def _ask(self, method: str, what: str, body: str = "") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, f"/moto-api/{what}", body=body.encode())
            return connection.getresponse().status
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
