"""Uploads in pieces into an object store: a multipart upload of 8 MiB parts, and what is left over.

A part of less than 5 MiB can only be the last one. So what is left over when a
request ends becomes an object of its own, the tail, which the next request
takes up again: what the row says is in the store, whichever machine's process
dies. Bytes on their way to a part wait in a file without a name.
"""

from __future__ import annotations

import posixpath
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from leaderboard.submissions.models import Upload
from leaderboard.submissions.tus.body import BLOCK, Interrupted
from leaderboard.submissions.tus.progress import advance, held

PART = 8 * 1024 * 1024
"""Bytes of a part: 5 GiB are 640 of the 10,000 parts that an object may have."""
GONE = ("NoSuchUpload", "NoSuchKey", "404")


class StoreFails(OSError):
    """The object store does not answer, or not as it should."""


@contextmanager
def answering() -> Iterator[None]:
    """Tell the object store's own errors as StoreFails."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreFails(str(error)) from error


class Objects:
    """The store of uploads beside an S3Storage."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.client = storage.bucket.meta.client
        self.bucket = {"Bucket": storage.bucket_name}

    def room(self) -> None:
        """Nobody knows."""

    @contextmanager
    def writer(self, upload: Upload, offset: int) -> Iterator[Writer]:
        """Take bytes from ``offset`` on; what came before an interruption is kept.

        Raises Elsewhere and Ended (`progress.held`), StoreFails, OSError.
        """
        with (
            answering(),
            tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool,
        ):
            writer = Writer(self, spool, upload, offset)
            try:
                yield writer
            except Interrupted:
                writer.flush()
                raise
            writer.flush()

    def complete(self, upload: Upload) -> None:
        """Make the parts one object; raises StoreFails where that is not possible now."""
        told = {"Parts": [{"PartNumber": n, "ETag": tag} for n, tag, _ in upload.parts["done"]]}
        at = self.at(upload.name)
        with answering():
            try:
                self.client.complete_multipart_upload(
                    **at, UploadId=upload.parts["id"], MultipartUpload=told
                )
            except ClientError as error:
                if _code(error) not in GONE:
                    raise
            size = self.client.head_object(**at)["ContentLength"]
            if size != upload.length:
                raise StoreFails(f"{upload.name}: {size} bytes; expected {upload.length}")
            self._drop_tails(upload.name)

    def discard(self, upload: Upload) -> None:
        """Give up the parts; remove the tail, and the object if there is one."""
        at = self.at(upload.name)
        with answering():
            if "id" in upload.parts:
                self.give_up(upload.name, upload.parts["id"])
            self._drop_tails(upload.name)
            self.client.delete_object(**at)

    def begin(self, name: str) -> str:
        """Begin a multipart upload; its id."""
        told = self._storage.get_object_parameters(name)
        return str(self.client.create_multipart_upload(**told, **self.at(name))["UploadId"])

    def give_up(self, name: str, multipart: str) -> None:
        """Give up a multipart upload; it may be over already."""
        try:
            self.client.abort_multipart_upload(**self.at(name), UploadId=multipart)
        except ClientError as error:
            if _code(error) not in GONE:
                raise

    def at(self, name: str) -> dict[str, str]:
        """Bucket and key of a name, as the client's calls take them."""
        return self.bucket | {"Key": posixpath.join(self._storage.location, name).lstrip("/")}

    def _drop_tails(self, name: str) -> None:
        """Remove the tail, and those that a killed process wrote and did not record."""
        prefix = self.at(_tails(name))["Key"]
        listed = self.client.list_objects_v2(**self.bucket, Prefix=prefix)
        for found in listed.get("Contents", ()):
            self.client.delete_object(**self.bucket, Key=found["Key"])


class Writer:
    """Adds to one upload. ``offset`` is how far its row is, by this writer's doing."""

    def __init__(self, store: Objects, spool: IO[bytes], upload: Upload, offset: int) -> None:
        self.offset = offset
        self._store, self._spool = store, spool
        self._pk, self._name, self._length = upload.pk, upload.name, upload.length
        with held(self._pk, offset) as found:
            parts = found.parts
        self._id = parts.get("id") or self._begin()
        self._tail = parts.get("tail", "")
        # Where the bytes in the spool begin, and how many they are.
        self._start = sum(size for _, _, size in parts.get("done", ()))
        self._waiting = 0
        if self._tail:
            self._take_up()

    def write(self, block: bytes) -> None:
        """Take a block; what makes a part goes to the store."""
        left = memoryview(block)
        while left:
            taken = self._spool.write(left[: PART - self._waiting])
            self._waiting += taken
            left = left[taken:]
            if self._waiting == PART:
                self._part()

    def flush(self) -> None:
        """Make what is left over durable: the last part, or the tail."""
        if self._reached == self.offset:
            return
        if self._reached == self._length:
            self._part()
        else:
            self._leave()

    @property
    def _reached(self) -> int:
        """The offset once all that waits is recorded; a tail in the spool is already."""
        return self._start + self._waiting

    def _begin(self) -> str:
        """Begin the multipart upload, unless somebody else just did."""
        begun = self._store.begin(self._name)
        with held(self._pk, self.offset) as upload:
            known = upload.parts.get("id")
            if not known:
                parts = upload.parts | {"id": begun, "next": 1, "done": []}
                advance(upload, self.offset, parts=parts)
        if known:
            self._store.give_up(self._name, begun)
        return str(known or begun)

    def _take_up(self) -> None:
        """Read the tail back."""
        body = self._store.client.get_object(**self._store.at(self._tail))["Body"]
        while block := body.read(BLOCK):
            self._waiting += self._spool.write(block)
        if self._reached != self.offset:
            expected = self.offset - self._start
            raise StoreFails(f"{self._tail}: {self._waiting} bytes; expected {expected}")

    def _part(self) -> None:
        """Send what waits as the next part, and record it.

        Each attempt has a number of its own, taken from the row: a part that
        was sent and not recorded stands in nobody's way, and none is written over.
        """
        number = self._take_number()
        self._spool.seek(0)
        sent = self._store.client.upload_part(
            **self._store.at(self._name),
            UploadId=self._id,
            PartNumber=number,
            Body=self._spool,
            ContentLength=self._waiting,
        )
        with held(self._pk, self.offset) as upload:
            done = [*upload.parts["done"], [number, sent["ETag"], self._waiting]]
            parts = upload.parts | {"done": done, "tail": ""}
            advance(upload, self._reached, parts=parts)
        self._recorded("")
        self._start, self._waiting = self.offset, 0
        self._spool.seek(0)
        self._spool.truncate()

    def _leave(self) -> None:
        """Store what waits as the tail, and record it."""
        name = f"{_tails(self._name)}{self._reached}-{uuid.uuid4().hex[:8]}"
        self._spool.seek(0)
        self._store.client.put_object(**self._store.at(name), Body=self._spool)
        with held(self._pk, self.offset) as upload:
            advance(upload, self._reached, parts=upload.parts | {"tail": name})
        self._recorded(name)

    def _take_number(self) -> int:
        with held(self._pk, self.offset) as upload:
            number: int = upload.parts["next"]
            advance(upload, self.offset, parts=upload.parts | {"next": number + 1})
        return number

    def _recorded(self, tail: str) -> None:
        """Go on behind what was recorded; the tail before it is part of that."""
        before, self._tail = self._tail, tail
        self.offset = self._reached
        if before:
            self._store.client.delete_object(**self._store.at(before))


def _tails(name: str) -> str:
    """What the names of an upload's tails begin with."""
    return f"{name}.tail-"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
