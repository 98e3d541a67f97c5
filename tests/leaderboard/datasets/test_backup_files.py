"""Copies of all files, from one kind of storage into a folder and from there into another."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command

from leaderboard.datasets.services import backup_files as service
from leaderboard.datasets.services.backup_files import ALIASES, backup_files, restore_files

FILES = {"a.txt": b"first", "folder/inside/b.bin": b"\0" * 3000, "folder/c.json": b"{}"}


def folders(settings, place: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        alias: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(place / alias)},
        }
        for alias in ALIASES
    }


def held(alias: str) -> dict[str, bytes]:
    found = {}
    for name in FILES:
        if storages[alias].exists(name):
            with storages[alias].open(name) as file:
                found[name] = file.read()
    return found


def test_files_go_from_folders_to_an_object_store(object_store, settings, tmp_path: Path) -> None:
    folders(settings, tmp_path / "from")
    for alias in ALIASES:
        for name, data in FILES.items():
            storages[alias].save(name, ContentFile(data))
    done = backup_files(tmp_path / "copy")
    assert {alias: found.copied for alias, found in done.items()} == dict.fromkeys(ALIASES, 3)
    names = {path.relative_to(tmp_path / "copy/public").as_posix()
             for path in (tmp_path / "copy/public").rglob("*") if path.is_file()}  # fmt: skip
    assert names == set(FILES)
    assert (tmp_path / "copy/ground_truth").stat().st_mode & 0o777 == 0o700

    buckets = {alias: object_store.bucket(alias.replace("_", "-")) for alias in ALIASES}
    settings.STORAGES = settings.STORAGES | {
        alias: bucket.storage() for alias, bucket in buckets.items()
    }
    restore_files(tmp_path / "copy")
    assert {alias: held(alias) for alias in ALIASES} == dict.fromkeys(ALIASES, FILES)
    # From there into another folder, the same again.
    backup_files(tmp_path / "second")
    for name, data in FILES.items():
        assert (tmp_path / "second/ground_truth" / name).read_bytes() == data


def test_a_second_copy_takes_what_changed_and_leaves_what_is_there(
    settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "COMPARED_BYTES", 1000)
    folders(settings, tmp_path / "from")
    for name, data in FILES.items():
        storages["results"].save(name, ContentFile(data))
    backup_files(tmp_path / "copy")
    (tmp_path / "from/results/a.txt").write_bytes(b"other")
    done = backup_files(tmp_path / "copy")["results"]
    assert (done.copied, done.there) == (2, 1)  # the large one is not read again
    assert (tmp_path / "copy/results/a.txt").read_bytes() == b"other"
    (tmp_path / "from/results/a.txt").write_bytes(b"damaged!")
    restore_files(tmp_path / "copy")
    assert held("results") == FILES | {"a.txt": b"other"}


def test_nothing_is_copied_where_the_ground_truth_is_closed(settings, tmp_path: Path) -> None:
    if hasattr(settings, "GROUND_TRUTH_ROOT"):
        del settings.GROUND_TRUTH_ROOT
    with pytest.raises(CommandError, match="the ground truth is closed"):
        call_command("backup_files", str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_is_no_backup_is_refused(settings, tmp_path: Path) -> None:
    folders(settings, tmp_path / "into")
    (tmp_path / "public").mkdir()
    with pytest.raises(CommandError, match="has no folder submissions"):
        call_command("restore_files", str(tmp_path))
    assert not (tmp_path / "into").exists()
