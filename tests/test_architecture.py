"""Which room may know which: docs/architecture.md draws the arrows, these tests hold them."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SITE_ONLY = ["django", "celery", "torch", "anomalib", "leaderboard", "baselines"]


def imported_names(path: Path) -> set[str]:
    """The top-level names of all absolute imports of a file, wherever they stand in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


def test_the_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_scoring_loads_neither_django_nor_torch() -> None:
    code = (
        "import pkgutil, importlib, sys, scoring\n"
        "for module in pkgutil.walk_packages(scoring.__path__, 'scoring.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        f"print(*sorted(set({SITE_ONLY}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["torch", "torchvision", "anomalib"])
def test_the_environment_has_no(name: str) -> None:
    assert find_spec(name) is None


def test_dev_needs_nothing_but_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"devtools"}
    files = [ROOT / "dev", *(ROOT / "devtools").glob("**/*.py")]
    foreign = {f"{path.name}: {name}" for path in files for name in imported_names(path) - allowed}
    assert len(files) > 1
    assert not foreign


def test_an_older_python_can_read_dev_far_enough_to_be_told() -> None:
    source = (ROOT / "dev").read_text()
    ast.parse(source, feature_version=(3, 7))
    assert source.index("version_info < (3, 11)") < source.index("from devtools")
    assert not any(isinstance(node, ast.JoinedStr) for node in ast.walk(ast.parse(source)))
