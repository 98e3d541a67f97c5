"""A compressed tar is unpacked once for all of its jobs, and what was unpacked goes again."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leaderboard.submissions import unpacked
from leaderboard.submissions.models import Job
from leaderboard.submissions.results import report_json
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.sweep import sweep
from leaderboard.submissions.states import State
from scoring import Limits, score
from tests.leaderboard import support
from tests.scoring.support import write_tar

PLAIN = b"a plain tar, more or less" * 1000


@pytest.fixture
def packed(tmp_path: Path):
    """Gzip files of `PLAIN`, with the names that their copies get."""

    def packed(name: str) -> tuple[Path, str]:
        path = tmp_path / f"{name}.tar.gz"
        path.write_bytes(gzip.compress(PLAIN))
        return path, name

    return packed


def copies() -> set[str]:
    return {path.name for path in unpacked.folder().glob("*")}


def test_jobs_after_the_first_read_its_copy(hand_in, tmp_path: Path) -> None:
    files = support.members(runs=2)
    data = write_tar(tmp_path / "maps.tar.gz", files).read_bytes()
    submission = hand_in(data, "maps.tar.gz")
    perform(submission.jobs.get().pk, "test")
    first, *others = submission.jobs.filter(kind=Job.Kind.SCORE)
    perform(first.pk, "test")
    submission.refresh_from_db()
    submission.archive_file.write_bytes(data[:20])
    for job in others:
        perform(job.pk, "test")
    submission.refresh_from_db()
    assert submission.state == State.SCORED
    maps = tmp_path / "maps.zip"
    maps.write_bytes(support.zipped(files))
    assert report_json(submission) == score(tmp_path / "dataset", maps).dumps()
    assert copies() == {f"{submission.sha256}.tar"}


def test_other_archives_are_read_where_they_lie(hand_in, work_off) -> None:
    submission = hand_in()
    work_off()
    submission.refresh_from_db()
    assert (submission.state, copies()) == (State.SCORED, set())


def test_a_copy_is_dropped_when_nobody_used_it_for_a_while(packed) -> None:
    with unpacked.plain(*packed("old"), Limits()) as path:
        assert path.read_bytes() == PLAIN
    for _ in range(2):
        sweep()
        assert copies() == {"old.tar"}
    os.utime(path, (0, 0))
    sweep()
    assert copies() == set()


def test_a_copy_is_not_dropped_while_it_is_read(packed) -> None:
    with unpacked.plain(*packed("busy"), Limits()) as path:
        os.utime(path, (0, 0))
        sweep()
        assert path.read_bytes() == PLAIN


def test_all_copies_together_stay_within_the_bound(packed) -> None:
    limits = Limits(spool_bytes=len(PLAIN) * 5 // 2)
    with unpacked.plain(*packed("first"), limits) as first:
        pass
    os.utime(first, (0, 0))
    with unpacked.plain(*packed("second"), limits):
        assert copies() == {"first.tar", "second.tar"}
    with unpacked.plain(*packed("third"), limits) as third:
        assert third.read_bytes() == PLAIN
    assert copies() == {"second.tar", "third.tar"}


def test_what_finds_no_room_is_read_as_it_came(packed) -> None:
    limits = Limits(spool_bytes=len(PLAIN) * 3 // 2)
    archive, name = packed("other")
    with unpacked.plain(*packed("busy"), limits), unpacked.plain(archive, name, limits) as path:
        assert path == archive
        assert copies() == {"busy.tar"}


@pytest.mark.parametrize("data", [b"\x1f\x8bnothing", gzip.compress(PLAIN)[:-9]])
def test_what_cannot_be_unpacked_is_left_to_the_scorer(data: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "maps.tar.gz"
    archive.write_bytes(data)
    with unpacked.plain(archive, "damaged", Limits()) as path:
        assert path == archive
    assert copies() == set()


KILLED = """
import resource, signal, sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
from leaderboard.submissions import unpacked
from scoring import Limits
settings.VAR_DIR = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
with unpacked.plain(Path(sys.argv[2]), "maps", Limits()):
    pass
"""


def test_a_worker_killed_half_way_leaves_nothing_wrong(packed, tmp_path: Path) -> None:
    """The kernel ends the process in the middle of the file."""
    archive, name = packed("maps")
    arguments = [sys.executable, "-c", KILLED, str(tmp_path), str(archive), str(len(PLAIN) // 2)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "leaderboard.settings"}
    done = subprocess.run(arguments, env=environment, check=False, preexec_fn=no_core)
    assert done.returncode == -signal.SIGXFSZ
    assert copies() == {"maps.partial"}
    with unpacked.plain(archive, name, Limits()) as path:
        assert path.read_bytes() == PLAIN
    assert copies() == {"maps.tar"}


def no_core() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test_what_a_killed_worker_left_is_dropped(packed) -> None:
    unpacked.folder().mkdir()
    left = unpacked.folder() / "maps.partial"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    sweep()
    assert copies() == set()
