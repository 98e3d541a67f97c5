"""The site as docker-compose.yml runs it, from an empty machine to scores, stops and a restore."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from scoring import Report, score
from scoring.sampledata import draw_dataset, draw_maps
from tests.production.browser import Visitor
from tests.production.compose import example
from tests.production.site import Site
from tests.servers import PATIENCE, program, wait_until
from tests.stack import ROOT

CATEGORIES = ("pipe_staple", "pipe_clip")
PASSWORD = "correct horse battery"
ROLES = ("web", "worker", "beat")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("production")
    draw_dataset(folder / "dataset", 0.02, 3, categories=CATEGORIES, jobs=1)
    draw_maps(folder / "dataset", folder / "maps.zip", 0.7, 4)
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return score(folder / "dataset", folder / "maps.zip")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    """Started as docs/operating.md says, with a dataset and a person."""
    with Site(folder) as site:
        site.run_once("migrate")
        told = re.search(
            r"python (manage\.py collectstatic .*?) \\", (ROOT / "Dockerfile").read_text()
        )
        assert told is not None
        site.run([sys.executable, *told[1].split()], site.environment("migrate"))
        naming = ["--name", "sample", "--title", "Sample parts", "--dataset-version", "1"]
        naming += ["--submissions-per-day", "20", "--labels", "public"]
        site.maintain("import_dataset", str(folder / "dataset"), *naming)
        site.extra["worker"] = {"AUTOVI_STOP_AT": f"@{folder / 'stop-at'}"}
        for role in ROLES:
            site.start(role)
        site.wait_well(*ROLES)
        yield site


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(f"https://localhost:{site.proxy.port}", site.proxy.certificate)


@pytest.fixture(scope="module")
def person(site: Site) -> Visitor:
    """Somebody who has signed up, and stays signed in."""
    visitor = Visitor(f"https://localhost:{site.proxy.port}", site.proxy.certificate)
    told = {"username": "demo", "email": "demo@example.org", "password1": PASSWORD,
            "password2": PASSWORD}  # fmt: skip
    answer = visitor.post("/accounts/signup/", told)
    assert "My submissions" in answer.text, answer.text
    return visitor


def hand_in(person: Visitor, archive: Path, method: str) -> str:
    """Upload by the form; the submission's number."""
    values = {"method_name": method, "visibility": "public", "declared": "on"}
    answer = person.post("/submit/sample/", values, archive)
    found = re.fullmatch(r".*/submissions/([0-9a-f-]{36})/", answer.url)
    assert found is not None, answer.text
    return found[1]


def state(site: Site, number: str) -> str:
    ((state,),) = site.rows("SELECT state FROM submissions_submission WHERE id = %s", number)
    return state


def wait_scored(site: Site, number: str) -> None:
    def over() -> bool:
        found = state(site, number)
        assert found not in ("rejected", "failed"), site.log("worker")
        return found == "scored"

    wait_until(over, "the submission is scored")


def test_an_upload_is_scored_and_its_files_lie_in_the_store(
    site: Site, person: Visitor, folder: Path, report: Report
) -> None:
    number = hand_in(person, folder / "maps.zip", "First method")
    wait_scored(site, number)
    assert person.get(f"/submissions/{number}/report.json").text == report.dumps()
    assert "First method" in person.get("/boards/sample/").text
    (archive,) = [name for name in site.accounts["submissions"].names() if number in name]
    kept = site.accounts["submissions"].client().get_object(Bucket="submissions", Key=archive)
    assert kept["Body"].read() == (folder / "maps.zip").read_bytes()
    results = [name for name in site.accounts["results"].names() if name.startswith(number)]
    assert len(results) == len(CATEGORIES)
    assert len(site.accounts["ground-truth"].names()) > len(CATEGORIES)


def test_pages_come_over_https_with_the_headers_of_production(site: Site, visitor: Visitor) -> None:
    page = visitor.get("/accounts/login/")
    assert page.status == 200
    assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert all(cookie.secure for cookie in visitor.cookies)
    sheet = re.search(r'href="(/static/css/site\.[0-9a-f]{12}\.css)"', page.text)
    assert sheet is not None
    style = visitor.get(sheet[1], **{"Accept-Encoding": "gzip"})
    assert (style.status, style.headers["Content-Encoding"]) == (200, "gzip")
    assert "immutable" in style.headers["Cache-Control"]


def test_the_site_tells_that_it_is_ready(site: Site, visitor: Visitor) -> None:
    assert visitor.get("/healthz").text == "ok\n"
    answer = visitor.get("/readyz")
    assert (answer.status, set(re.findall(r": (.*)", answer.text))) == (200, {"ok"})


def test_a_download_goes_out_by_the_proxy_from_the_public_bucket(
    site: Site, person: Visitor
) -> None:
    inside = "downloads/sample/1/pipe_clip-test.zip"
    assert person.get(f"/public-files/{inside}").status == 404
    person.post("/datasets/sample/", {"accept": "on"})
    page = person.get("/datasets/sample/").text
    link = re.search(r'href="([^"]*pipe_clip-test\.zip[^"]*)"', page)
    assert link is not None, page
    path = link[1].replace("&amp;", "&").removeprefix(person.address)
    whole = person.get(path)
    assert whole.status == 200, whole.text
    ((hashes,),) = site.rows(
        "SELECT hashes FROM datasets_datasetversion WHERE content_sha256 != ''"
    )
    wanted = hashes if isinstance(hashes, dict) else json.loads(hashes)
    assert hashlib.sha256(whole.body).hexdigest() == wanted["pipe_clip-test.zip"]
    assert 'filename="pipe_clip-test.zip"' in whole.headers["Content-Disposition"]
    part = person.get(path, Range="bytes=10-19")
    assert (part.status, part.body) == (206, whole.body[10:20])


OPEN = """
import json
from leaderboard.datasets import ground_truth
from leaderboard.datasets.models import DatasetVersion
version = DatasetVersion.objects.get(dataset__slug="sample")
try:
    print(json.dumps(sorted(ground_truth.read_index(version)["packs"])))
except ground_truth.GroundTruthClosed as error:
    print(json.dumps(str(error)))
"""


def test_only_workers_can_open_the_ground_truth(site: Site) -> None:
    def tried(service: str) -> object:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", OPEN]
        return json.loads(site.run(command, site.environment(service)))

    assert tried("worker") == sorted(CATEGORIES)
    assert "the ground truth is closed to this process" in str(tried("web"))
    # Nor do the keys that web and beat hold open that bucket.
    for service in ("web", "beat"):
        assert not any("ground-truth" in value for value in site.environment(service).values())
    for bucket in ("public", "submissions", "results", "previews"):
        client = site.accounts[bucket].client()
        with pytest.raises(ClientError, match="Access Denied"):
            client.list_objects_v2(Bucket="ground-truth")


def test_a_stop_and_a_start_of_everything_lose_nothing(
    site: Site, person: Visitor, folder: Path, report: Report
) -> None:
    (folder / "stop-at").write_text("stop:while-scoring")
    begun = hand_in(person, folder / "maps.zip", "Method at work")
    worker = site.processes["worker"]
    child = wait_until(lambda: stopped_child(worker.pid), "a process is stopped in its job")
    # What `docker compose stop` does first: the worker ends the job that it holds.
    worker.terminate()
    wait_until(lambda: "Warm shutdown" in site.log("worker"), "the worker was told")
    assert worker.poll() is None
    os.kill(child, signal.SIGCONT)
    assert worker.wait(PATIENCE) == 0
    del site.processes["worker"]
    assert not site.rows("SELECT 1 FROM submissions_job WHERE state = 'running'")

    waiting = hand_in(person, folder / "maps.zip", "Waiting method")
    for role in ("beat", "web"):
        assert site.terminate(role) == 0
    for server in (site.redis, site.postgres, site.proxy):
        server.restart()
    for role in ROLES:
        site.start(role)
    site.wait_well(*ROLES)
    for number in (begun, waiting):
        wait_scored(site, number)
        # Still signed in, too.
        assert person.get(f"/submissions/{number}/report.json").text == report.dumps()
    attempts = site.rows("SELECT DISTINCT attempt FROM submissions_job")
    assert attempts == [(1,)]


def stopped_child(parent: int) -> int:
    """The child of a process that is stopped, or 0."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = path.read_text().partition(" ")
        except OSError:
            continue  # it has ended
        status, above = rest.rpartition(")")[2].split()[:2]
        if status == "T" and int(above) == parent:
            return int(pid)
    return 0


@pytest.mark.long
def test_a_backup_brings_everything_back(site: Site, folder: Path, report: Report) -> None:
    """docs/operating.md, "Backup and restore", with another database and empty buckets."""
    ((number,), *_) = site.rows(
        "SELECT id::text FROM submissions_submission WHERE state = 'scored'"
    )
    dump = folder / "board.dump"
    address = ["--host=127.0.0.1", f"--port={site.postgres.port}", "--username=board"]
    with dump.open("wb") as file:
        command = [tool("pg_dump"), *address, "--format=custom", "board"]
        subprocess.run(command, stdout=file, check=True)
    site.maintain("backup_files", str(folder / "files"))
    site.postgres.create("restored")
    restore = [tool("pg_restore"), *address, "--dbname=restored"]
    subprocess.run([*restore, "--exit-on-error", str(dump)], check=True)
    env = site.environment("maintain") | {"DATABASE_URL": site.postgres.url("restored")}
    for alias in ("public", "submissions", "results", "previews", "ground_truth"):
        name = f"AUTOVI_{alias.upper()}_STORAGE"
        env[name] = site.store.bucket(alias.replace("_", "-")).json()
    env["AUTOVI_VAR"] = str(folder / "restored-var")
    manage = [sys.executable, "manage.py"]
    site.run([*manage, "restore_files", str(folder / "files")], env)
    code = (
        "from leaderboard.submissions.models import Submission\n"
        "from leaderboard.submissions.results import report_json\n"
        "from leaderboard.datasets import ground_truth\n"
        f"one = Submission.objects.get(pk={number!r})\n"
        "for category in one.categories: ground_truth.truth(one.dataset_version, category)\n"
        "import hashlib\n"
        "assert hashlib.sha256(one.archive.open('rb').read()).hexdigest() == one.sha256\n"
        "for kept in one.scores.all(): assert kept.arrays.open('rb').read(2) == b'PK'\n"
        "print(report_json(one), end='')"
    )
    assert site.run([*manage, "shell", "--no-imports", "-c", code], env) == report.dumps()


def tool(name: str) -> str:
    return program("postgresql-client", f"/usr/lib/postgresql/*/bin/{name}", name)


def test_the_queue_can_be_watched(site: Site) -> None:
    found = json.loads(site.maintain("queue_status", "--json"))
    assert found["jobs"]["queued"] == found["jobs"]["running"] == 0
    assert found["jobs"]["done"] > len(CATEGORIES)
    assert found["oldest_queued_seconds"] is None
    assert found["submissions"]["scored"] >= 1


def test_no_process_complains(site: Site) -> None:
    for role in ROLES:
        log = site.log(role)
        assert "Traceback" not in log, log
        assert not any(value in log for value in example().values() if "made-for" in value)
