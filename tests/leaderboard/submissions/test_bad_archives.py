"""What is wrong with an archive stands on its page; the worker and the quota survive it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile

from leaderboard.submissions.models import Score
from leaderboard.submissions.policies import quota
from leaderboard.submissions.states import State
from tests.leaderboard import support

NAME = "clip/test/missing/0001.png"


def _changed(**files: bytes) -> dict[str, bytes]:
    return support.members() | files


def _without(name: str) -> dict[str, bytes]:
    files = support.members()
    del files[name]
    return files


def _rgb() -> bytes:
    return support.png(np.zeros((support.SIZE[1], support.SIZE[0], 3), np.uint8))


def _nan_maps() -> dict[str, bytes]:
    """All maps of a category as float TIFF, one of them with a NaN."""
    files = support.members(categories=["bracket"])
    for image in support.IMAGES:
        values = np.zeros((support.SIZE[1], support.SIZE[0]), np.float32)
        if f"clip/test/{image}.png" == NAME:
            values[3, 4] = np.nan
        stream = io.BytesIO()
        tifffile.imwrite(stream, values)
        files[f"clip/test/{image}.tif"] = stream.getvalue()
    return files


BAD = {
    "a missing image": (lambda: _without(NAME), "clip/test/missing/0001", "missing"),
    "an extra image": (
        lambda: _changed(**{"clip/test/missing/0007.png": _rgb()}),
        "clip/test/missing/0007.png",
        "no test image",
    ),
    "NaN": (_nan_maps, "clip/test/missing/0001.tif", "NaN"),
    "RGB": (lambda: _changed(**{NAME: _rgb()}), NAME, "grey"),
    "a truncated PNG": (lambda: _changed(**{NAME: support.members()[NAME][:90]}), NAME, "damaged"),
    "a path that climbs": (
        lambda: _changed(**{"../x.png": support.members()[NAME]}),
        "../x.png",
        "..",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_archive_is_rejected_with_the_member_named(
    kind: str, hand_in, work_off, owner, version, client
) -> None:
    make, member, wrong = BAD[kind]
    submission = hand_in(make())
    assert quota(owner, version).left == 1
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.REJECTED
    assert Score.objects.count() == 0
    assert submission.problem_count == len(submission.problems) == 1
    assert submission.problems[0].startswith(f"{member}:")
    assert wrong in submission.problems[0]
    assert quota(owner, version).left == 2
    client.force_login(owner)
    page = client.get(f"/submissions/{submission.pk}/").content.decode()
    assert member in page


@pytest.mark.parametrize("name", ["maps.zip", "maps.tar", "maps.tar.gz"])
def test_no_archive_at_all_is_rejected(name: str, hand_in, work_off) -> None:
    submission = hand_in(b"these are not the maps you are looking for", name)
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.REJECTED
    assert submission.problem_count == 1


def test_after_fifty_problems_only_their_number_is_kept(hand_in, work_off, client, owner) -> None:
    extra = {f"clip/test/missing/9{number:03}.png": b"" for number in range(60)}
    submission = hand_in(support.members() | extra)
    work_off()
    submission.refresh_from_db()
    assert (len(submission.problems), submission.problem_count) == (50, 60)
    client.force_login(owner)
    page = client.get(f"/submissions/{submission.pk}/").content.decode()
    assert "60 problems" in page
    assert "and 10 more" in page


def test_the_worker_goes_on_with_the_next_archive(hand_in, work_off) -> None:
    bad, good = hand_in(b"nothing"), hand_in(support.members(categories=["clip"]))
    work_off()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.REJECTED, State.SCORED)
