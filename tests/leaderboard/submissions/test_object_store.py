"""Archives in an object store: pieces go in, a worker takes a copy, and nothing is left over."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from leaderboard.accounts.models import User
from leaderboard.submissions import archives
from leaderboard.submissions.models import Submission, Upload
from leaderboard.submissions.services.append import append
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.sweep import sweep
from leaderboard.submissions.states import State
from leaderboard.submissions.tus.body import Interrupted, blocks
from leaderboard.submissions.tus.objects import PART
from leaderboard.submissions.tus.progress import Elsewhere
from tests.leaderboard import support
from tests.leaderboard.submissions.tus_client import Sender
from tests.s3 import Bucket, ObjectStore

DATA = random.Random(5).randbytes(2 * PART + 300_000)


@pytest.fixture
def bucket(object_store: ObjectStore, settings, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket where archives go."""
    bucket = object_store.bucket("submissions")
    settings.STORAGES = {**settings.STORAGES, "submissions": bucket.storage()}
    field = Submission._meta.get_field("archive")
    monkeypatch.setattr(field, "storage", storages["submissions"])
    return bucket


@pytest.fixture
def sender(owner: User, version, bucket: Bucket) -> Sender:
    return Sender(owner)


def content(bucket: Bucket, name: str) -> bytes:
    return bucket.client().get_object(Bucket=bucket.name, Key=name)["Body"].read()


def open_multiparts(bucket: Bucket) -> int:
    found = bucket.client().list_multipart_uploads(Bucket=bucket.name)
    return len(found.get("Uploads", ()))


def test_pieces_of_any_size_arrive_whole(sender: Sender, bucket: Bucket) -> None:
    """Cut in the middle of parts, at their ends, and short of them."""
    upload = sender.begun(len(DATA))
    at = 0
    for end in (1000, 5000, PART - 1, PART, PART + 70_000, 2 * PART + 5, len(DATA)):
        answer = sender.patch(upload, at, DATA[at:end])
        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(end))
        at = end
        tails = [name for name in bucket.names() if "tail" in name]
        assert len(tails) == (end not in (PART, len(DATA)))
    assert content(bucket, upload.name) == DATA
    assert bucket.names() == [upload.name]
    assert open_multiparts(bucket) == 0
    submission = Submission.objects.get()
    assert (submission.state, submission.size) == (State.QUEUED, len(DATA))


class Broken:
    """A connection that ends after some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int) -> bytes:
        block, self.data = self.data[:size], self.data[size:]
        return block


def test_what_came_before_the_connection_ended_is_in_the_store(
    sender: Sender, bucket: Bucket
) -> None:
    upload = sender.begun(len(DATA))
    with pytest.raises(Interrupted):
        append(upload, 0, blocks(Broken(DATA[: PART + 123_456]), len(DATA)))
    assert sender.head(upload)["Upload-Offset"] == str(PART + 123_456)
    sender.patch(upload, PART + 123_456, DATA[PART + 123_456 :])
    assert content(bucket, upload.name) == DATA


class Died(BaseException):
    """The process ends here, and does nothing any more."""


def test_after_a_death_the_offset_is_what_the_store_has(sender: Sender, bucket: Bucket) -> None:
    upload = sender.begun(len(DATA))

    def body() -> Iterator[bytes]:
        yield DATA[: PART + 50_000]
        raise Died

    with pytest.raises(Died):
        append(upload, 0, body())
    assert sender.head(upload)["Upload-Offset"] == str(PART)
    sender.patch(upload, PART, DATA[PART:])
    assert content(bucket, upload.name) == DATA


def test_of_two_who_send_at_once_the_object_is_one_ones(sender: Sender, bucket: Bucket) -> None:
    upload = sender.begun(PART + 10)
    ready, ends = threading.Barrier(2), []

    def send(letter: bytes) -> None:
        try:
            ready.wait()
            ends.append(append(upload, 0, iter([letter * (PART + 10)])))
        except Elsewhere as elsewhere:
            ends.append(elsewhere.offset)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert PART + 10 in ends
    sweep()
    assert Submission.objects.get().state == State.QUEUED
    assert len(content(bucket, upload.name)) == PART + 10
    assert set(content(bucket, upload.name)[:PART]) in ({97}, {98})
    assert open_multiparts(bucket) == 0


def test_an_expired_upload_leaves_nothing_in_the_store(sender: Sender, bucket: Bucket) -> None:
    upload = sender.begun(len(DATA))
    sender.patch(upload, 0, DATA[: PART + 10])
    assert open_multiparts(bucket) == 1
    Upload.objects.update(expires=timezone.now() - timedelta(seconds=1))
    sweep()
    assert (bucket.names(), open_multiparts(bucket)) == ([], 0)
    assert Submission.objects.get().state == State.WITHDRAWN


def test_one_that_is_taken_back_leaves_nothing_either(sender: Sender, bucket: Bucket) -> None:
    upload = sender.begun(len(DATA))
    sender.patch(upload, 0, DATA[: PART + 10])
    assert sender.delete(upload).status_code == 204
    assert (bucket.names(), open_multiparts(bucket)) == ([], 0)


def test_a_store_that_does_not_answer_keeps_the_offset(sender: Sender, bucket: Bucket) -> None:
    """The account's keys are revoked for a while: every request is refused."""
    upload = sender.begun(len(DATA))
    sender.patch(upload, 0, DATA[:1000])
    storage = Submission._meta.get_field("archive").storage
    with pytest.MonkeyPatch.context() as patch:
        wrong = bucket.storage(secret_key="not the key")
        from storages.backends.s3 import S3Storage

        patch.setattr(Submission._meta.get_field("archive"), "storage",
                      S3Storage(**wrong["OPTIONS"]))  # fmt: skip
        answer = sender.patch(upload, 1000, DATA[1000:])
        assert answer.status_code == 503
        assert "out of order" in answer.content.decode()
    assert Submission._meta.get_field("archive").storage is storage
    assert sender.head(upload)["Upload-Offset"] == "1000"
    sender.patch(upload, 1000, DATA[1000:])
    assert content(bucket, upload.name) == DATA


def test_a_whole_upload_that_could_not_be_completed_is_by_the_sweep(
    sender: Sender, bucket: Bucket
) -> None:
    """Its process ended after the last part; or after completing, before the row said so."""
    upload = sender.begun(1000)
    append(upload, 0, iter([DATA[:1000]]))
    upload.refresh_from_db()
    assert upload.is_whole and upload.submission.state == State.UPLOADING
    from leaderboard.submissions.tus.stores import store

    store().complete(upload)
    sweep()
    assert Submission.objects.get().state == State.QUEUED
    assert content(bucket, upload.name) == DATA[:1000]


def test_workers_score_from_a_copy_that_goes_with_the_last_job(
    sender: Sender, bucket: Bucket, work_off, tmp_path: Path
) -> None:
    archive = support.zipped(support.members())
    digest = hashlib.sha256(archive).hexdigest()
    upload = sender.begun(len(archive), sha256=digest)
    sender.patch(upload, 0, archive)
    submission = Submission.objects.get()
    copies = tmp_path / "archive-copies"
    perform(submission.jobs.get().pk, "test")
    submission.refresh_from_db()
    assert (submission.state, submission.sha256) == (State.SCORING, digest)
    assert [path.name for path in copies.iterdir()] == [digest]
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.SCORED
    assert list(copies.iterdir()) == []


def test_a_form_in_one_go_takes_the_same_way(bucket: Bucket, hand_in, work_off) -> None:
    submission = hand_in()
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.SCORED
    assert bucket.names() == [submission.archive.name]


# Copies -------------------------------------------------------------------------------------------


def copies(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "archive-copies").glob("*")}


def test_copies_stay_below_their_limit_but_for_those_in_use(
    bucket: Bucket, hand_in, tmp_path: Path, settings, version
) -> None:
    version.submissions_per_day = 9
    version.save()
    first, second, third = (hand_in(support.members(seed)) for seed in range(3))
    settings.ARCHIVE_COPIES_BYTES = int(2.5 * first.size)
    for submission in (first, second, third):
        with archives.local(submission) as archive:
            assert hashlib.sha256(archive.path.read_bytes()).hexdigest() == submission.sha256
    assert copies(tmp_path) == {second.sha256, third.sha256}
    with archives.local(second) as used, archives.local(first):
        assert used.path.exists()
        assert copies(tmp_path) == {second.sha256, first.sha256}
        assert archives.drop_copies() == 0
    Submission.objects.all().delete()
    assert archives.drop_copies() == 2


def test_a_damaged_archive_is_never_used(bucket: Bucket, hand_in, tmp_path: Path) -> None:
    submission = hand_in()
    bucket.client().put_object(Bucket=bucket.name, Key=submission.archive.name, Body=b"other")
    with (
        pytest.raises(archives.ArchiveDamaged, match="expected"),
        archives.local(submission),
    ):
        pass
    assert copies(tmp_path) == set()


def test_what_a_killed_worker_left_of_a_copy_goes(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "archive-copies"
    folder.mkdir()
    (folder / f"1234{archives.PARTIAL}").write_bytes(b"half")
    assert archives.drop_copies() == 1
    assert copies(tmp_path) == set()
