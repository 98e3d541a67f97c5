from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

VECTORS = Path(__file__).parents[1] / "data" / "vectors"


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the cases with expected scores, `dataset` unpacked; its archives beside it."""
    root = tmp_path_factory.mktemp("vectors")
    with zipfile.ZipFile(VECTORS / "dataset.zip") as archive:
        archive.extractall(root / "dataset")
    for path in VECTORS.glob("maps_*.zip"):
        (root / path.name).write_bytes(path.read_bytes())
    return root


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """category -> kind of map -> scores."""
    return json.loads((VECTORS / "expected.json").read_text())
