"""Nobody gets hidden labels: every address, asked by everybody, in every way.

A dataset whose folders, defects and images have random names is imported with
hidden labels and scored by the real services. Then every route of the site is
asked; tests/leaks.py knows what no answer may hold.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from django.contrib import admin
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from leaderboard.accounts import invitations
from leaderboard.accounts.models import Invitation, Membership, Team, User
from leaderboard.accounts.services.invite import invite
from leaderboard.celery import app
from leaderboard.datasets import ground_truth, packs
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import import_dataset
from leaderboard.logs import KeyValueFormatter
from leaderboard.submissions import hidden
from leaderboard.submissions.models import Job, Notice, Rescoring, Score, Submission
from leaderboard.submissions.services import rescore
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.send_mails import send_mails
from leaderboard.submissions.services.submit import Handed, submit
from leaderboard.submissions.states import JobState, State
from scoring import SCORER_VERSION
from scoring.registry import BY_FLAT_KEY
from tests import leaks
from tests.leaderboard.support import png, zipped

SIZE = 16
GOOD, FOLDERS = 211, (101, 103, 107)
SMALL_GOOD, SMALL_FOLDERS = 4, (2, 1)
RUNS = 2
PASSWORD = "correct horse battery"
PEOPLE = ("anonymous", "submitter", "mate", "other", "staff")


# The world ----------------------------------------------------------------------------------------


@dataclass
class World:
    """What is on the site, who asks, and what must stay secret."""

    version: DatasetVersion
    scored: Submission
    rejected: Submission
    people: dict[str, User | None]
    secrets: leaks.Secrets
    log: list[str] = field(default_factory=list)


@dataclass
class Drawing:
    """A dataset on disk and the random names in it."""

    folder: Path
    names: set[str] = field(default_factory=set)
    # The same names each time: they decide the ids, these the maps, and these every value.
    random: Random = field(default_factory=lambda: Random(11))

    def name(self) -> str:
        made = f"zq{self.random.randbytes(5).hex()}"
        self.names.add(made)
        return made

    def category(self, name: str, good: int, folders: tuple[int, ...]) -> None:
        top, random = self.folder / name, np.random.default_rng(good)
        kinds = {"good": good} | {self.name(): count for count in folders}
        defects = [
            {"defect_name": folder, "pixel_value": 255 - at, "saturation_threshold": 0.5,
             "relative_saturation": True}
            for at, folder in enumerate(list(kinds)[1:])
        ]  # fmt: skip
        (top / "train/good").mkdir(parents=True)
        for at in range(3):
            (top / f"train/good/{at:04}.png").write_bytes(_image(random))
        (top / "defects_config.json").write_text(json.dumps(defects))
        for at, (folder, count) in enumerate(kinds.items()):
            (top / "test" / folder).mkdir(parents=True)
            for _ in range(count):
                image = self.name()
                (top / f"test/{folder}/{image}.png").write_bytes(_image(random))
                if at:
                    _region(top / f"ground_truth/{folder}/{image}", 256 - at, random)


def _image(random: np.random.Generator) -> bytes:
    return png(random.integers(0, 255, (SIZE, SIZE, 3), np.uint8))


def _region(folder: Path, pixel_value: int, random: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    top, left = random.integers(0, SIZE - 4, 2)
    mask[top : top + 4, left : left + 4] = pixel_value
    (folder / "0000.png").write_bytes(png(mask))


def _maps(version: DatasetVersion) -> dict[str, bytes]:
    """Two runs of maps that know a little of the truth, in opaque ids."""
    files = {}
    for category in version.categories:
        truth = ground_truth.truth(version, category)
        random = np.random.default_rng(7)
        for run in range(RUNS):
            for key, public_id in sorted(truth.public_ids.items(), key=lambda pair: pair[1]):
                values = random.integers(0, 120 + 10 * run, (SIZE, SIZE))
                if not key.startswith("good/"):
                    values[random.integers(0, SIZE), random.integers(0, SIZE)] += 40
                files[f"run_{run}/{category}/test/{public_id}.png"] = png(values.astype(np.uint8))
    return files


def _hand_in(
    owner: User, version: DatasetVersion, files: dict[str, bytes], name: str, team: Team
) -> Submission:
    data = zipped(files)
    handed = Handed(
        ContentFile(data, "maps.zip"), "maps.zip", hashlib.sha256(data).hexdigest(),
        method_name=name, declared=True, team=team,
    )  # fmt: skip
    return submit(owner, version, handed)


def _work_off() -> None:
    while job := Job.objects.filter(state=JobState.QUEUED).first():
        perform(job.pk, "test")


class _Lines(logging.Handler):
    """Everything that is logged, as the site writes it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines
        self.setFormatter(KeyValueFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@pytest.fixture(scope="module")
def log() -> Iterator[list[str]]:
    """All log lines from the import to the end of the last request."""
    lines: list[str] = []
    handler, root = _Lines(lines), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker, tmp_path_factory, log: list[str]
) -> Iterator[World]:
    """Imported, handed in, scored; afterwards the ground truth is closed, as on the web."""
    tmp_path = tmp_path_factory.mktemp("hidden")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        stack.enter_context(django_db_blocker.unblock())
        # Rows are numbered from one, so that no number is by chance one of the secret counts.
        call_command("flush", interactive=False, verbosity=0)
        stack.callback(call_command, "flush", interactive=False, verbosity=0)
        stack.enter_context(
            override_settings(
                VAR_DIR=tmp_path,
                PACKS_ROOT=tmp_path / "packs",
                THUMBNAILS_ROOT=tmp_path / "thumbnails",
                FILE_UPLOAD_TEMP_DIR=str(tmp_path),
            )
        )
        storage = FileSystemStorage(location=str(tmp_path / "archives"))
        patch.setattr(Submission._meta.get_field("archive"), "storage", storage)
        patch.setitem(app.conf, "broker_url", "memory://")
        patch.setitem(app.conf, "broker_write_url", "memory://")
        place = tmp_path / "ground_truth"
        with override_settings(GROUND_TRUTH_ROOT=place, ID_SECRET="a secret of the tests"):
            made = _make(tmp_path, log)
        with pytest.raises(ground_truth.GroundTruthClosed):
            ground_truth.truth(made.version, "bracket")
        yield made


def _make(tmp_path: Path, log: list[str]) -> World:
    drawing = Drawing(tmp_path / "dataset")
    drawing.category("bracket", GOOD, FOLDERS)
    drawing.category("clip", SMALL_GOOD, SMALL_FOLDERS)
    naming = Naming("closed", "Closed parts", "1", licence="CC BY 4.0")
    version = import_dataset(drawing.folder, naming, labels="hidden")
    people: dict[str, User | None] = {
        "anonymous": None,
        "submitter": User.objects.create_user("submitter", "s@example.org", PASSWORD),
        "mate": User.objects.create_user("mate", "m@example.org", PASSWORD),
        "other": User.objects.create_user("other", "o@example.org", PASSWORD),
        "staff": User.objects.create_superuser("staff", "a@example.org", PASSWORD),
    }
    owner = people["submitter"]
    assert owner is not None
    team = Team.objects.create(name="A team", slug="a-team")
    for name in ("submitter", "mate"):
        Membership.objects.create(team=team, user=people[name])
    team.memberships.filter(user=owner).update(role="owner")
    invite(team.pk, owner, "friend@example.org")
    maps = _maps(version)
    scored = _hand_in(owner, version, maps, "Some method", team)
    incomplete = {name: data for name, data in maps.items() if "0003" not in name}
    rejected = _hand_in(owner, version, incomplete, "Incomplete method", team)
    _work_off()
    for submission in (scored, rejected):
        submission.refresh_from_db()
    assert (scored.state, rejected.state) == (State.SCORED, State.REJECTED)
    assert not Score.objects.exclude(run=hidden.ALL_RUNS).exists()
    with override_settings(SCORER_BUILD="2"):
        rescoring = rescore.start(version, people["staff"])
        _work_off()
        rescore.switch(rescoring.pk)
    version.refresh_from_db()
    assert Score.objects.count() == 2 * len(version.categories)
    reports: dict[tuple[str, str], Any] = {
        (run, category): hidden.kept_report(scored, run, category, SCORER_VERSION)
        for run in scored.runs
        for category in scored.categories
    }
    assert len(reports) == 2 * RUNS
    # The scorer that came later keeps its reports beside those.
    again = hidden.kept_report(scored, "run_0", "bracket", f"{SCORER_VERSION}+2")
    assert again == reports["run_0", "bracket"]
    assert reports["run_0", "bracket"]["n_good"] == GOOD
    told = leaks.Secrets(
        names=frozenset(drawing.names),
        counts=frozenset({GOOD, sum(FOLDERS), *FOLDERS}),
        values=leaks.values_of(reports),
        told=leaks.told_of(reports),
        public_ids=frozenset(f"{at:04}" for at in range(GOOD + sum(FOLDERS))),
    )
    assert len(told.values) > 100
    return World(version, scored, rejected, people, told, log)


# The table ----------------------------------------------------------------------------------------


def routes() -> set[str]:
    """Every route of the site, as its address with the parameters in it."""
    return set(_routes(get_resolver(), ""))


def _routes(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)
        else:
            yield from _routes(pattern, prefix + str(pattern.pattern))


METRIC_KEYS = tuple(BY_FLAT_KEY)
BOARD_QUERIES = ("", *(f"?metric={key}" for key in METRIC_KEYS), "?sort=runs", "?sort=-bracket")
EXPORTS = tuple(
    f"export.{kind}{query}{'&' if query else '?'}category={category}"
    for kind in ("csv", "json", "bib")
    for query in ("", *(f"?metric={key}" for key in METRIC_KEYS))
    for category in ("", "bracket")
)

# Route: the addresses to ask under it. {sub} is a scored or a rejected submission, {row} a row's
# key in the administration.
TABLE: dict[str, tuple[str, ...]] = {
    "": ("/",),
    "healthz": ("/healthz",),
    "readyz": ("/readyz",),
    "docs/": ("/docs/",),
    "docs/<slug:page>/": ("/docs/metrics/", "/docs/operating/"),
    "boards/": ("/boards/",),
    "boards/<slug:slug>/": tuple(f"/boards/closed/{query}" for query in BOARD_QUERIES),
    "boards/<slug:slug>/<str:category>/": tuple(
        f"/boards/closed/{category}/{query}"
        for category in ("bracket", "clip", "good")
        for query in BOARD_QUERIES
    ),
    "boards/<slug:slug>/export.<str:kind>": tuple(f"/boards/closed/{name}" for name in EXPORTS),
    "boards/<slug:slug>/rescorings/<int:pk>/": tuple(
        f"/boards/closed/rescorings/{{rescoring}}/?metric={key}" for key in METRIC_KEYS
    ),
    "methods/<slug:slug>/": ("/methods/some-method/", "/methods/incomplete-method/"),
    "datasets/": ("/datasets/",),
    "datasets/<slug:slug>/": ("/datasets/closed/",),
    "datasets/<slug:slug>/card.json": ("/datasets/closed/card.json",),
    "datasets/<slug:slug>/SHA256SUMS": ("/datasets/closed/SHA256SUMS",),
    "datasets/<slug:slug>/licence/": ("/datasets/closed/licence/",),
    "datasets/<slug:slug>/download/<str:name>": tuple(
        f"/datasets/closed/download/{name}"
        for name in ("bracket-test.zip", "bracket-train.zip", "clip-test.zip", "manifest.json")
    ),
    "datasets/<slug:slug>/<str:category>/thumbnails/<int:number>": (
        "/datasets/closed/bracket/thumbnails/0", "/datasets/closed/bracket/thumbnails/99",
    ),
    "submit/": ("/submit/",),
    "submit/<slug:slug>/": ("/submit/closed/",),
    "submit/<slug:slug>/uploads/": ("/submit/closed/uploads/",),
    "submissions/": ("/submissions/",),
    "submissions/<uuid:pk>/": ("/submissions/{sub}/",),
    "submissions/<uuid:pk>/progress": ("/submissions/{sub}/progress",),
    "submissions/<uuid:pk>/report.json": ("/submissions/{sub}/report.json",),
    "submissions/<uuid:pk>/upload": ("/submissions/{sub}/upload",),
    "submissions/<uuid:pk>/withdraw": ("/submissions/{sub}/withdraw",),
    "submissions/<uuid:pk>/choose": ("/submissions/{sub}/choose",),
    "submissions/<uuid:pk>/visibility": ("/submissions/{sub}/visibility",),
    "submissions/<uuid:pk>/delete": ("/submissions/{sub}/delete",),
    "methods/<slug:slug>/rename": ("/methods/some-method/rename",),
    "teams/": ("/teams/",),
    "teams/<slug:slug>/": ("/teams/a-team/",),
    **{
        f"teams/<slug:slug>/{name}": (f"/teams/a-team/{name}",)
        for name in ("invite", "take-back", "remove", "role", "rename", "leave", "delete")
    },
    "invitations/<str:token>/": ("/invitations/{invitation}/",),
    "notices/": ("/notices/",),
    "notices/<int:pk>/": ("/notices/{notice}/",),
    "notices/read": ("/notices/read",),
    "notices/mail": ("/notices/mail",),
    "rescorings/<int:pk>/": ("/rescorings/{rescoring}/",),
    "rescorings/<int:pk>/<str:action>": tuple(
        f"/rescorings/{{rescoring}}/{action}" for action in ("retry", "switch", "cancel", "nothing")
    ),
    "accounts/login/": ("/accounts/login/",),
    "accounts/logout/": ("/accounts/logout/",),
    "accounts/inactive/": ("/accounts/inactive/",),
    "accounts/signup/": ("/accounts/signup/",),
    "accounts/reauthenticate/": ("/accounts/reauthenticate/",),
    "accounts/email/": ("/accounts/email/",),
    "accounts/confirm-email/": ("/accounts/confirm-email/",),
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": ("/accounts/confirm-email/key/",),
    "accounts/password/change/": ("/accounts/password/change/",),
    "accounts/password/set/": ("/accounts/password/set/",),
    "accounts/password/reset/": ("/accounts/password/reset/",),
    "accounts/password/reset/done/": ("/accounts/password/reset/done/",),
    "accounts/password/reset/key/done/": ("/accounts/password/reset/key/done/",),
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": (
        "/accounts/password/reset/key/1-key/",
    ),
    "accounts/login/code/confirm/": ("/accounts/login/code/confirm/",),
    "admin/": ("/admin/",),
    "admin/login/": ("/admin/login/",),
    "admin/logout/": ("/admin/logout/",),
    "admin/password_change/": ("/admin/password_change/",),
    "admin/password_change/done/": ("/admin/password_change/done/",),
    "admin/autocomplete/": ("/admin/autocomplete/",),
    "admin/jsi18n/": ("/admin/jsi18n/",),
    "admin/r/<path:content_type_id>/<path:object_id>/": ("/admin/r/1/1/",),
    "admin/accounts/user/<id>/password/": ("/admin/accounts/user/1/password/",),
    "admin/^(?P<app_label>auth|account|accounts|datasets|submissions|boards)/$": tuple(
        f"/admin/{name}/" for name in ("accounts", "datasets", "submissions", "boards")
    ),
    "admin/(?P<url>.*)$": ("/admin/nothing",),
}  # fmt: skip
ADMIN_MODELS = (
    "auth/group", "account/emailaddress", "accounts/user", "accounts/team",
    "accounts/invitation", "datasets/dataset",
    "datasets/datasetversion", "datasets/licenceacceptance", "submissions/submission",
    "submissions/job", "submissions/score", "submissions/event", "submissions/method",
    "submissions/deletedsubmission", "submissions/notice", "submissions/rescoring",
    "boards/reportedscore",
)  # fmt: skip
LOOKUPS = (
    "", "?q=closed", "?o=1", "?report__n_good=211", "?result__report__n_good=211",
    "?submission__scores__report__n_good=211", "?manifest__bracket__good=211",
)  # fmt: skip
for _model in ADMIN_MODELS:
    TABLE[f"admin/{_model}/"] = tuple(f"/admin/{_model}/{query}" for query in LOOKUPS)
    TABLE[f"admin/{_model}/add/"] = (f"/admin/{_model}/add/",)
    TABLE[f"admin/{_model}/<path:object_id>/"] = (f"/admin/{_model}/{{row}}/",)
    for _kind in ("history", "delete", "change"):
        TABLE[f"admin/{_model}/<path:object_id>/{_kind}/"] = (f"/admin/{_model}/{{row}}/{_kind}/",)

SHOWS_IDS = ("/submit/closed/", "/submissions/", "/admin/submissions/submission/")
"""Where the form says how maps are named, and where the problem lines of a refused archive are."""

WRITTEN = "/docs/"
"""Files of the repository as pages: measured times stand there, which may look like scores."""

POSTED: dict[str, dict[str, str]] = {
    "/accounts/login/": {"login": "submitter", "password": "wrong"},
    "/accounts/password/reset/": {"email": "s@example.org"},
    "/accounts/signup/": {"username": "new", "email": "n@example.org", "password1": PASSWORD,
                          "password2": PASSWORD},
    "/datasets/closed/licence/": {"accept": "on"},
    "/submit/closed/": {"method_name": "Another", "declared": "on"},
}  # fmt: skip


def test_every_route_stands_in_the_table() -> None:
    assert routes() == set(TABLE)


def test_every_model_of_the_administration_stands_in_the_table() -> None:
    registered = {
        f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry
    }
    assert registered == set(ADMIN_MODELS)


# Asking -------------------------------------------------------------------------------------------


def addresses(world: World) -> Iterator[str]:
    """Every address of the table with every row that there is."""
    for route, templates in TABLE.items():
        for template in templates:
            if "{invitation}" in template:
                yield invitations.path(Invitation.objects.get())
            elif "{row}" in template:
                model = _model_of(route)
                for row in model._default_manager.all()[:6]:
                    yield template.format(row=row.pk)
            elif "{notice}" in template:
                for notice in Notice.objects.all():
                    yield template.format(notice=notice.pk)
            elif "{rescoring}" in template:
                yield template.format(rescoring=Rescoring.objects.get().pk)
            elif "{sub}" in template:
                for submission in (world.scored, world.rejected):
                    yield template.format(sub=submission.pk)
            else:
                yield template


def _model_of(route: str) -> Any:
    label, name = route.split("/")[1:3]
    return next(
        model for model in admin.site._registry
        if (model._meta.app_label, model._meta.model_name) == (label, name)
    )  # fmt: skip


def client_of(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def asked(client: Client, method: str, address: str) -> HttpResponseBase:
    """One request whose changes are undone."""
    with transaction.atomic():
        data = POSTED.get(address, {}) if method == "post" else None
        answer = getattr(client, method)(address, data)
        transaction.set_rollback(True)
    return answer


def told_by(
    answer: HttpResponseBase, address: str, secrets: leaks.Secrets, of_get: str | None = None
) -> list[str]:
    """What an answer gives away: in its headers, its cookies, its body, whatever kind that is."""
    ids_allowed = address.startswith(SHOWS_IDS)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    kind = answer.get("Content-Type", "")
    headers = dict(answer.items())
    # This number may happen to be a count. It tells nothing where it is the length of the body,
    # which is searched below, or for a HEAD what it was for the GET.
    if headers.get("Content-Length") in (str(len(body)), of_get):
        headers.pop("Content-Length", None)
    found = leaks.find(f"{headers} {answer.cookies.output()}", secrets)
    if kind == "application/zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            listed = [(info.filename, info.comment, info.extra) for info in archive.infolist()]
            found += leaks.in_bytes(repr(listed).encode(), secrets)
            for name in archive.namelist():
                found += leaks.in_bytes(archive.read(name), secrets)
            times = {info.date_time for info in archive.infolist()}
            found += [f"{len(times)} times"] if len(times) > 1 else []
    elif kind.startswith("image/"):
        found += leaks.in_bytes(body, secrets)
    else:
        text = body.decode()
        if address.startswith(WRITTEN):
            text = re.sub(r"\d+\.\d+", "", text)
        found += leaks.find(text, secrets, ids_allowed=ids_allowed)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("person", PEOPLE)
def test_no_answer_tells_anything(world: World, person: str) -> None:
    client = client_of(world.people[person])
    wrong, statuses = [], set()
    lengths: dict[tuple[str, int], str | None] = {}
    for method in ("get", "head", "post"):
        for address in addresses(world):
            answer = asked(client, method, address)
            statuses.add(answer.status_code)
            if answer.status_code >= 500:
                wrong.append((method, address, answer.status_code))
            if method == "get":
                lengths[address, answer.status_code] = answer.get("Content-Length")
            of_get = lengths.get((address, answer.status_code)) if method == "head" else None
            told = told_by(answer, address, world.secrets, of_get)
            wrong += [(method, address, what) for what in told]
    assert wrong[:20] == []
    assert {200, 302, 404, 405} <= statuses


@pytest.mark.django_db
def test_downloads_are_read_whole_by_who_accepted(world: World) -> None:
    client = client_of(None)
    client.post("/datasets/closed/licence/", {"accept": "on"})
    for name in world.version.files:
        answer = client.get(f"/datasets/closed/download/{name}")
        assert answer.status_code == 200
        assert told_by(answer, "", world.secrets) == []


@pytest.mark.django_db
def test_notices_and_mails_tell_nothing(world: World) -> None:
    client = client_of(world.people["submitter"])
    for address in (f"/submissions/{world.scored.pk}/choose", "/submit/closed/"):
        with transaction.atomic():
            answer = client.post(address, {}, follow=True)
            transaction.set_rollback(True)
        assert told_by(answer, "/submissions/", world.secrets) == []
    client_of(None).post("/accounts/password/reset/", {"email": "s@example.org"})
    assert send_mails() == 3
    assert len(mail.outbox) == 4
    assert [message.subject for message in mail.outbox if "scored" in message.subject]
    for message in mail.outbox:
        # The problems of a refused archive name its maps.
        listed = "refused" in message.subject
        assert leaks.find(message.body, world.secrets, ids_allowed=listed) == []
        assert leaks.find(str(message.message().items()), world.secrets) == []
    events = " ".join(world.scored.events.values_list("text", flat=True))
    events += " ".join(world.rejected.events.values_list("text", flat=True))
    assert leaks.find(events, world.secrets, ids_allowed=True) == []


def test_public_files_tell_nothing(world: World) -> None:
    """The pack on disk: names, bytes and times."""
    root = packs.path(world.version)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) > GOOD
    for path in files:
        assert leaks.in_bytes(str(path.relative_to(root)).encode(), world.secrets) == []
        assert leaks.in_bytes(path.read_bytes(), world.secrets) == []
    lines = (root / "manifest.json").read_text().splitlines()
    text = "\n".join(line for line in lines if "train/good/" not in line)
    assert "test/0000.png" in text
    assert leaks.find(text, world.secrets, ids_allowed=True) == []


@pytest.mark.django_db
def test_the_rows_that_the_web_reads_name_no_label(world: World) -> None:
    world.version.refresh_from_db()
    fields = {name: value for name, value in vars(world.version).items() if name != "_state"}
    assert leaks.find(str(fields), world.secrets) == []
    for job in Job.objects.all():
        assert leaks.find(job.error, world.secrets) == []


def test_log_lines_tell_nothing(world: World) -> None:
    """Of the import, the scoring and all requests of the tests above."""
    assert len(world.log) > 20
    found = [(what, line) for line in world.log for what in leaks.find(line, world.secrets,
             ids_allowed=True)]  # fmt: skip
    assert found == []


# The detector itself ------------------------------------------------------------------------------


def test_the_detector_finds_what_it_is_for(world: World) -> None:
    secret = world.secrets
    value = next(value for value in secret.values if round(value, 4) != round(value, 3))
    single = next(iter(secret._coarse))
    for text in (
        f"the folder {next(iter(secret.names))}/",
        f'{{"n_good": {GOOD}, "n": 1}}',
        f"<td>{FOLDERS[1]}</td>",
        f"<td title='{value!r}'>",
        f"{100 * value:.3f} %",
        f"{100 * single:.1f}",
        f'"mean": {single}',
        "bracket/test/0003.png",
    ):
        assert leaks.find(text, secret), text
    assert leaks.find("bracket/test/0003: is good", secret, ids_allowed=True)
    assert not leaks.find("bracket/test/0003: is missing", secret, ids_allowed=True)
    for told in secret.told:
        assert not leaks.find(f"{100 * told:.1f} {told}", secret)
