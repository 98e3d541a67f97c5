"""Pictures of training images: small, made once, within bounds, and of nothing else."""

from __future__ import annotations

import io
import logging
import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leaderboard.datasets import thumbnails
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.thumbnails import EDGE, SHOWN, NoThumbnail, thumbnail
from tests.leaderboard.datasets.conftest import picture

CATEGORY = "pipe_clip"


def shrink(path: Path) -> bytes:
    with path.open("rb") as file:
        return thumbnails.shrink(file, path.name)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1000, 750), (320, 240)), ((400, 400), (320, 320)), ((20, 10), (20, 10))],
)
def test_a_picture_is_a_webp_of_320_pixels_at_most(tmp_path: Path, size, expected) -> None:
    (tmp_path / "a.png").write_bytes(picture(*size))
    small = opened(shrink(tmp_path / "a.png"))
    assert (small.format, small.size, EDGE) == ("WEBP", expected, 320)


def test_a_picture_carries_nothing_of_its_source_but_pixels(tmp_path: Path) -> None:
    image = opened(picture())
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    image.save(tmp_path / "a.png", exif=exif, icc_profile=b"a profile")
    data = shrink(tmp_path / "a.png")
    small = opened(data)
    assert not small.getexif()
    assert "icc_profile" not in small.info
    assert b"taken" not in data


def test_sixteen_bit_grey_keeps_its_brightness(tmp_path: Path) -> None:
    values = np.full((40, 40), 200 * 256, np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert abs(int(np.asarray(opened(shrink(tmp_path / "a.png"))).mean()) - 200) <= 2


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_file_that_announces_too_many_pixels_is_not_decoded(tmp_path: Path, side: int) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(NoThumbnail):
        shrink(tmp_path / "bomb.png")


@pytest.mark.parametrize("cut", [0, 4, 30, 200])
def test_a_damaged_file_is_no_picture(tmp_path: Path, cut: int) -> None:
    (tmp_path / "a.png").write_bytes(picture()[:cut])
    with pytest.raises(NoThumbnail):
        shrink(tmp_path / "a.png")


def test_many_requests_at_once_make_it_once(
    version: DatasetVersion, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, thumbnails.__name__)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: thumbnail(version, CATEGORY, 0), range(24)))
    assert len({picture.data for picture in found}) == 1
    assert [record.message for record in caplog.records] == ["thumbnail made"]


def test_the_lock_holds_between_processes(folders: Path) -> None:
    folder = folders / "thumbnails"
    with thumbnails._locked("00"):
        code = (
            "import fcntl, sys\n"
            "file = open(sys.argv[1], 'r+')\n"
            "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        )
        command = [sys.executable, "-c", code, str(folder / ".00.lock")]
        inside = subprocess.run(command, check=False, capture_output=True)
    after = subprocess.run(command, check=False, capture_output=True)
    assert (inside.returncode, after.returncode) == (1, 0)


def test_the_folder_stays_within_its_size(version: DatasetVersion, folders: Path, settings) -> None:
    first = thumbnail(version, CATEGORY, 0)
    settings.THUMBNAILS_MAX_BYTES = 2 * len(first.data) + len(first.data) // 2
    place = folders / "thumbnails" / f"{first.key}.webp"
    os.utime(place, (1, 1))
    for category in ("pipe_clip", "tank_screw"):
        for at in range(1, 3):
            thumbnail(version, category, at)
            kept = list((folders / "thumbnails").glob("*.webp"))
            assert sum(path.stat().st_size for path in kept) <= settings.THUMBNAILS_MAX_BYTES
    assert not place.exists()
    assert not list((folders / "thumbnails").glob(".*.part"))


def test_what_is_asked_for_stays_and_what_is_not_goes(
    version: DatasetVersion, folders: Path, settings
) -> None:
    asked, left = thumbnail(version, CATEGORY, 0), thumbnail(version, CATEGORY, 1)
    places = [folders / "thumbnails" / f"{picture.key}.webp" for picture in (asked, left)]
    for place, time in zip(places, (1, 2), strict=True):
        os.utime(place, (time, time))
    thumbnail(version, CATEGORY, 0)
    settings.THUMBNAILS_MAX_BYTES = 2 * len(asked.data) + len(asked.data) // 2
    thumbnail(version, CATEGORY, 2)
    assert [place.exists() for place in places] == [True, False]


def test_a_limit_below_one_picture_still_shows_it(version: DatasetVersion, settings) -> None:
    settings.THUMBNAILS_MAX_BYTES = 1
    assert thumbnail(version, CATEGORY, 0).data


def test_the_gallery_is_spread_over_the_training_images(make_version) -> None:
    version = make_version("many", n_train=3 * SHOWN)
    names = [Path(thumbnails._source(version, CATEGORY, at)).name for at in range(SHOWN)]
    assert names == [f"{3 * at:04}.png" for at in range(SHOWN)]


@pytest.mark.parametrize(
    ("category", "number"),
    [("pipe_clip", 3), ("pipe_clip", 10**12), ("nothing", 0), ("..", 0), ("downloads", 0)],
)
def test_there_is_no_other_picture(
    client, version: DatasetVersion, category: str, number: int
) -> None:
    assert client.get(f"/datasets/small/{category}/thumbnails/{number}").status_code == 404


def test_test_images_are_never_opened(client, version: DatasetVersion, folders: Path) -> None:
    """Even where the training images are gone and the test images are there."""
    category = folders / "packs/small/1.0/pipe_clip"
    (category / "train").rename(category / "test")
    assert client.get("/datasets/small/pipe_clip/thumbnails/0").status_code == 404


def test_a_picture_is_served_once_and_then_known(client, version: DatasetVersion) -> None:
    address = "/datasets/small/pipe_clip/thumbnails/0"
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert "max-age=86400" in answer["Cache-Control"]
    again = client.get(address, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
