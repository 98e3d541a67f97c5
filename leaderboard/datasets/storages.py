"""The storages of datasets where files lie in folders: settings say which, at each use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage


class GroundTruthClosed(Exception):
    """This process was not given the place of the ground truth."""


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
