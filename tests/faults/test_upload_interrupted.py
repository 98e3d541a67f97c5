"""Uploads in pieces to a real gunicorn whose connection, or whose process, is lost on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.leaderboard import support
from tests.leaderboard.submissions.tus_http import BOARD, MIB, Data, Remote
from tests.stack import Stack, wait_until

MOST_MEMORY = 200 * 1000 * 1000  # bytes
OFFSET = 'SELECT "offset" FROM submissions_upload'


class Web:
    """The site's web process, which can be killed and started again, and what it took."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.memory = 0
        self.url = ""
        self.start()

    def start(self) -> None:
        self.url = self.stack.web()
        self.process = self.stack.processes[-1]

    def kill(self) -> None:
        """SIGKILL for the arbiter and its workers."""
        self.look()
        Stack.kill(self.process)

    def look(self) -> None:
        """Note the most memory that any of its processes ever had resident, in bytes."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
                group = (status.parent / "stat").read_text().rpartition(")")[2].split()[2]
            except OSError:
                continue
            found = re.search(r"VmHWM:\s+(\d+) kB", text)
            if found and int(group) == self.process.pid:
                self.memory = max(self.memory, int(found[1]) * 1024)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with Stack(tmp_path / "var", AUTOVI_LOG_LEVEL="WARNING") as stack:
        dataset = support.make_dataset(tmp_path / "dataset")
        naming = ["--name", BOARD, "--dataset-version", "1", "--labels", "public"]
        stack.manage("import_dataset", str(dataset), *naming)
        yield Web(stack)


def lose_the_connection(web: Web) -> None:
    """The sender vanishes; the process lives on."""


def kill_the_process(web: Web) -> None:
    web.kill()


Interruption = tuple[int, Callable[[Web], None]]


def interrupted(web: Web, remote: Remote, data: Data, interruption: Interruption) -> None:
    """Send on to some byte, and interrupt it as soon as any of that is safe."""
    end, how = interruption
    start = remote.offset()
    connection = remote.begin_piece(data.length - start, start)
    for block in data.blocks(start, end):
        connection.send(block)
    safe = wait_until(
        lambda: web.stack.rows(f'{OFFSET} WHERE "offset" > {start}'), "some bytes are safe"
    )[0][0]
    how(web)
    connection.close()
    if how is kill_the_process:
        web.start()
        remote.url = web.url
        assert safe <= remote.offset() <= end
    else:
        wait_until(lambda: remote.offset() == end, "all that was sent is kept")


def arrives_whole(
    web: Web, data: Data, interruptions: list[tuple[int, Callable[[Web], None]]]
) -> None:
    remote = Remote(web.stack, web.url)
    digest = data.sha256()
    remote.begin(data.length, sha256=digest)
    for interruption in interruptions:
        interrupted(web, remote, data, interruption)
    assert remote.send(data, remote.offset()) == 204
    web.look()
    stored = web.stack.var / "submissions" / remote.submission / "archive.zip"
    with stored.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest
    web.stack.worker()
    ended = "SELECT state, sha256 FROM submissions_submission WHERE state IN ('rejected', 'failed')"
    assert wait_until(lambda: web.stack.rows(ended), "its check ends") == [("rejected", digest)]
    print(f"{data.length:,} bytes, {len(interruptions)} interruptions: "
          f"the web process took at most {web.memory / 1e6:.1f} MB")  # fmt: skip
    assert 0 < web.memory < MOST_MEMORY


def test_an_interrupted_upload_arrives_whole(web: Web) -> None:
    interruptions = [(9 * MIB + 5, lose_the_connection), (23 * MIB, kill_the_process)]
    arrives_whole(web, Data(40 * MIB + 17), interruptions)


@pytest.mark.long
def test_two_gigabytes_interrupted_five_times_arrive_whole(web: Web) -> None:
    interruptions = [
        (150 * MIB + 1, lose_the_connection),
        (600 * MIB, kill_the_process),
        (901 * MIB, kill_the_process),
        (1300 * MIB + 99, lose_the_connection),
        (1999 * MIB, kill_the_process),
    ]
    arrives_whole(web, Data(2 * 1024 * MIB), interruptions)
