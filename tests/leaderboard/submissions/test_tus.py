"""Uploads in pieces: what tus 1.0 promises, request by request, and what becomes of an archive."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Submission, Upload
from leaderboard.submissions.policies import quota
from leaderboard.submissions.services.append import append
from leaderboard.submissions.services.sweep import sweep
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import State
from leaderboard.submissions.tus import folder, protocol
from leaderboard.submissions.tus.body import Interrupted, blocks, verified
from leaderboard.submissions.tus.progress import Elsewhere
from leaderboard.submissions.tus.protocol import TusError
from leaderboard.submissions.tus.views import SILENCE_SECONDS
from tests.leaderboard import support
from tests.leaderboard.submissions.tus_client import (
    BODY,
    FIELDS,
    Sender,
    address,
    encoded,
    told_checksum,
)

DATA = bytes(range(256)) * 40
CREATE = "/submit/small/uploads/"


@pytest.fixture
def sender(owner: User, version) -> Sender:
    return Sender(owner)


@pytest.fixture
def upload(sender: Sender) -> Upload:
    """An upload of DATA of which 1,000 bytes have arrived."""
    upload = sender.begun(len(DATA))
    assert sender.patch(upload, 0, DATA[:1000]).status_code == 204
    upload.refresh_from_db()
    return upload


def stored(tmp_path: Path, upload: Upload) -> bytes:
    return (tmp_path / "archives" / upload.name).read_bytes()


# An archive's way ---------------------------------------------------------------------------------


def test_an_archive_in_pieces_is_scored_as_one_that_came_at_once(
    sender: Sender, work_off, tmp_path: Path
) -> None:
    archive = support.zipped(support.members())
    upload = sender.begun(len(archive), sha256=hashlib.sha256(archive).hexdigest())
    assert upload.submission.state == State.UPLOADING
    assert upload.submission.method.name == "In pieces"
    cut = len(archive) // 3
    assert sender.patch(upload, 0, archive[:cut])["Upload-Offset"] == str(cut)
    assert sender.head(upload)["Upload-Offset"] == str(cut)
    assert sender.patch(upload, cut, archive[cut:])["Upload-Offset"] == str(len(archive))
    submission = Submission.objects.get()
    assert (submission.state, submission.size) == (State.QUEUED, len(archive))
    assert stored(tmp_path, upload) == archive
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.SCORED
    assert submission.sha256 == hashlib.sha256(archive).hexdigest()


def test_an_archive_with_another_hash_than_announced_is_rejected(sender: Sender, work_off) -> None:
    archive = support.zipped(support.members())
    upload = sender.begun(len(archive), sha256="ab" * 32)
    sender.patch(upload, 0, archive)
    work_off()
    submission = Submission.objects.get()
    assert submission.state == State.REJECTED
    assert submission.problems[0].startswith("maps.zip: its SHA-256 is ")
    assert submission.sha256 == hashlib.sha256(archive).hexdigest()


def test_the_quota_is_taken_when_an_upload_begins(sender: Sender, owner, version) -> None:
    sender.begun(1000)
    sender.begun(1000, method_name="Another")
    assert quota(owner, version).left == 0
    refused = sender.begin(1000)
    assert refused.status_code == 422
    assert "No submission is left" in refused.json()["errors"]["__all__"][0]
    assert Submission.objects.count() == 2


def test_asking_again_with_the_same_key_begins_one_upload(sender: Sender) -> None:
    first = sender.begin(1000, idempotency_key="12345678-again")
    again = sender.begin(1000, idempotency_key="12345678-again")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first["Location"] == again["Location"]
    assert Submission.objects.count() == 1
    assert sender.begin(2000, idempotency_key="12345678-again").status_code == 422


def test_a_wrong_field_is_named_and_nothing_begun(sender: Sender) -> None:
    wrong = FIELDS | {"filename": "maps.rar", "paper_url": "javascript:x", "declared": ""}
    answer = sender.begin(1000, upload_metadata=encoded(wrong))
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"filename", "paper_url", "declared"}
    assert not Submission.objects.exists()


# The protocol, request by request -----------------------------------------------------------------


def test_options_tell_what_the_server_can(sender: Sender, upload: Upload) -> None:
    extensions = "creation,creation-with-upload,checksum,termination,expiration"
    for where in (CREATE, address(upload)):
        answer = Sender().ask("OPTIONS", where, tus_resumable=None)
        assert answer.status_code == 204
        assert answer["Tus-Version"] == answer["Tus-Resumable"] == "1.0.0"
        assert answer["Tus-Extension"] == extensions
        assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"
        assert answer["Tus-Max-Size"] == str(5 * 2**30)


def test_creation_says_where_and_until_when(sender: Sender) -> None:
    answer = sender.begin(len(DATA))
    upload = Upload.objects.get()
    assert answer.status_code == 201
    assert answer["Location"] == address(upload)
    expires = parsedate_to_datetime(answer["Upload-Expires"])
    assert abs(expires - timezone.now() - timedelta(hours=24)) < timedelta(minutes=5)
    assert answer["Tus-Resumable"] == "1.0.0"


def test_head_says_how_far_it_is(sender: Sender, upload: Upload) -> None:
    answer = sender.head(upload)
    assert answer.status_code == 200
    assert answer["Upload-Offset"] == "1000"
    assert answer["Upload-Length"] == str(len(DATA))
    assert answer["Upload-Metadata"] == encoded(FIELDS)
    assert "Upload-Expires" in answer
    assert answer["Cache-Control"] == "no-store"


def test_the_first_bytes_may_come_with_the_creation(sender: Sender, tmp_path: Path) -> None:
    answer = sender.begin(len(DATA), DATA[:500])
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "500")
    assert stored(tmp_path, Upload.objects.get()) == DATA[:500]


REFUSED_CREATIONS: list[tuple[int, dict[str, str | None]]] = [
    (412, {"tus_resumable": "0.2.2"}),
    (412, {"tus_resumable": None}),
    (400, {"upload_length": None}),
    (400, {"upload_length": "-1"}),
    (400, {"upload_length": "1e3"}),
    (400, {"upload_length": "0"}),
    (400, {"upload_defer_length": "1"}),
    (400, {"upload_concat": "partial"}),
    (413, {"upload_length": str(5 * 2**30 + 1)}),
    (400, {"upload_metadata": "filename bWFwcy56aXA"}),
    (400, {"upload_metadata": "filename bWFwcy56aXA=,filename bWFwcy56aXA="}),
    (400, {"upload_metadata": "filename /w=="}),
    (400, {"upload_metadata": ",filename bWFwcy56aXA="}),
    (400, {"upload_metadata": "filename  bWFwcy56aXA="}),
    (400, {"upload_metadata": "visiblity cHVibGlj"}),
    (422, {"upload_metadata": None}),
    (400, {"idempotency_key": "short"}),
]
REFUSED_PIECES: list[tuple[int, dict[str, str | None]]] = [
    (412, {"tus_resumable": "0.2.2"}),
    (415, {"content_type": "application/octet-stream"}),
    (409, {"upload_offset": "0"}),
    (409, {"upload_offset": "2000"}),
    (400, {"upload_offset": "x"}),
    (400, {"upload_offset": None}),
    (400, {"upload_checksum": "crc32 AAAA"}),
    (400, {"upload_checksum": "sha1 AAAA"}),
    (400, {"upload_checksum": "sha1"}),
    (460, {"upload_checksum": told_checksum(b"something else", "sha1")}),
    (460, {"upload_checksum": told_checksum(b"something else", "sha256")}),
]


def test_what_creation_refuses(sender: Sender) -> None:
    for status, headers in REFUSED_CREATIONS:
        answer = sender.begin(1000, **headers)
        assert (answer.status_code, headers) == (status, headers)
        assert answer["Tus-Resumable"] == "1.0.0"
        assert ("Tus-Version" in answer) == (status == 412)
    assert not Submission.objects.exists()


def test_what_a_piece_is_refused_for(sender: Sender, upload: Upload, tmp_path: Path) -> None:
    for status, headers in REFUSED_PIECES:
        told = {"upload_offset": "1000"} | headers
        answer = sender.ask("PATCH", address(upload), b"x" * 100, **told)
        assert (answer.status_code, headers) == (status, headers)
        assert answer["Tus-Resumable"] == "1.0.0"
        assert sender.head(upload)["Upload-Offset"] == "1000"
    assert stored(tmp_path, upload) == DATA[:1000]


def test_a_piece_beyond_the_end_is_refused_unread(sender: Sender, upload: Upload) -> None:
    assert sender.patch(upload, 1000, DATA).status_code == 413
    assert sender.head(upload)["Upload-Offset"] == "1000"


def test_a_piece_without_a_length_is_refused(sender: Sender, upload: Upload) -> None:
    answer = sender.patch(upload, 1000, b"")
    assert answer.status_code == 411


def test_a_piece_with_its_checksum_is_taken(sender: Sender, upload: Upload, tmp_path: Path) -> None:
    for algorithm, at in zip(protocol.ALGORITHMS, (1000, 3000), strict=True):
        piece = DATA[at : at + 2000]
        answer = sender.patch(upload, at, piece, upload_checksum=told_checksum(piece, algorithm))
        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(at + 2000))
    assert stored(tmp_path, upload) == DATA[:5000]


def test_other_methods_are_named(sender: Sender, upload: Upload) -> None:
    for method, where, allowed in (
        ("GET", CREATE, "POST, OPTIONS"),
        ("PUT", address(upload), "HEAD, PATCH, DELETE, OPTIONS"),
        ("POST", address(upload), "HEAD, PATCH, DELETE, OPTIONS"),
    ):
        answer = sender.ask(method, where)
        assert (answer.status_code, answer["Allow"]) == (405, allowed)


def test_a_client_that_can_only_post_names_the_method(sender: Sender, upload: Upload) -> None:
    told = {"upload_offset": "1000", "x_http_method_override": "PATCH"}
    answer = sender.ask("POST", address(upload), DATA[1000:], **told)
    assert (answer.status_code, answer["Upload-Offset"]) == (204, str(len(DATA)))


def test_a_request_that_changes_nothing_cannot_name_one_that_does(
    sender: Sender, upload: Upload
) -> None:
    """The site's token is not asked of GET and HEAD."""
    sender.ask("HEAD", address(upload), x_http_method_override="DELETE")
    sender.ask("GET", address(upload), x_http_method_override="DELETE")
    assert sender.head(upload).status_code == 200


# Who may ------------------------------------------------------------------------------------------


def test_an_upload_is_its_owners_matter(upload: Upload, tmp_path: Path) -> None:
    for person in (User.objects.create_user("other"), User.objects.create_user("s", is_staff=True)):
        other = Sender(person)
        assert other.head(upload).status_code == 404
        assert other.patch(upload, 1000, DATA[1000:]).status_code == 404
        assert other.delete(upload).status_code == 404
    assert stored(tmp_path, upload) == DATA[:1000]


def test_nothing_is_there_for_who_is_not_signed_in(upload: Upload, tmp_path: Path) -> None:
    nobody = Sender()
    assert nobody.begin(1000).status_code == 401
    for answer in (nobody.head(upload), nobody.patch(upload, 1000, b"x"), nobody.delete(upload)):
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer
    assert stored(tmp_path, upload) == DATA[:1000]


def test_without_the_sites_token_nothing_changes(sender: Sender, upload: Upload, owner) -> None:
    strict = Sender()
    strict.client = Client(enforce_csrf_checks=True)
    strict.client.force_login(owner)
    assert strict.begin(1000).status_code == 403
    assert strict.patch(upload, 1000, DATA[1000:]).status_code == 403
    assert strict.delete(upload).status_code == 403
    assert strict.head(upload)["Upload-Offset"] == "1000"
    token = strict.client.get("/submit/small/").context["csrf_token"]
    answer = strict.patch(upload, 1000, DATA[1000:2000], x_csrftoken=str(token))
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "2000")


# Interruptions ------------------------------------------------------------------------------------


class Broken:
    """A connection that ends after some bytes; by an error, or as if they were all."""

    def __init__(self, data: bytes, error: type[OSError] | None) -> None:
        self.data, self.error = data, error

    def read(self, size: int) -> bytes:
        block, self.data = self.data[:size], self.data[size:]
        if not block and self.error:
            raise self.error
        return block


def test_what_came_before_the_connection_ended_is_kept(
    sender: Sender, upload: Upload, tmp_path: Path
) -> None:
    at = 1000
    for error in (None, ConnectionResetError, TimeoutError):
        broken = Broken(DATA[at : at + 1500], error)
        with pytest.raises(Interrupted):
            append(upload, at, blocks(broken, len(DATA) - at))
        at += 1500
        assert sender.head(upload)["Upload-Offset"] == str(at)
    assert sender.patch(upload, at, DATA[at:]).status_code == 204
    assert stored(tmp_path, upload) == DATA


def test_an_interrupted_piece_with_a_checksum_is_dropped(sender: Sender, upload: Upload) -> None:
    checksum = protocol.checksum(told_checksum(DATA[1000:]))
    assert checksum is not None
    body = verified(blocks(Broken(DATA[1000:5000], None), len(DATA) - 1000), checksum)
    with pytest.raises(Interrupted):
        append(upload, 1000, body)
    assert sender.head(upload)["Upload-Offset"] == "1000"


def test_what_a_killed_process_wrote_and_did_not_record_is_cut_off(
    sender: Sender, upload: Upload, tmp_path: Path
) -> None:
    with (tmp_path / "archives" / upload.name).open("ab") as file:
        file.write(b"never recorded" * 2000)
    assert sender.patch(upload, 1000, DATA[1000:2000]).status_code == 204
    assert stored(tmp_path, upload) == DATA[:2000]


def test_a_file_that_is_shorter_than_its_row_is_told_truly(
    sender: Sender, upload: Upload, tmp_path: Path
) -> None:
    os.truncate(tmp_path / "archives" / upload.name, 700)
    assert sender.patch(upload, 1000, DATA[1000:]).status_code == 409
    assert sender.head(upload)["Upload-Offset"] == "700"
    assert sender.patch(upload, 700, DATA[700:]).status_code == 204
    assert stored(tmp_path, upload) == DATA


def test_of_many_who_send_at_once_each_byte_is_taken_from_one(
    sender: Sender, upload: Upload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread sends its own letter; pieces are small, so that they meet in the middle."""
    monkeypatch.setattr(folder, "PIECE", 100)
    ready, ends = threading.Barrier(6), []

    def send(letter: bytes) -> None:
        def body() -> Iterator[bytes]:
            for _ in range(20):
                yield letter * 100

        try:
            ready.wait()
            ends.append(append(upload, 1000, body()))
        except Elsewhere as elsewhere:
            ends.append(elsewhere.offset)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(bytes([65 + i]),)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends.count(3000) >= 1
    data = stored(tmp_path, upload)
    assert data[:1000] == DATA[:1000]
    assert len(data) == int(sender.head(upload)["Upload-Offset"]) == 3000
    pieces = {data[at : at + 100] for at in range(1000, 3000, 100)}
    assert pieces <= {bytes([65 + i]) * 100 for i in range(6)}


def test_the_one_who_is_late_is_told_where_the_upload_is(sender: Sender, upload: Upload) -> None:
    """Another one goes on while the first one's bytes are on their way."""

    def body() -> Iterator[bytes]:
        assert sender.patch(upload, 1000, DATA[1000:4000]).status_code == 204
        yield b"too late"

    with pytest.raises(Elsewhere) as told:
        append(upload, 1000, body())
    assert told.value.offset == 4000


def test_a_sender_that_has_vanished_is_not_waited_for_without_end(
    sender: Sender, upload: Upload
) -> None:
    """gunicorn shows its socket, and would wait on it for ever."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender.client.generic("PATCH", address(upload), b"x", BODY, headers={
            "Tus-Resumable": "1.0.0", "Upload-Offset": "1000"}, **{"gunicorn.socket": ours},
        )  # fmt: skip
        assert ours.gettimeout() == SILENCE_SECONDS


# Storage ------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_the_upload_goes_on_later(sender: Sender, tmp_path: Path) -> None:
    """The archive's file leads to a device that is always full."""
    upload = sender.begun(len(DATA))
    path = tmp_path / "archives" / upload.name
    path.parent.mkdir()
    path.symlink_to("/dev/full")
    answer = sender.patch(upload, 0, DATA)
    assert answer.status_code == 507
    assert "disk is full" in answer.content.decode()
    assert sender.head(upload)["Upload-Offset"] == "0"
    path.unlink()
    assert sender.patch(upload, 0, DATA).status_code == 204
    assert stored(tmp_path, upload) == DATA


def test_an_archive_that_cannot_fit_is_refused_at_once(sender: Sender, settings) -> None:
    settings.MAX_RESUMABLE_BYTES = 10**17
    answer = sender.begin(10**17)
    assert answer.status_code == 507
    assert "room" in answer.content.decode()
    assert not Submission.objects.exists()


# Endings ------------------------------------------------------------------------------------------


def test_taking_it_back_removes_the_bytes_and_gives_the_quota_back(
    sender: Sender, upload: Upload, owner, version, tmp_path: Path
) -> None:
    assert sender.delete(upload).status_code == 204
    assert not list((tmp_path / "archives").iterdir())
    for answer in (sender.head(upload), sender.patch(upload, 1000, b"x"), sender.delete(upload)):
        assert answer.status_code == 410
    assert Submission.objects.get().state == State.WITHDRAWN
    assert quota(owner, version).left == 2


def test_withdrawing_the_submission_ends_its_upload_too(
    sender: Sender, upload: Upload, owner, tmp_path: Path
) -> None:
    withdraw(upload.pk, owner)
    assert sender.patch(upload, 1000, DATA[1000:]).status_code == 410
    sweep()
    assert not list((tmp_path / "archives").iterdir())


def test_an_upload_that_rests_for_too_long_expires(
    sender: Sender, upload: Upload, owner, version, tmp_path: Path
) -> None:
    Upload.objects.update(expires=timezone.now() - timedelta(seconds=1))
    sweep()
    submission = Submission.objects.get()
    assert submission.state == State.WITHDRAWN
    assert "expired" in submission.failure
    assert sender.head(upload).status_code == 410
    assert not list((tmp_path / "archives").iterdir())
    assert quota(owner, version).left == 2


def test_an_upload_that_goes_on_lives_on(sender: Sender, upload: Upload) -> None:
    """Overnight, where only uploads that come at once are given up after an hour."""
    Submission.objects.update(created=timezone.now() - timedelta(days=3))
    Upload.objects.update(expires=timezone.now() + timedelta(minutes=1))
    sender.patch(upload, 1000, DATA[1000:2000])
    upload.refresh_from_db()
    assert upload.expires > timezone.now() + timedelta(hours=23)
    sweep()
    assert sender.head(upload)["Upload-Offset"] == "2000"


def test_a_whole_upload_whose_process_died_is_handed_in_by_the_sweep(
    sender: Sender, upload: Upload, tmp_path: Path
) -> None:
    (tmp_path / "archives" / upload.name).write_bytes(DATA)
    Upload.objects.update(offset=len(DATA))
    sweep()
    sweep()
    submission = Submission.objects.get()
    assert (submission.state, submission.jobs.count()) == (State.QUEUED, 1)
    assert sender.head(upload)["Upload-Offset"] == str(len(DATA))
    assert sender.patch(upload, len(DATA), b"").status_code == 204


def test_a_whole_upload_is_withdrawn_as_a_submission(sender: Sender, upload: Upload) -> None:
    sender.patch(upload, 1000, DATA[1000:])
    assert sender.delete(upload).status_code == 409
    assert Submission.objects.get().state == State.QUEUED


def test_a_deleted_submission_takes_its_pieces_along(upload: Upload, tmp_path: Path) -> None:
    upload.submission.delete()
    assert not list((tmp_path / "archives").iterdir())


# Reading header fields ----------------------------------------------------------------------------


def test_metadata_is_read_as_it_was_written() -> None:
    told = {"filename": "Über maps, 2.zip", "empty": "", "k-1_x!": "a,b c=="}
    assert protocol.metadata(encoded(told)) == told
    assert protocol.metadata("only") == {"only": ""}
    assert protocol.metadata(None) == protocol.metadata("") == {}


def test_what_is_no_metadata_is_refused() -> None:
    for value in ("ü YQ==", "a YQ==,", "a YQ==,,b Yg==", "a Y Q==", "a YQ=", "a _"):
        with pytest.raises(TusError, match="Upload-Metadata"):
            protocol.metadata(value)


def test_a_checksum_is_read() -> None:
    digest = hashlib.sha1(b"x").digest()
    told = protocol.checksum(f"sha1 {base64.b64encode(digest).decode()}")
    assert told == protocol.Checksum("sha1", digest)
    assert BODY == protocol.BODY_TYPE
