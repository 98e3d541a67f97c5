"""Small pictures of training images: made once, kept in the storage ``previews``.

Where that is a folder, as by default, its size is bounded.

Only files of ``<category>/train/good`` are ever opened: a test image beside its
public id would be one more thing to compare with.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import logging
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from PIL import Image, UnidentifiedImageError

from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.storages import FolderStorage, listed

logger = logging.getLogger(__name__)

EDGE = 320
"""Longest side in pixels."""
SHOWN = 8
"""Pictures a category, evenly spaced over the training images."""
MAX_SOURCE_PIXELS = 64 * 1024 * 1024
MAX_SOURCE_BYTES = 256 * 1024 * 1024
FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_RECIPE = f"webp 80, {EDGE} px, 1"
_TOUCH_SECONDS = 3600
_LOCKS = 64


class NoThumbnail(Exception):
    """There is no such training image, or it cannot be shown; the message says why."""


@dataclass(frozen=True)
class Thumbnail:
    """A WebP picture; ``key`` names its source's place, the dataset's content and the recipe."""

    key: str
    data: bytes


def thumbnail(version: DatasetVersion, category: str, number: int) -> Thumbnail:
    """Picture ``number`` (0 .. SHOWN-1) of a category's gallery.

    Many requests at once make it once. Raises NoThumbnail where there is no
    such picture, or where its source is damaged or larger than is decoded.
    """
    source = _source(version, category, number)
    key = _key(version, category, source)
    name = f"{key}.webp"
    data = _kept(name)
    if data is None:
        with _locked(f"{int(key[:8], 16) % _LOCKS:02}"):
            data = _kept(name)
            if data is None:
                with storages["public"].open(source) as file:
                    data = shrink(file, PurePosixPath(source).name)
                _keep(name, data)
                logger.info("thumbnail made", extra={"category": category, "number": number})
    return Thumbnail(key, data)


def count(version: DatasetVersion, category: str) -> int:
    """How many pictures a category's gallery shows; 0 where its images are not here."""
    return len(_sources(version, category))


def chosen(names: Sequence[str]) -> list[str]:
    """Which of a category's training images its gallery shows: SHOWN of them, evenly spaced."""
    shown = min(SHOWN, len(names))
    return [names[number * len(names) // shown] for number in range(shown)]


def shrink(file: IO[bytes], name: str) -> bytes:
    """The WebP picture of an image file, its longest side EDGE or less, without metadata.

    The size that the file announces is checked before a pixel is decoded.
    Raises NoThumbnail for what is too large, damaged or of another format.
    """
    file.seek(0, os.SEEK_END)
    if file.tell() > MAX_SOURCE_BYTES:
        raise NoThumbnail(f"{name} is larger than {MAX_SOURCE_BYTES} bytes")
    file.seek(0)
    try:
        with Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_SOURCE_PIXELS:
                raise NoThumbnail(f"{name} announces {width}x{height} pixels")
            image.draft("RGB", (EDGE, EDGE))
            small = _eight_bits(image)
            small.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    except (
        OSError,
        SyntaxError,  # what Pillow raises for some broken PNG files
        ValueError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,  # where warnings are errors
    ) as error:
        raise NoThumbnail(f"{name} cannot be shown: {error}") from error
    small.info = {}  # colour profiles, comments and what else the file carried
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=80, method=4)
    return stream.getvalue()


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, of which Pillow would keep the low byte
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("RGB")


def stored_folder(version: DatasetVersion, category: str) -> str:
    """Where a category's training images lie in the storage ``public``."""
    return f"{version.slug}/{version.version}/{category}/train/good"


def _sources(version: DatasetVersion, category: str) -> list[str]:
    """Names of the images that a category's gallery shows, in the storage ``public``."""
    if category not in version.manifest or version.imported_at is None:
        return []
    folder = stored_folder(version, category)
    if isinstance(storages["public"], FolderStorage):
        names: Sequence[str] = listed(storages["public"], folder)[1]
    else:
        names = _listed_once(folder, version.content_sha256)
    return [f"{folder}/{name}" for name in chosen([n for n in names if _is_image(n)])]


@lru_cache(maxsize=512)
def _listed_once(folder: str, content: str) -> tuple[str, ...]:
    """A folder of an object store, which takes a request to list; ``content`` never changes."""
    return tuple(listed(storages["public"], folder)[1])


def _is_image(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _source(version: DatasetVersion, category: str, number: int) -> str:
    sources = _sources(version, category)
    if not 0 <= number < len(sources):
        raise NoThumbnail(f"{category} has {len(sources)} pictures; there is no picture {number}")
    return sources[number]


def _key(version: DatasetVersion, category: str, source: str) -> str:
    name = PurePosixPath(source).name
    parts = (version.content_sha256 or str(version.pk), category, name, _RECIPE)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _kept(name: str) -> bytes | None:
    """A picture of the storage ``previews``, or None."""
    previews = storages["previews"]
    if isinstance(previews, FolderStorage):
        return _read(previews.folder() / name)
    try:
        with previews.open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def _keep(name: str, data: bytes) -> None:
    """Keep a picture; an object store holds all of them, which are SHOWN a category."""
    previews = storages["previews"]
    if isinstance(previews, FolderStorage):
        _write(previews.folder() / name, data)
    else:
        previews.save(name, ContentFile(data))


def _read(place: Path) -> bytes | None:
    """A kept picture; reading it makes it young again, though not at every request."""
    try:
        data = place.read_bytes()
        if time.time() - place.stat().st_mtime > _TOUCH_SECONDS:
            os.utime(place)
    except FileNotFoundError:
        return None
    return data


def _write(place: Path, data: bytes) -> None:
    partial = place.with_name(f".{uuid.uuid4().hex}.part")
    try:
        partial.write_bytes(data)
        os.replace(partial, place)
    finally:
        partial.unlink(missing_ok=True)
    with _locked("evict"):
        _evict(place)


def _evict(newest: Path) -> None:
    """Drop what was not asked for the longest until all fit; never the picture just made."""
    files = []
    for entry in os.scandir(newest.parent):
        if entry.name.endswith(".webp"):
            found = entry.stat()
            files.append((found.st_mtime, found.st_size, Path(entry.path)))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= settings.THUMBNAILS_MAX_BYTES:
            return
        if path != newest:
            path.unlink(missing_ok=True)
            total -= size


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Hold one of the folder's locks, against threads and processes of this machine."""
    folder = Path(settings.THUMBNAILS_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / f".{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
