"""The same rules on PostgreSQL, where transactions run side by side and triggers are others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import PostgreSQL
from tests.stack import ROOT

FILES = ("test_at_once", "test_guards", "test_rescoring", "test_state_machine", "test_turns")


def test_what_sqlite_queues_up_holds_side_by_side(tmp_path: Path) -> None:
    files = [f"tests/leaderboard/submissions/{name}.py" for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    with PostgreSQL() as server:
        env = os.environ | {"DATABASE_URL": server.url(), "AUTOVI_VAR": str(tmp_path)}
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
