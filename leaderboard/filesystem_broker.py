"""Kombu's filesystem transport with messages that come and go whole or not at all."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A channel whose messages are never half there."""

    # Kombu's two base classes disagree on the second parameter's name.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Put one message into ``queue``; readers see it complete.

        The name starts with a fixed-width time, because readers take the
        names in sorted order.
        """
        name = f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        partial = os.path.join(self.data_folder_out, f"{uuid.uuid4()}.partial")
        try:
            with open(partial, "wb") as file:
                file.write(str_to_bytes(dumps(payload)))
            os.replace(partial, os.path.join(self.data_folder_out, name))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            raise

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """Take the oldest message of ``queue``; raises Empty where there is none.

        Of several readers the one that removes the file has it. It is never anywhere else, so a
        reader that dies leaves either a message or nothing. A folder that is away for a while
        holds no message, and is looked at again: any other error would end the worker.
        """
        try:
            names = sorted(os.listdir(self.data_folder_in))
        except OSError as error:
            logger.warning("broker's folder not readable", extra={"error": error})
            raise Empty from None
        for name in names:
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            path = os.path.join(self.data_folder_in, name)
            try:
                with open(path, "rb") as file:
                    payload = file.read()
                os.unlink(path)
            except FileNotFoundError:
                continue
            return loads(bytes_to_str(payload))
        raise Empty


class Transport(filesystem.Transport):
    """The transport behind ``filesystem://`` on this site."""

    Channel = Channel
