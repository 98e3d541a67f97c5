"""The web process in production settings has no way to the ground truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

CODE = """
import json, os, sys
import leaderboard.wsgi
from django.conf import settings
from django.core.files.storage import storages
from leaderboard.datasets import ground_truth
from leaderboard.datasets.models import Dataset, DatasetVersion

version = DatasetVersion(dataset=Dataset(slug="parts", name="Parts"), version="1")
tries = {
    "open": lambda: storages["ground_truth"].open("parts/1/index.json"),
    "list": lambda: storages["ground_truth"].listdir(""),
    "path": lambda: storages["ground_truth"].path("parts"),
    "exists": lambda: storages["ground_truth"].exists("parts"),
    "delete": lambda: storages["ground_truth"].delete("parts"),
    "door": lambda: ground_truth.storage(),
    "pack": lambda: ground_truth.pack(version, "bolt"),
    "keep": lambda: ground_truth.keep("x", b"x"),
}
told = {}
for name, attempt in tries.items():
    try:
        told[name] = repr(attempt())
    except Exception as error:
        told[name] = type(error).__name__
told["settings"] = [name for name in dir(settings) if "GROUND_TRUTH" in name]
told["secret"] = settings.ID_SECRET
print(json.dumps(told))
"""


def production(var: Path, **more: str) -> dict[str, str]:
    """The environment of a web process behind HTTPS, as docs/operating.md describes it."""
    return {
        "PATH": os.environ["PATH"],
        "AUTOVI_VAR": str(var),
        "SECRET_KEY": "x" * 50,
        "AUTOVI_HOSTS": "board.example",
        "AUTOVI_ORIGINS": "https://board.example",
        "AUTOVI_HTTPS": "1",
        "AUTOVI_PROXIES": "1",
        "DATABASE_URL": "postgres://site@127.0.0.1:9/site",
        "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
        "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
        **more,
    }


def told(env: dict[str, str]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A folder in which the ground truth lies where the demo keeps it."""
    index = tmp_path / "ground_truth/parts/1/index.json"
    index.parent.mkdir(parents=True)
    index.write_text('{"schema": 1}')
    return tmp_path


@pytest.mark.parametrize("env", [{}, {"AUTOVI_GROUND_TRUTH": ""}], ids=["absent", "empty"])
def test_opening_the_ground_truth_in_the_web_process_raises(var: Path, env: dict[str, str]) -> None:
    found = told(production(var, **env))
    assert found.pop("settings") == []
    assert found.pop("secret") == ""
    assert set(found.values()) == {"GroundTruthClosed"}


def test_the_same_place_is_open_to_who_is_told(var: Path) -> None:
    found = told(production(var, AUTOVI_GROUND_TRUTH=str(var / "ground_truth")))
    assert "GroundTruthClosed" not in found.values()
    assert found["exists"] == "True"
