"""Log lines as ``time level logger "message" key=value ...``."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Records of Django carry the whole request, which may hold what was typed into a form.
_LEFT_OUT = frozenset({"request", "server_time", "data"})


class Outcomes(logging.Filter):
    """Lets through what reaches a level, and below it how each submission ended."""

    def __init__(self, level: str, states: list[str]) -> None:
        super().__init__()
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self.states = frozenset(states)

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self._level or getattr(record, "now", "") in self.states


class KeyValueFormatter(logging.Formatter):
    """One line a record; what was given as ``extra`` follows as ``key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = json.dumps(record.getMessage(), ensure_ascii=False)
        parts = [at, record.levelname.lower(), record.name, message]
        parts += [
            f"{key}={json.dumps(str(value), ensure_ascii=False)}"
            for key, value in vars(record).items()
            if key not in _STANDARD and key not in _LEFT_OUT
        ]
        line = " ".join(parts)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line
