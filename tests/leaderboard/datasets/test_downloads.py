"""Downloads: licence first, then bytes: whole, in part, not at all when they are there already."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from django.test import Client
from django.utils.http import http_date

from leaderboard.accounts.models import User
from leaderboard.datasets import licences
from leaderboard.datasets.acceptance import LicenceAcceptance
from leaderboard.datasets.files import downloads
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.downloads import stored_path
from leaderboard.datasets.serving import FilePart, Unsatisfiable, parse_range
from tests.leaderboard.datasets.conftest import IMPORTED

NAME = "pipe_clip-train.zip"
ADDRESS = f"/datasets/small/download/{NAME}"
ACCEPT = "/datasets/small/licence/"


@pytest.fixture
def data(version: DatasetVersion, folders: Path) -> bytes:
    return (folders / "packs" / stored_path(version, NAME)).read_bytes()


@pytest.fixture
def reader(version: DatasetVersion) -> Client:
    """Somebody without an account who accepted the licence."""
    client = Client()
    client.post(ACCEPT, {"accept": "on"})
    return client


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_the_whole_file_comes_with_what_identifies_it(reader: Client, data: bytes) -> None:
    answer = reader.get(ADDRESS)
    digest = hashlib.sha256(data)
    assert (answer.status_code, body(answer)) == (200, data)
    assert answer["ETag"] == f'"{digest.hexdigest()}"'
    assert answer["Content-Length"] == str(len(data))
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="{NAME}"'
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Last-Modified"] == http_date(int(IMPORTED.timestamp()))
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"


def test_a_name_beyond_ascii_comes_whole(version: DatasetVersion) -> None:
    file = replace(downloads(version)[NAME], name='Teil "ä"-test.zip')
    assert file.disposition == "attachment; filename*=utf-8''Teil%20%22%C3%A4%22-test.zip"


def test_all_files_have_one_time(reader: Client, version: DatasetVersion) -> None:
    times = {
        reader.head(f"/datasets/small/download/{name}")["Last-Modified"] for name in version.files
    }
    assert len(times) == 1


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-99", slice(5, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=-99999999", slice(0, None)),
        ("bytes=7-99999999", slice(7, None)),
        ("BYTES = 3-4", slice(3, 5)),
    ],
)
def test_one_range_is_answered_with_that_part(
    reader: Client, data: bytes, asked: str, expected: slice
) -> None:
    answer = reader.get(ADDRESS, headers={"Range": asked})
    first, last, _ = expected.indices(len(data))
    assert (answer.status_code, body(answer)) == (206, data[expected])
    assert answer["Content-Range"] == f"bytes {first}-{last - 1}/{len(data)}"
    assert answer["Content-Length"] == str(last - first)


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
        "lines=1-2",
        "bytes 0-1",
        "",
        f"bytes=0-{'9' * 5000}",
        f"bytes={'9' * 5000}-",
        f"bytes=-{'9' * 5000}",
    ],
    ids=lambda asked: asked[:12],
)
def test_several_ranges_and_senseless_ones_get_the_whole(
    reader: Client, data: bytes, asked: str
) -> None:
    answer = reader.get(ADDRESS, headers={"Range": asked})
    assert (answer.status_code, body(answer)) == (200, data)
    assert "Content-Range" not in answer


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_told_the_size(reader: Client, data: bytes, asked: str) -> None:
    answer = reader.get(ADDRESS, headers={"Range": asked})
    assert (answer.status_code, body(answer)) == (416, b"")
    assert answer["Content-Range"] == f"bytes */{len(data)}"


def test_no_range_lies_in_an_empty_file() -> None:
    for asked in ("bytes=0-", "bytes=-1"):
        with pytest.raises(Unsatisfiable):
            parse_range(asked, 0)


def test_if_range_gives_the_rest_of_the_same_file_only(reader: Client, data: bytes) -> None:
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    same = [tag, http_date(int(IMPORTED.timestamp()))]
    other = ['"another"', f"W/{tag}", http_date(int(IMPORTED.timestamp()) + 1), "nonsense"]
    for condition in same + other:
        answer = reader.get(ADDRESS, headers={"Range": "bytes=10-", "If-Range": condition})
        expected = (206, data[10:]) if condition in same else (200, data)
        assert (answer.status_code, body(answer)) == expected, condition


def test_who_has_it_gets_nothing(reader: Client, data: bytes) -> None:
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    since = http_date(int(IMPORTED.timestamp()))
    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"x", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": since},
        {"If-None-Match": tag, "Range": "bytes=0-5"},
    ):
        answer = reader.get(ADDRESS, headers=headers)
        assert (answer.status_code, body(answer)) == (304, b""), headers
        assert answer["ETag"] == tag
    assert reader.head(ADDRESS, headers={"If-None-Match": '"x"'}).status_code == 200
    assert reader.get(ADDRESS, headers={"If-Match": '"x"'}).status_code == 412


def test_head_says_the_same_without_the_bytes(reader: Client, data: bytes) -> None:
    whole, head = reader.get(ADDRESS), reader.head(ADDRESS)
    assert (head.status_code, head.content) == (200, b"")
    assert body(whole) == data
    for name in ("ETag", "Content-Length", "Last-Modified", "Accept-Ranges", "Content-Type"):
        assert head[name] == whole[name]
    assert reader.head(ADDRESS, headers={"Range": "bytes=0-1"}).status_code == 200


def test_other_methods_are_not_for_files(reader: Client) -> None:
    assert reader.post(ADDRESS).status_code == 405
    assert reader.get(ACCEPT).status_code == 405


def test_a_part_that_nobody_reads_on_is_closed(folders: Path) -> None:
    path = folders / "file"
    path.write_bytes(bytes(10))
    file = path.open("rb")
    part = FilePart(file, range(2, 8))
    assert next(part) == bytes(6)
    part.close()
    assert file.closed


@pytest.mark.parametrize("name", ["nothing.zip", "manifest.json", "..%2F..%2Fdb.sqlite3"])
def test_there_is_nothing_else_to_fetch(reader: Client, name: str) -> None:
    assert reader.get(f"/datasets/small/download/{name}").status_code == 404


def test_a_file_of_another_size_is_not_served(
    reader: Client, version: DatasetVersion, folders: Path, data: bytes
) -> None:
    path = folders / "packs" / stored_path(version, NAME)
    path.write_bytes(data[:-1])
    assert reader.get(ADDRESS).status_code == 404
    path.unlink()
    assert reader.get(ADDRESS).status_code == 404


def test_the_list_of_hashes_is_what_sha256sum_reads(client, version: DatasetVersion) -> None:
    lines = client.get("/datasets/small/SHA256SUMS").content.decode().splitlines()
    assert lines == [
        f"{version.hashes[name]}  {name}"
        for name in (
            "pipe_clip-train.zip",
            "pipe_clip-test.zip",
            "tank_screw-train.zip",
            "tank_screw-test.zip",
        )
    ]


# Who may ------------------------------------------------------------------------------------------


def test_without_the_licence_accepted_there_is_a_form_and_no_file(
    client, version: DatasetVersion
) -> None:
    answer = client.get(ADDRESS)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert f"{NAME} asks for its licence" in page
    assert 'name="accept"' in page
    assert not LicenceAcceptance.objects.exists()


def test_an_unticked_box_accepts_nothing(client, version: DatasetVersion) -> None:
    answer = client.post(ACCEPT, {})
    assert answer.status_code == 422
    assert "Tick the box" in answer.content.decode()
    assert client.head(ADDRESS).status_code == 403


def test_a_persons_acceptance_is_kept_with_licence_version_and_time(
    client, version: DatasetVersion, django_user_model
) -> None:
    user = django_user_model.objects.create_user("demo")
    client.force_login(user)
    for _ in range(2):
        answer = client.post(ACCEPT, {"accept": "on"})
        assert answer.url == "/datasets/small/#downloads"
    kept = LicenceAcceptance.objects.get()
    assert (kept.user, kept.dataset_version) == (user, version)
    assert kept.licence == "CC BY-NC-SA 4.0"
    assert kept.accepted_at is not None
    another = Client()
    another.force_login(user)
    assert another.head(ADDRESS).status_code == 200


def test_a_changed_licence_is_accepted_anew_and_the_old_acceptance_stays(
    client, version: DatasetVersion, django_user_model
) -> None:
    user: User = django_user_model.objects.create_user("demo")
    client.force_login(user)
    client.post(ACCEPT, {"accept": "on"})
    DatasetVersion.objects.update(licence="CC BY 4.0")
    assert client.head(ADDRESS).status_code == 403
    client.post(ACCEPT, {"accept": "on"})
    assert client.head(ADDRESS).status_code == 200
    assert set(user.licence_acceptances.values_list("licence", flat=True)) == {
        "CC BY-NC-SA 4.0",
        "CC BY 4.0",
    }


def test_without_an_account_the_session_keeps_it(reader: Client, version: DatasetVersion) -> None:
    assert reader.head(ADDRESS).status_code == 200
    assert Client().head(ADDRESS).status_code == 403
    assert reader.session[licences.SESSION_KEY][str(version.pk)]["licence"] == "CC BY-NC-SA 4.0"
    assert not LicenceAcceptance.objects.exists()


def test_a_pass_serves_programs_without_cookies(version: DatasetVersion, make_version) -> None:
    other = make_version("other")
    good = licences.make_pass(version)
    assert Client().head(ADDRESS, {"pass": good}).status_code == 200
    for bad in ("", "x", good[:-1], good + "x", licences.make_pass(other)):
        assert Client().head(ADDRESS, {"pass": bad}).status_code == 403, bad


def test_a_pass_grows_old(version: DatasetVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    good = licences.make_pass(version)
    monkeypatch.setattr(licences, "PASS_SECONDS", -1)
    assert Client().head(ADDRESS, {"pass": good}).status_code == 403


def test_without_a_licence_nothing_is_asked(client, make_version) -> None:
    make_version("free", licence="")
    assert client.head(f"/datasets/free/download/{NAME}").status_code == 200


# Others that send the bytes -----------------------------------------------------------------------


def test_the_web_server_sends_it_where_it_can(reader: Client, settings) -> None:
    settings.X_ACCEL = "/public-files/"
    answer = reader.get(ADDRESS, headers={"Range": "bytes=0-5"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["X-Accel-Redirect"] == f"/public-files/downloads/small/1.0/{NAME}"
    assert answer["Content-Disposition"] == f'attachment; filename="{NAME}"'
    assert "ETag" not in answer
    assert Client().head(ADDRESS).status_code == 403
