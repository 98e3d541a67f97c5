"""The storages of datasets where files lie in folders: settings say which, at each use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage


class GroundTruthClosed(Exception):
    """This process was not given the place of the ground truth."""


def listed(storage: Storage, folder: str) -> tuple[list[str], list[str]]:
    """Names of the folders and the files in a folder; none where there is no such folder."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return [], []
    return sorted(folders), sorted(files)


def remove_tree(storage: Storage, folder: str) -> None:
    """Delete a folder with all that is in it; nothing where there is none.

    Asks for what is in it and not whether it is there: an object store knows no folders.
    """
    folders, files = listed(storage, folder)
    for name in files:
        storage.delete(f"{folder}/{name}")
    for name in folders:
        remove_tree(storage, f"{folder}/{name}")
    if isinstance(storage, FileSystemStorage):
        storage.delete(folder)


class FolderStorage(FileSystemStorage):
    """Files below the folder that a setting names, such as ``PACKS_ROOT``."""

    def __init__(self, setting: str, **options: Any) -> None:
        super().__init__(**options)
        self._setting = setting

    @property
    def base_location(self) -> str:
        """The folder, asked of the settings each time."""
        return str(self.folder())

    @property
    def location(self) -> str:
        return os.path.abspath(self.base_location)

    def folder(self) -> Path:
        """The folder of all files."""
        return Path(getattr(settings, self._setting))


class GroundTruthStorage(FolderStorage):
    """The private files. In a process without ``AUTOVI_GROUND_TRUTH`` every use raises."""

    def __init__(self) -> None:
        super().__init__(
            "GROUND_TRUTH_ROOT", file_permissions_mode=0o600, directory_permissions_mode=0o700
        )

    def folder(self) -> Path:
        """The folder of all private files; raises GroundTruthClosed where it is not told."""
        try:
            return super().folder()
        except AttributeError:
            raise GroundTruthClosed(
                "the ground truth is closed to this process: AUTOVI_GROUND_TRUTH is not set; "
                "only scoring workers and maintenance commands are given it"
            ) from None
