"""Fifty submissions at the same moment, from several processes: exactly the allowed number pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import PostgreSQL
from tests.stack import ROOT, Stack, wait_until

PROCESSES, THREADS = 5, 10
A_PERSON, A_TEAM = 2, 4
MEMBERS = 5

SET_UP = f"""
from django.utils import timezone
from leaderboard.accounts.models import Membership, Team, User
from leaderboard.datasets.models import Dataset, DatasetVersion
board = Dataset.objects.create(slug="small", name="Small parts")
DatasetVersion.objects.create(dataset=board, version="1", imported_at=timezone.now())
User.objects.create_user("demo")
team = Team.objects.create(name="Team", slug="team")
for number in range({MEMBERS}):
    Membership.objects.create(team=team, user=User.objects.create_user(f"member{{number}}"))
"""

SUBMIT = f"""
import json, pathlib, sys, time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.core.files.base import ContentFile
from django.db import connection
from leaderboard.accounts.models import Team, User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.services.submit import Handed, submit

folder, process = pathlib.Path(sys.argv[1]), sys.argv[2]
version, team = DatasetVersion.objects.get(), Team.objects.get()
people = {{person.username: person for person in User.objects.all()}}
connection.close()
together = Barrier({THREADS})

def hand_in(number):
    found = []
    try:
        together.wait(60)
        for name, in_name_of in (("demo", None), (f"member{{number % {MEMBERS}}}", team)):
            title = f"{{name}} {{process}} {{number}}"
            handed = Handed(ContentFile(b"archive", "a.zip"), "a.zip", "0" * 64,
                            method_name=title, declared=True, team=in_name_of)
            try:
                submit(people[name], version, handed)
                found.append([name[:6], "taken"])
            except Exception as error:
                found.append([name[:6], type(error).__name__])
    finally:
        connection.close()
    return found

(folder / f"ready{{process}}").touch()
deadline = time.monotonic() + 120
while not (folder / "go").exists() and time.monotonic() < deadline:
    time.sleep(0.002)
with ThreadPoolExecutor({THREADS}) as pool:
    print(json.dumps([each for found in pool.map(hand_in, range({THREADS})) for each in found]))
"""


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as opened:
        env = {"CELERY_BROKER_URL": "memory://"}
        if request.param == "PostgreSQL":
            env["DATABASE_URL"] = opened.enter_context(PostgreSQL()).url()
        yield opened.enter_context(Stack(tmp_path / "var", **env))


def test_exactly_the_allowed_number_pass(stack: Stack, tmp_path: Path) -> None:
    stack.python(SET_UP)
    script = tmp_path / "submit.py"
    script.write_text(f"import django\ndjango.setup()\n{SUBMIT}")
    env = stack.public | {"DJANGO_SETTINGS_MODULE": "leaderboard.settings", "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(tmp_path), str(number)],
            cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    ready = [tmp_path / f"ready{number}" for number in range(PROCESSES)]
    wait_until(lambda: all(path.exists() for path in ready), "all processes are ready")
    (tmp_path / "go").touch()
    answers = [json.loads(process.communicate(timeout=300)[0]) for process in processes]
    counts = Counter(tuple(answer) for found in answers for answer in found)
    assert counts == {
        ("demo", "taken"): A_PERSON,
        ("demo", "QuotaSpent"): PROCESSES * THREADS - A_PERSON,
        ("member", "taken"): A_TEAM,
        ("member", "QuotaSpent"): PROCESSES * THREADS - A_TEAM,
    }
    rows = "from leaderboard.submissions.models import Submission, Method\n"
    rows += "print(Submission.objects.count(), Method.objects.count())"
    assert stack.python(rows).split() == [str(A_PERSON + A_TEAM)] * 2
