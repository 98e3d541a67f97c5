"""Kombu's filesystem transport with messages that appear whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from kombu.transport import filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """A channel that writes each message under another name and renames it."""

    # Kombu's two base classes disagree on the second parameter's name.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Put one message into ``queue``; readers see it complete.

        The name starts with a fixed-width time, because readers take the
        names in sorted order.
        """
        name = f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        partial = os.path.join(self.data_folder_out, f"{uuid.uuid4()}.partial")
        with open(partial, "wb") as file:
            file.write(str_to_bytes(dumps(payload)))
        os.replace(partial, os.path.join(self.data_folder_out, name))


class Transport(filesystem.Transport):
    """The transport behind ``filesystem://`` on this site."""

    Channel = Channel
