"""What Dockerfile, docker-compose.yml and .env.example promise, as far as no engine is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scoring.sampledata import draw_dataset, draw_maps
from tests.production.compose import EXAMPLE, Compose, Missing, example, variables
from tests.stack import ROOT

OURS = ("web", "worker", "beat", "migrate", "buckets", "maintain")
SETTING = re.compile(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"')
PRIVATE = {"AUTOVI_GROUND_TRUTH_STORAGE", "AUTOVI_GROUND_TRUTH", "AUTOVI_ID_SECRET"}


def settings_read() -> set[str]:
    return set(SETTING.findall((ROOT / "leaderboard/settings.py").read_text()))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """.env as the command in .env.example makes it."""
    folder = tmp_path_factory.mktemp("env")
    shutil.copy(EXAMPLE, folder)
    lines = [line.removeprefix("#").strip() for line in EXAMPLE.read_text().splitlines()]
    begin = next(at for at, line in enumerate(lines) if line.startswith("awk "))
    end = next(at for at, line in enumerate(lines) if line.startswith("chmod "))
    subprocess.run("\n".join(lines[begin : end + 1]), cwd=folder, shell=True, check=True)
    made = folder / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    found = re.findall(r"^([A-Z_]+)=(.*)$", made.read_text(), re.M)
    return dict(found)


@pytest.fixture(scope="module")
def compose(filled: dict[str, str]) -> Compose:
    return Compose(filled)


def test_the_example_names_each_setting_once_and_nothing_else() -> None:
    names = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.M)
    assert len(names) == len(set(names))
    assert settings_read() <= set(names)
    assert set(names) == settings_read() | variables()


def test_the_command_in_the_example_makes_every_secret_anew(filled: dict[str, str]) -> None:
    made = {name: filled[name] for name, value in example().items() if value == "generate"}
    assert len(made) > 8
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in made.values())
    assert len(set(made.values())) == len(made)


def test_nothing_starts_with_a_secret_that_is_not_filled_in(filled: dict[str, str]) -> None:
    for name, value in example().items():
        if value == "generate":
            with pytest.raises(Missing, match=name):
                assert Compose(filled | {name: ""}).services


def test_every_setting_reaches_the_processes_that_read_it(compose: Compose) -> None:
    passed = set(compose.services["worker"]["environment"])
    in_image = {"AUTOVI_VAR", "AUTOVI_STATIC_ROOT"}
    not_in_production = {"AUTOVI_DEBUG", "AUTOVI_GROUND_TRUTH", "AUTOVI_ID_SECRET"}
    assert settings_read() - passed == in_image | not_in_production
    assert all(f"{name}=" in (ROOT / "Dockerfile").read_text() for name in in_image)


def test_only_workers_and_maintenance_are_told_of_the_ground_truth(
    compose: Compose, filled: dict[str, str]
) -> None:
    secret = filled["STORE_GROUND_TRUTH_SECRET"]
    told = {
        name
        for name, service in compose.services.items()
        if PRIVATE & set(service.get("environment", {})) or secret in json.dumps(service)
    }
    assert told == {"worker", "maintain"}
    assert not any("env_file" in service for service in compose.services.values())
    holders = {name for name in compose.services if "worker-var" in mounted(compose, name)}
    assert holders == told  # the workers' copies of it lie there
    ids = [name for name in compose.services if "AUTOVI_ID_SECRET" in compose.environment(name)]
    assert ids == ["maintain"]


def test_each_account_opens_one_bucket(compose: Compose, filled: dict[str, str]) -> None:
    accounts = json.loads(compose.configs["store-accounts"]["content"])["identities"]
    by_name = {account["name"]: account for account in accounts}
    buckets = compose.command("buckets")[2:]
    assert set(by_name) == {*buckets, "operator", "anonymous"}
    assert by_name["anonymous"]["actions"] == ["Read:public"]
    for bucket in buckets:
        assert {action.partition(":")[2] for action in by_name[bucket]["actions"]} == {bucket}
    secrets = [keys["secretKey"] for one in accounts for keys in one.get("credentials", ())]
    assert len(set(secrets)) == len(secrets) == 6
    for name, value in compose.environment("worker").items():
        if name.endswith("_STORAGE"):
            options = json.loads(value)["OPTIONS"]
            keys = by_name[options["bucket_name"]]["credentials"][0]
            assert (options["access_key"], options["secret_key"]) == tuple(keys.values())
    assert "AWS_SECRET_ACCESS_KEY" not in compose.environment("worker")


def test_the_store_is_reached_through_the_proxy_alone(compose: Compose) -> None:
    networks = {name: set(service["networks"]) for name, service in compose.services.items()}
    assert {name for name, found in networks.items() if "storage" in found} == {"proxy", "store"}
    assert networks["store"] == {"storage"}
    inside = {name for name, network in compose.networks.items() if (network or {}).get("internal")}
    outside = set(compose.networks) - inside
    assert outside == {"edge", "out"}
    assert {name for name, found in networks.items() if found & outside} == {
        "proxy", "web", "worker", "maintain",
    }  # fmt: skip
    assert networks["beat"] == networks["migrate"] == {"data"}
    published = {name for name, service in compose.services.items() if "ports" in service}
    assert published == {"proxy"}


def test_every_container_is_held_small(compose: Compose) -> None:
    for name, service in compose.services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert not service.get("privileged")
        lasting = service["restart"] == "unless-stopped"
        assert lasting or service["restart"] == "no"
        assert ("healthcheck" in service) == lasting, name
        assert not service.get("image", "").endswith(":latest")
    built = {name for name, one in compose.services.items() if one["image"].startswith("board:")}
    assert built == set(OURS)


def test_everything_waits_for_what_it_needs(compose: Compose) -> None:
    for name in ("web", "worker", "beat"):
        waits = {key: one["condition"] for key, one in compose.services[name]["depends_on"].items()}
        assert waits["migrate"] == waits["buckets"] == "service_completed_successfully"
        assert waits["postgres"] == waits["redis"] == "service_healthy"
    for service in compose.services.values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose.services[other]
    used = {volume for name in compose.services for volume in mounted(compose, name)}
    assert used == set(compose.volumes)


def mounted(compose: Compose, service: str) -> set[str]:
    """The named volumes of a service."""
    sources = (entry.partition(":")[0] for entry in compose.services[service].get("volumes", ()))
    return {source for source in sources if not source.startswith(".")}


# The image ----------------------------------------------------------------------------------------


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def test_the_image_holds_what_is_locked_and_nobodys_secrets() -> None:
    text = dockerfile()
    assert "--require-hashes" in text
    assert "torch" not in (ROOT / "requirements/site.txt").read_text()
    assert re.search(r"^USER 10001:10001$", text, re.M)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line[1:].partition("/")[0] for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(\S+)", text, re.M)
    assert {name.partition("/")[0] for name in copied} == allowed
    assert all((ROOT / name).exists() for name in copied)
    # One key, of the one step that asks for one, which signs nothing.
    assert re.findall(r"SECRET_KEY=(\S+)", text) == ["collectstatic"]
    final = text[text.index("AS site") :]
    assert "SECRET" not in final


def test_everything_that_runs_was_copied(tmp_path: Path) -> None:
    """The tree that the image holds: the commands find all that they load."""
    for name in re.findall(r"^COPY (?!--from)(\S+)", dockerfile(), re.M):
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    static = tmp_path / "static-root"
    env = {
        "PATH": os.environ["PATH"],
        "AUTOVI_VAR": str(tmp_path / "var"),
        "AUTOVI_STATIC_ROOT": str(static),
        "SECRET_KEY": "collectstatic",
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": str(tmp_path),
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0")
    named = json.loads((static / "staticfiles.json").read_text())["paths"]
    assert (static / (named["css/site.css"] + ".gz")).exists()
    where = run(sys.executable, "-c", "import leaderboard.wsgi as w, scoring; print(w.__file__)")
    assert where.strip() == str(tmp_path / "leaderboard/wsgi.py")
    run(sys.executable, "manage.py", "check", "--deploy", "--fail-level", "ERROR")


def test_no_worker_compiles_what_the_image_brings(tmp_path: Path) -> None:
    """Warmed as the Dockerfile does it, started as the entry point does it, then every type."""
    warm, cache = tmp_path / "warm", tmp_path / "cache"
    cpu = re.search(r"ARG NUMBA_CPU_NAME=(\S+)", dockerfile())
    assert cpu is not None
    compiled_for = {
        "NUMBA_CPU_NAME": cpu[1] if _has_avx2() else "generic",
        "NUMBA_CPU_FEATURES": "",
    }
    env = {"PATH": os.environ["PATH"], **compiled_for}
    first = [sys.executable, "-m", "scoring.warm"]
    subprocess.run(first, cwd=ROOT, env=env | {"NUMBA_CACHE_DIR": str(warm)}, check=True)
    draw_dataset(tmp_path / "data", 0.02, 3, categories=["pipe_clip"], jobs=1)
    draw_maps(tmp_path / "data", tmp_path / "maps.zip", 0.7, 4)
    commands = ["from pathlib import Path", "from scoring import score"]
    for dtype in ("uint8", "uint16", "float16", "float32", "float64"):
        retyped(tmp_path / "maps.zip", tmp_path / f"{dtype}.zip", dtype)
        commands.append(f"score(Path('data'), Path('{dtype}.zip'))")
    start = ["/bin/sh", str(ROOT / "deploy/start"), sys.executable, "-c", "\n".join(commands)]
    env |= {"NUMBA_CACHE_DIR": str(cache), "NUMBA_WARM": str(warm), "PYTHONPATH": str(ROOT)}
    subprocess.run(start, cwd=tmp_path, env=env, check=True)
    assert compiled(cache) == compiled(warm)
    assert len(compiled(warm)) > 10


def retyped(source: Path, target: Path, dtype: str) -> None:
    """The same maps as NPY files of a type."""
    with zipfile.ZipFile(source) as maps, zipfile.ZipFile(target, "w") as archive:
        for name in maps.namelist():
            if not name.endswith(".png"):
                continue
            with archive.open(str(Path(name).with_suffix(".npy")), "w") as file:
                np.save(file, np.asarray(Image.open(maps.open(name))).astype(dtype))


def compiled(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nbc")}


def _has_avx2() -> bool:
    info = Path("/proc/cpuinfo")
    return info.exists() and " avx2 " in info.read_text()
