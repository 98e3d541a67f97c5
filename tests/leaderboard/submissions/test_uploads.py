"""Whose files are written, and where: seen from below, while the body is being read."""

from __future__ import annotations

import io
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Submission
from tests.leaderboard import support

BIG = 3 * 1024 * 1024


class Body(io.BytesIO):
    """A request's body that looks at the folder of temporary files whenever it is read."""

    def __init__(self, data: bytes, folder: Path) -> None:
        super().__init__(data)
        self.folder = folder
        self.written = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        sizes = support.unnamed_files(self.folder)
        self.written = max(self.written, sum(sizes) + len(sizes))
        return data


def post(path: str, body: Body, length: int | None = None, **environ: str) -> str:
    """Post a body as a server does, with the token check on; the status."""
    size = len(body.getvalue()) if length is None else length
    answers: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": MULTIPART_CONTENT,
        "CONTENT_LENGTH": str(size),
        **environ,
    }
    wsgi = {"wsgi.input": body, "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO()}
    response = WSGIHandler()({**environ, **wsgi}, lambda status, headers: answers.append(status))
    for _ in response:
        pass
    response.close()
    return answers[0][:3]


def form(**fields: object) -> bytes:
    return encode_multipart(BOUNDARY, fields)


def archive(size: int = BIG, name: str = "maps.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"x" * size)


def as_owner(owner: User) -> tuple[dict[str, str], str]:
    """The headers of somebody signed in, and the token of the form."""
    client = Client()
    client.force_login(owner)
    assert SESSION_KEY in client.session
    page = client.get("/submit/small/")
    cookies: SimpleCookie = client.cookies
    pairs = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    return {"HTTP_COOKIE": pairs}, str(page.context["csrf_token"])


@pytest.mark.parametrize(
    "path",
    ["/submit/small/", "/accounts/login/", "/accounts/signup/", "/admin/login/", "/submissions/"],
)
def test_nothing_of_a_strangers_file_is_written(path: str, version, tmp_path: Path) -> None:
    body = Body(form(archive=archive()), tmp_path)
    assert post(path, body) in ("302", "403", "405")
    assert body.written == 0
    assert body.tell() < 256 * 1024


def test_the_form_page_does_not_read_a_strangers_body_at_all(version, tmp_path: Path) -> None:
    body = Body(form(archive=archive()), tmp_path)
    assert post("/submit/small/", body) == "302"
    assert body.tell() == 0


def test_an_upload_without_the_forms_token_is_refused(version, owner, tmp_path: Path) -> None:
    headers, _ = as_owner(owner)
    body = Body(form(archive=archive(), method_name="x", declared="on"), tmp_path)
    assert post("/submit/small/", body, **headers) == "403"
    assert not Submission.objects.exists()
    assert not support.unnamed_files(tmp_path)


def test_an_upload_with_the_token_is_taken(version, owner, tmp_path: Path) -> None:
    headers, token = as_owner(owner)
    fields = {"csrfmiddlewaretoken": token, "method_name": "New", "visibility": "public"}
    body = Body(form(**fields, declared="on", archive=archive()), tmp_path)
    assert post("/submit/small/", body, **headers) == "302"
    assert body.written > 0
    assert Submission.objects.count() == 1
    assert not support.unnamed_files(tmp_path)
    names = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert names.count("archive.zip") == 1
    assert not any("upload" in name for name in names)


def test_what_announces_too_much_is_not_read(version, owner, settings, tmp_path: Path) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    headers, token = as_owner(owner)
    body = Body(form(csrfmiddlewaretoken=token, archive=archive()), tmp_path)
    assert post("/submit/small/", body, **headers) == "413"
    assert body.tell() == 0


def test_reading_ends_where_the_limit_is_passed(version, owner, settings, tmp_path: Path) -> None:
    settings.MAX_UPLOAD_BYTES = BIG - 500_000
    headers, token = as_owner(owner)
    body = Body(form(csrfmiddlewaretoken=token, archive=archive()), tmp_path)
    assert post("/submit/small/", body, **headers) == "422"
    assert body.written <= settings.MAX_UPLOAD_BYTES + 1
    assert body.tell() < BIG
    assert not support.unnamed_files(tmp_path)


def test_only_the_one_field_takes_a_file(version, owner, tmp_path: Path) -> None:
    headers, token = as_owner(owner)
    other = Body(form(csrfmiddlewaretoken=token, other=archive()), tmp_path)
    assert post("/submit/small/", other, **headers) == "422"
    assert other.written == 0
    both = [archive(1000, "one.zip"), archive(BIG, "two.zip")]
    two = Body(form(csrfmiddlewaretoken=token, archive=both), tmp_path)
    assert post("/submit/small/", two, **headers) == "422"
    assert two.written < 2000


def test_without_quota_nothing_is_read(version, owner, hand_in, tmp_path: Path) -> None:
    hand_in()
    hand_in()
    headers, token = as_owner(owner)
    body = Body(form(csrfmiddlewaretoken=token, archive=archive()), tmp_path)
    assert post("/submit/small/", body, **headers) == "422"
    assert body.tell() == 0
