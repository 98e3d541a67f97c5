"""The demo's account."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from leaderboard.accounts.models import User
from leaderboard.submissions.services.seed_demo import demo_account


def read(var: Path) -> dict[str, str]:
    return json.loads((var / "demo.json").read_text())


def test_the_account_opens_with_what_the_note_says(tmp_path: Path, client) -> None:
    demo_account()
    note = read(tmp_path)
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    assert client.login(**note)


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    demo_account()
    note = read(tmp_path)
    demo_account()
    assert read(tmp_path) == note
    assert User.objects.count() == 1


def test_a_lost_note_or_account_is_made_anew(tmp_path: Path, client) -> None:
    demo_account()
    (tmp_path / "demo.json").unlink()
    demo_account()
    assert client.login(**read(tmp_path))
    User.objects.all().delete()
    demo_account()
    assert client.login(**read(tmp_path))
