"""What a score was made from, kept as a file: later figures need no second scoring.

An NPZ of one category of one run: the curves ``roc``, ``pr`` and ``spro`` of
shape (k, 2), ``image_keys`` (``<folder>/<image_id>``) and ``image_scores`` in
the same order. Where labels are hidden these give labels away: `write` refuses
them, and `leaderboard.submissions.hidden` keeps them with the ground truth.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np
from django.core.files.base import ContentFile
from numpy.typing import NDArray

from leaderboard.datasets.storages import remove_tree
from leaderboard.submissions.models import Job, Score
from scoring import CategoryResult
from scoring.npz import npz_bytes

IMAGE_KEYS, IMAGE_SCORES = "image_keys", "image_scores"


def write(job: Job, result: CategoryResult) -> str:
    """Store a result's arrays; the name they are stored under.

    The name holds the lease's token, so a worker that lost its job overwrites nothing.
    Raises ValueError where labels are hidden.
    """
    if job.submission.dataset_version.is_hidden:
        raise ValueError(f"{job}: its labels are hidden; expected its arrays in private storage")
    assert job.lease_token is not None
    folder = f"{job.submission_id}/{job.run}"
    name = f"{folder}/{job.category}-{job.lease_token.hex[:12]}.npz"
    return store(name, as_npz(result))


def store(name: str, npz: bytes) -> str:
    """Store an NPZ file under a name that no other content has; the name it is stored under."""
    if _storage().exists(name):
        return name
    return str(_storage().save(name, ContentFile(npz)))


def as_npz(result: CategoryResult) -> bytes:
    """A result's arrays as an NPZ file: equal results give equal bytes."""
    arrays: dict[str, NDArray[Any]] = {
        **result.curves,
        IMAGE_KEYS: np.array(list(result.scores), dtype=np.str_),
        IMAGE_SCORES: np.array(list(result.scores.values()), np.float64),
    }
    return npz_bytes(arrays)


def read(score: Score) -> Mapping[str, NDArray[Any]]:
    """The arrays of a score; empty where none were kept."""
    if not score.arrays:
        return {}
    with score.arrays.open("rb") as file:
        content = io.BytesIO(file.read())
    with np.load(content, allow_pickle=False) as arrays:
        return dict(arrays)


def discard_others(job: Job, name: str) -> None:
    """Remove what earlier attempts at ``job`` stored and died before they recorded it.

    ``name`` is what this one stored. Only for who holds the job, as nobody else can tell the
    right file from a stray one; what the scores of an earlier scorer name stays.
    """
    folder, _, _ = name.rpartition("/")
    attempt = re.compile(rf"{re.escape(job.category)}-[0-9a-f]{{12}}(_\w+)?\.npz")
    _, files = _storage().listdir(folder)
    scores = Score.objects.filter(submission=job.submission_id, run=job.run, category=job.category)
    kept = {name, *scores.values_list("arrays", flat=True)}
    for stray in {f"{folder}/{file}" for file in files if attempt.fullmatch(file)} - kept:
        discard(stray)


def discard(name: str) -> None:
    """Remove what ``write`` stored, for a result that was not recorded."""
    _storage().delete(name)


def remove_all(submission_id: UUID | str) -> None:
    """Remove the files of all results of a submission."""
    remove_tree(_storage(), str(submission_id))


def _storage() -> Any:
    return Score._meta.get_field("arrays").storage
