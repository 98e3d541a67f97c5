"""What the settings promise: health, the secret key's file, logs without secrets, the broker."""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from kombu import Connection

from leaderboard import celery  # noqa: F401 - registers the transport
from leaderboard.logs import KeyValueFormatter
from leaderboard.secrets import read_or_make_secret_key
from scoring import Limits


@pytest.mark.django_db
def test_the_site_says_that_it_is_well(client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_the_secret_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = read_or_make_secret_key(path)
    assert len(key) > 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_secret_key(path) == key
    assert list(tmp_path.iterdir()) == [path]


def test_behind_https_no_key_is_made_up(tmp_path: Path) -> None:
    code = "import leaderboard.settings as settings; print(settings.SECRET_KEY)"
    env = {"PATH": os.environ["PATH"], "AUTOVI_VAR": str(tmp_path), "AUTOVI_HTTPS": "1"}

    def start() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False
        )

    refused = start()
    assert refused.returncode != 0
    assert "SECRET_KEY: is not set, with AUTOVI_HTTPS on" in refused.stderr
    assert not (tmp_path / "secret.key").exists()
    # One that lies there proves that the folder lasts.
    (tmp_path / "secret.key").write_text("kept" * 20)
    assert start().stdout.strip() == "kept" * 20


def test_a_log_line_is_one_line_of_keys_and_values() -> None:
    record = logging.makeLogRecord({"msg": "job\nends", "name": "x", "levelname": "INFO"})
    record.job = 7
    record.request = "holds what was typed"
    line = KeyValueFormatter().format(record)
    assert '"job\\nends" job="7"' in line
    assert "typed" not in line
    assert "\n" not in line


def test_messages_appear_whole_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
    }
    with (
        Connection("filesystem://localhost", transport_options=options) as connection,
        # A name of its own: kombu remembers for the whole process which queues are bound.
        connection.SimpleQueue("in-order") as queue,
    ):
        for number in range(5):
            queue.put({"number": number})
        names = sorted(path.name for path in (tmp_path / "queue").iterdir())
        bodies = [json.loads((tmp_path / "queue" / name).read_text()) for name in names]
        assert len(bodies) == 5
        assert all(name.endswith(".in-order.msg") for name in names)
        got = []
        for _ in range(5):
            message = queue.get(block=False)
            got.append(message.payload["number"])
            message.ack()
    assert got == [0, 1, 2, 3, 4]


def test_every_variable_stands_in_the_documentation() -> None:
    root = Path(settings.BASE_DIR)
    source = (root / "leaderboard/settings.py").read_text()
    names = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', source))
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (root / "docs/operating.md").read_text(), re.M))
    assert len(names) > 20
    assert names == documented


def test_the_sites_limits_are_those_of_the_command_line() -> None:
    """Unless somebody sets them: what `autovi validate` accepts the site accepts."""
    assert Limits(**settings.ARCHIVE_LIMITS) == Limits()
