"""Both halves of a dataset in an object store, each with credentials of its own."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from django.core.files.storage import storages
from PIL import Image

from leaderboard.accounts.models import User
from leaderboard.datasets import ground_truth, packs, thumbnails
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import import_dataset
from leaderboard.submissions import hidden
from leaderboard.submissions.models import Score
from leaderboard.submissions.services.drop_kept import drop_kept
from leaderboard.submissions.services.open_labels import open_labels
from leaderboard.submissions.states import State
from tests.leaderboard import support
from tests.leaderboard.submissions.conftest import owner, places, work_off  # noqa: F401
from tests.leaderboard.submissions.test_hidden import hand, opaque
from tests.s3 import Bucket, ObjectStore

NAME = "bracket-test.zip"


@pytest.fixture
def buckets(object_store: ObjectStore, places: Path, settings) -> tuple[Bucket, Bucket]:  # noqa: F811
    """The public and the private bucket, as a scoring worker's settings name them."""
    public, private = object_store.bucket("public"), object_store.bucket("private")
    use(settings, public=public, ground_truth=private)
    del settings.GROUND_TRUTH_ROOT
    settings.ID_SECRET = "a secret of sufficient length"
    return public, private


def use(settings, **buckets: Bucket) -> None:
    named = {alias: bucket.storage() for alias, bucket in buckets.items()}
    settings.STORAGES = {**settings.STORAGES, **named}


@pytest.fixture
def version(buckets: tuple[Bucket, Bucket], tmp_path: Path) -> DatasetVersion:
    folder = support.make_dataset(tmp_path / "dataset")
    naming = Naming("small", "Small parts", "1", licence="CC BY 4.0")
    return import_dataset(folder, naming, labels="hidden")


def test_each_half_lies_in_its_bucket(
    version: DatasetVersion, buckets: tuple[Bucket, Bucket], tmp_path: Path
) -> None:
    public, private = buckets
    assert public.names() == [
        *(f"downloads/small/1/{name}" for name in sorted(version.hashes)),
        *(f"small/1/{category}/train/good/0000.png" for category in support.CATEGORIES),
    ]
    assert [name.rpartition("/")[2].split("-")[0] for name in private.names()] == [
        "bracket", "clip", "index.json",
    ]  # fmt: skip
    before = public.names(), private.names()
    import_dataset(tmp_path / "dataset", Naming("small", "Small parts", "1"), labels="hidden")
    assert (public.names(), private.names()) == before


def test_without_the_private_credentials_the_ground_truth_stays_closed(
    version: DatasetVersion, buckets: tuple[Bucket, Bucket], settings
) -> None:
    """Neither in the web's settings, nor with its credentials and the private bucket's name."""
    public, private = buckets
    assert ground_truth.read_index(version)["packs"]
    stolen = replace(public, name=private.name)
    use(settings, ground_truth=stolen)
    with pytest.raises(ClientError, match=r"403|Access Denied"):
        ground_truth.read_index(version)
    closed = {"BACKEND": "leaderboard.datasets.storages.GroundTruthStorage"}
    settings.STORAGES = {**settings.STORAGES, "ground_truth": closed}
    with pytest.raises(ground_truth.GroundTruthClosed):
        ground_truth.read_index(version)


def test_a_reader_is_sent_to_the_store_for_a_while(
    version: DatasetVersion, buckets: tuple[Bucket, Bucket], client
) -> None:
    address = f"/datasets/small/download/{NAME}"
    assert client.get(address).status_code == 403
    client.post("/datasets/small/licence/", {"accept": "on"})
    answer = client.get(address)
    assert (answer.status_code, answer["Cache-Control"]) == (302, "private, no-store")
    assert "X-Amz-Expires=3600" in answer.url
    assert buckets[1].name not in answer.url
    with urllib.request.urlopen(answer.url) as whole:
        data = whole.read()
        assert whole.headers["Content-Disposition"] == f'attachment; filename="{NAME}"'
    assert hashlib.sha256(data).hexdigest() == version.hashes[NAME]
    asked = urllib.request.Request(answer.url, headers={"Range": "bytes=100-"})
    with urllib.request.urlopen(asked) as rest:
        assert (rest.status, rest.read()) == (206, data[100:])
    head = urllib.request.Request(client.head(address).url, method="HEAD")
    with urllib.request.urlopen(head) as told:
        assert int(told.headers["Content-Length"]) == version.files[NAME]
    other = answer.url.replace(NAME, "clip-test.zip")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(other)


def test_another_machine_shows_pictures_and_takes_the_pack_from_the_store(
    version: DatasetVersion, tmp_path: Path, client, settings
) -> None:
    settings.PACKS_ROOT = tmp_path / "elsewhere"
    settings.THUMBNAILS_ROOT = tmp_path / "thumbnails"
    assert thumbnails.count(version, "clip") == 1
    assert client.get("/datasets/small/").status_code == 200
    picture = client.get("/datasets/small/clip/thumbnails/0")
    assert Image.open(io.BytesIO(picture.content)).format == "WEBP"
    assert not settings.PACKS_ROOT.exists()
    here = packs.path(version)
    assert sorted(path.name for path in (here / "clip/test").iterdir())[0] == "0000.png"
    storages["public"].delete(f"downloads/small/1/{NAME}")
    settings.PACKS_ROOT = tmp_path / "third"
    with pytest.raises(packs.PackMissing, match=f"{NAME} is not in the public storage"):
        packs.path(version)


def test_a_picture_that_one_machine_made_serves_all(
    version: DatasetVersion, object_store: ObjectStore, tmp_path: Path, settings
) -> None:
    previews = object_store.bucket("previews")
    use(settings, previews=previews)
    settings.THUMBNAILS_ROOT = tmp_path / "locks"
    made = thumbnails.thumbnail(version, "clip", 0)
    assert previews.names() == [f"{made.key}.webp"]
    previews.client().put_object(Bucket=previews.name, Key=f"{made.key}.webp", Body=b"kept")
    assert thumbnails.thumbnail(version, "clip", 0).data == b"kept"


def test_a_submission_is_scored_kept_opened_and_dropped(
    version: DatasetVersion,
    buckets: tuple[Bucket, Bucket],
    object_store: ObjectStore,
    owner: User,  # noqa: F811
    work_off,  # noqa: F811
    settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    private, results = buckets[1], object_store.bucket("results")
    use(settings, results=results)
    monkeypatch.setattr(Score._meta.get_field("arrays"), "storage", storages["results"])
    files = opaque(version, support.members(runs=2))
    stays, gone = hand(owner, version, files, "Stays"), hand(owner, version, files, "Gone")
    work_off()
    for submission in (stays, gone):
        submission.refresh_from_db()
        assert submission.state == State.SCORED
    assert results.names() == []
    assert set(hidden.kept_submissions(version)) == {str(stays.pk), str(gone.pk)}
    gone_pk = str(gone.pk)
    gone.delete()
    assert drop_kept() == 1
    assert not [name for name in private.names() if gone_pk in name]
    assert open_labels(version)
    assert len(results.names()) == stays.scores.count() == 4
    stays.delete()
    assert results.names() == []
