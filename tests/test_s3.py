"""The tests' object store keeps what it is given, and asks who comes."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from tests.s3 import ObjectStore


def test_a_storage_keeps_files_and_gives_signed_links(object_store: ObjectStore, settings) -> None:
    bucket = object_store.bucket("public")
    settings.STORAGES = {**settings.STORAGES, "public": bucket.storage()}
    public = storages["public"]
    public.save("folder/a.txt", ContentFile(b"0123456789"))
    assert bucket.names() == ["folder/a.txt"]
    with public.open("folder/a.txt") as file:
        assert file.read() == b"0123456789"
    asked = urllib.request.Request(public.url("folder/a.txt"), headers={"Range": "bytes=4-"})
    with urllib.request.urlopen(asked) as answer:
        assert (answer.status, answer.read()) == (206, b"456789")
    for wrong in (f"{public.url('folder/a.txt')}0", f"{bucket.url}/{bucket.name}/folder/a.txt"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(wrong)


def test_one_buckets_keys_open_no_other(object_store: ObjectStore) -> None:
    one, other = object_store.bucket("one"), object_store.bucket("other")
    one.client().put_object(Bucket=one.name, Key="mine", Body=b"x")
    assert one.names() == ["mine"]
    with pytest.raises(ClientError, match="Access Denied"):
        other.client().get_object(Bucket=one.name, Key="mine")
    with pytest.raises(ClientError, match="Access Denied"):
        other.client().list_objects_v2(Bucket=one.name)
