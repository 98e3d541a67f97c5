"""Boards with rows on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leaderboard.accounts.models import User
from leaderboard.boards.services.load_reported import load_reported
from leaderboard.datasets.models import Dataset, DatasetVersion
from leaderboard.submissions import hidden
from leaderboard.submissions.models import Method, Score, Submission
from leaderboard.submissions.states import TERMINAL, State
from scoring.registry import METRICS

LABELS = {
    "engine_wiring": "Wiring",
    "pipe_clip": "Clip",
    "pipe_staple": "Staple",
    "tank_screw": "T. screw",
    "underbody_pipes": "Pipes",
    "underbody_screw": "U. screw",
}
MANIFEST = {
    name: {
        "label": label,
        "width": 400,
        "height": 400,
        "train": 10,
        "good": 8,
        "folders": {"missing": 7},
    }
    for name, label in LABELS.items()
}
START = datetime(2026, 1, 1, tzinfo=UTC)


def category_report(value: float) -> dict[str, Any]:
    """A report in which every metric is the same value."""
    return {
        metric.key: dict.fromkeys(metric.points, value) if metric.points else value
        for metric in METRICS
    }


@pytest.fixture
def autovi(db: None) -> DatasetVersion:
    """The AutoVI board without rows."""
    dataset = Dataset.objects.create(slug="autovi", name="AutoVI")
    return DatasetVersion.objects.create(
        dataset=dataset,
        version="1.0.0",
        manifest=deepcopy(MANIFEST),
        doi="10.5281/zenodo.10459003",
        licence="CC BY-NC-SA 4.0",
    )


@pytest.fixture
def reported(autovi: DatasetVersion) -> DatasetVersion:
    """The AutoVI board with the paper's rows."""
    load_reported(autovi)
    return autovi


@pytest.fixture
def samples(db: None) -> DatasetVersion:
    """A board of two categories, open for uploads."""
    dataset = Dataset.objects.create(slug="samples", name="Sample parts")
    manifest = {name: MANIFEST[name] for name in ("pipe_clip", "tank_screw")}
    return DatasetVersion.objects.create(
        dataset=dataset, version="1.0", manifest=manifest, imported_at=START
    )


@pytest.fixture
def demo(db: None) -> User:
    return User.objects.create_user("demo")


@pytest.fixture
def submit(demo: User) -> Callable[..., Submission]:
    """Make a scored submission: ``submit(version, name, {category: [value a run]})``."""

    def make(
        version: DatasetVersion,
        name: str,
        values: Mapping[str, Sequence[float]],
        *,
        scorer_version: str = "1.0.0",
        day: int = 0,
        intervals: Mapping[str, Sequence[float]] | None = None,
        **fields: Any,
    ) -> Submission:
        slug = name.lower().replace(" ", "-")
        method, _ = Method.objects.get_or_create(
            slug=slug, defaults={"name": name, "owner": demo, "family": "density"}
        )
        n_runs = max((len(runs) for runs in values.values()), default=0)
        over = fields.get("state", State.SCORED) in TERMINAL
        finished = START + timedelta(days=day) if over else None
        submission = Submission.objects.create(
            owner=demo,
            dataset_version=version,
            method=method,
            runs=[f"run_{run}" for run in range(n_runs)],
            categories=list(values),
            sha256="5e" * 32,
            **{"state": State.SCORED, **fields, "finished": finished},
        )
        for category, runs in values.items():
            reports = {f"run_{run}": category_report(value) for run, value in enumerate(runs)}
            if version.is_hidden:
                reports = {hidden.ALL_RUNS: hidden.summarise(list(reports.values()))}
            Score.objects.bulk_create(
                Score(
                    submission=submission,
                    run=run,
                    category=category,
                    scorer_version=scorer_version,
                    report=report,
                    intervals=intervals or {},
                )
                for run, report in reports.items()
            )
        return submission

    return make
