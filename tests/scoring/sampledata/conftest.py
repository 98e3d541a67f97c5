"""One small dataset of all six categories, drawn once for the tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoring.sampledata import draw_dataset

SCALE = 0.005
SEED = 7


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("samples") / "dataset"
    draw_dataset(out, SCALE, SEED, jobs=1)
    return out
