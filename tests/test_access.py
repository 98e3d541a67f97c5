"""Who may do what at every address: the whole table, asked of everybody by every method.

A route that is not in the table fails the test. What is not yours answers 404,
as if it were not there; what needs an account sends you to sign in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings

from leaderboard.accounts import invitations
from leaderboard.accounts.models import Membership, Role, Team, User
from leaderboard.accounts.services.invite import invite
from leaderboard.celery import app
from leaderboard.datasets.services.import_dataset import Naming, import_dataset
from leaderboard.submissions.models import Job, Notice, Score, Submission
from leaderboard.submissions.services import rescore
from leaderboard.submissions.services.append import append
from leaderboard.submissions.services.begin_upload import Announced, begin_upload
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.submit import About, Handed, submit
from leaderboard.submissions.states import JobState, State
from tests.leaderboard import support
from tests.test_labels_stay_hidden import ADMIN_MODELS, routes

PEOPLE = ("anonymous", "owner", "mate", "other", "staff", "superuser")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

Statuses = tuple[int, int, int, int, int, int]
"""For each of PEOPLE."""


def everybody(status: int) -> Statuses:
    return (status,) * 6


def signed_in(status: int) -> Statuses:
    """Everybody who signed in; the others are sent to do that."""
    return (302, *(status,) * 5)


# The owner of things is in a team with the mate. Staff reads all submissions; a superuser also has
# the administration. What a row does not name is refused with 405.
READ = {"GET": everybody(200), "HEAD": everybody(200)}
PERSONAL = {"GET": signed_in(200), "HEAD": signed_in(200)}
INSIDE: Statuses = (404, 200, 200, 404, 200, 200)
"""What is private: for those inside, and the staff."""
MANAGED: Statuses = (302, 200, 404, 404, 404, 404)
MANAGED_POST: Statuses = (302, 302, 404, 404, 404, 404)
MEMBERS: Statuses = (302, 200, 200, 404, 404, 404)
MEMBERS_POST: Statuses = (302, 302, 302, 404, 404, 404)
"""Members who are no owners are told so on the team's page."""
STAFF: Statuses = (404, 404, 404, 404, 200, 200)
STAFF_POST: Statuses = (404, 404, 404, 404, 302, 302)
MAINTAINERS: Statuses = (302, 302, 302, 302, 403, 200)


@dataclass(frozen=True)
class Row:
    """One address, and the status of each method for each person."""

    address: str
    statuses: dict[str, Statuses]
    fields: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    otherwise: Statuses = (405,) * 6


def read(address: str, status: int = 200) -> Row:
    return Row(address, {"GET": everybody(status), "HEAD": everybody(status)})


def personal(address: str) -> Row:
    return Row(address, PERSONAL)


def post(address: str, statuses: Statuses, **fields: str) -> Row:
    return Row(address, {"POST": statuses}, fields)


def asked_first(address: str, get: Statuses, posted: Statuses, **fields: str) -> Row:
    return Row(address, {"GET": get, "HEAD": get, "POST": posted}, fields)


OUT: Statuses = (200, *(302,) * 5)
"""For those who did not sign in; the others are sent on."""
AWAY: Statuses = (405, *(302,) * 5)
IN: Statuses = (302, *(405,) * 5)


def form(address: str, get: Statuses, otherwise: Statuses, posted: Statuses | None = None) -> Row:
    """A page of Django's generic form views."""
    sent = posted or get
    return Row(address, {"GET": get, "HEAD": get, "POST": sent, "PUT": sent}, otherwise=otherwise)


def anyhow(address: str, statuses: Statuses) -> Row:
    """One answer, whatever the method."""
    return Row(address, {}, otherwise=statuses)


TUS = {"Tus-Resumable": "1.0.0"}
BEGIN = {**TUS, "Upload-Length": "10", "Upload-Metadata": "filename bWFwcy56aXA="}
PATCH = {**TUS, "Upload-Offset": "3", "Content-Type": "application/offset+octet-stream"}


# The table: every route but the administration's, whose one rule stands below. {...} is filled in
# by the world of the tests.
TABLE: dict[str, list[Row]] = {
    "": [read("/")],
    "healthz": [read("/healthz")],
    "readyz": [read("/readyz")],
    "docs/": [read("/docs/")],
    "docs/<slug:page>/": [read("/docs/metrics/"), read("/docs/nothing/", 404)],
    "boards/": [read("/boards/")],
    "boards/<slug:slug>/": [read("/boards/small/"), read("/boards/nothing/", 404)],
    "boards/<slug:slug>/<str:category>/": [read("/boards/small/clip/")],
    "boards/<slug:slug>/export.<str:kind>": [
        *(read(f"/boards/small/export.{kind}") for kind in ("csv", "json", "bib")),
        read("/boards/small/export.exe", 404),
    ],
    # What a re-scoring changes: maintainers see it before the board has changed over.
    "boards/<slug:slug>/rescorings/<int:pk>/": [
        Row("/boards/small/rescorings/{rescoring}/", {"GET": STAFF, "HEAD": STAFF})
    ],
    "methods/<slug:slug>/": [
        read("/methods/public/"),
        read("/methods/anonymous/"),
        Row("/methods/private/", dict.fromkeys(("GET", "HEAD"), (404, 200, 200, 404, 404, 404))),
    ],
    "methods/<slug:slug>/rename": [
        asked_first("/methods/public/rename", MANAGED, MANAGED_POST, name="Another name"),
        asked_first("/methods/anonymous/rename", MANAGED, MANAGED_POST, name="Another name"),
    ],
    "datasets/": [read("/datasets/")],
    "datasets/<slug:slug>/": [read("/datasets/small/")],
    "datasets/<slug:slug>/card.json": [read("/datasets/small/card.json")],
    "datasets/<slug:slug>/SHA256SUMS": [read("/datasets/small/SHA256SUMS")],
    "datasets/<slug:slug>/licence/": [
        post("/datasets/small/licence/", everybody(302), accept="on")
    ],
    "datasets/<slug:slug>/download/<str:name>": [
        read("/datasets/small/download/clip-train.zip"),
        read("/datasets/small/download/private.zip", 404),
    ],
    "datasets/<slug:slug>/<str:category>/thumbnails/<int:number>": [
        read("/datasets/small/clip/thumbnails/0"),
    ],
    "submit/": [personal("/submit/")],
    "submit/<slug:slug>/": [asked_first("/submit/small/", signed_in(200), signed_in(422))],
    "submit/<slug:slug>/uploads/": [
        Row("/submit/small/uploads/", {"POST": (401, *(422,) * 5)}, headers=BEGIN)
    ],
    "submissions/": [personal("/submissions/"), personal("/submissions/?team=a-team")],
    "submissions/<uuid:pk>/": [
        read("/submissions/{public}/"),
        read("/submissions/{anonymous}/"),
        Row("/submissions/{private}/", {"GET": INSIDE, "HEAD": INSIDE}),
        Row("/submissions/{queued}/", {"GET": INSIDE, "HEAD": INSIDE}),
        Row("/submissions/{personal}/", dict.fromkeys(
            ("GET", "HEAD"), (404, 200, 404, 404, 200, 200))),
        read("/submissions/00000000-0000-0000-0000-000000000000/", 404),
    ],
    "submissions/<uuid:pk>/progress": [
        read("/submissions/{public}/progress"),
        Row("/submissions/{private}/progress", {"GET": INSIDE, "HEAD": INSIDE}),
        Row("/submissions/{queued}/progress", {"GET": INSIDE, "HEAD": INSIDE}),
    ],
    "submissions/<uuid:pk>/report.json": [
        read("/submissions/{public}/report.json"),
        read("/submissions/{anonymous}/report.json"),
        Row("/submissions/{private}/report.json", {"GET": INSIDE, "HEAD": INSIDE}),
        read("/submissions/{queued}/report.json", 404),
    ],
    "submissions/<uuid:pk>/upload": [
        Row(
            "/submissions/{personal}/upload",
            {key: (401, status, *(404,) * 4)
             for key, status in (("HEAD", 200), ("PATCH", 204), ("DELETE", 204))},
            headers=PATCH,
        ),
    ],
    "submissions/<uuid:pk>/withdraw": [
        post("/submissions/{public}/withdraw", MANAGED_POST),
        post("/submissions/{private}/withdraw", MANAGED_POST),
        post("/submissions/{queued}/withdraw", MANAGED_POST),
        post("/submissions/{personal}/withdraw", MANAGED_POST),
    ],
    "submissions/<uuid:pk>/choose": [
        post("/submissions/{public}/choose", MANAGED_POST),
        post("/submissions/{private}/choose", MANAGED_POST),
    ],
    "submissions/<uuid:pk>/visibility": [
        asked_first(f"/submissions/{{{which}}}/visibility", MANAGED, MANAGED_POST,
                    visibility="private")
        for which in ("public", "anonymous", "private", "queued", "personal")
    ],
    "submissions/<uuid:pk>/delete": [
        asked_first(f"/submissions/{{{which}}}/delete", MANAGED, MANAGED_POST)
        for which in ("public", "anonymous", "private", "queued", "personal")
    ],
    "rescorings/<int:pk>/": [Row("/rescorings/{rescoring}/", {"GET": STAFF, "HEAD": STAFF})],
    "rescorings/<int:pk>/<str:action>": [
        *(post(f"/rescorings/{{rescoring}}/{action}", STAFF_POST)
          for action in ("pause", "resume", "retry", "switch", "cancel")),
        post("/rescorings/{rescoring}/nothing", everybody(404)),
    ],
    "notices/": [personal("/notices/")],
    "notices/<int:pk>/": [
        Row("/notices/{notice}/", dict.fromkeys(("GET", "HEAD"), (302, 302, 404, 404, 404, 404)))
    ],
    "notices/read": [post("/notices/read", everybody(302))],
    "notices/mail": [post("/notices/mail", everybody(302))],
    "teams/": [asked_first("/teams/", signed_in(200), signed_in(302), name="A new team")],
    "teams/<slug:slug>/": [Row("/teams/a-team/", {"GET": MEMBERS, "HEAD": MEMBERS})],
    **{
        f"teams/<slug:slug>/{name}": [post(f"/teams/a-team/{name}", MEMBERS_POST, **fields)]
        for name, fields in {
            "invite": {}, "take-back": {"invitation": "1"}, "remove": {"person": "1"},
            "role": {"person": "1", "role": "owner"}, "rename": {"name": "Another"}, "leave": {},
            "delete": {},
        }.items()
    },
    # Allauth's pages: what is for those who signed in, for those who did not, and for both. They
    # take PUT as they take POST; without fields nobody changes anything.
    "accounts/login/": [form("/accounts/login/", OUT, AWAY)],
    "accounts/signup/": [form("/accounts/signup/", OUT, AWAY)],
    "accounts/logout/": [
        Row("/accounts/logout/", {"GET": signed_in(200), "HEAD": signed_in(200),
                                  "POST": everybody(302)})
    ],
    "accounts/inactive/": [read("/accounts/inactive/")],
    "accounts/reauthenticate/": [anyhow("/accounts/reauthenticate/", signed_in(403))],
    "accounts/email/": [form("/accounts/email/", signed_in(200), IN, posted=everybody(302))],
    "accounts/confirm-email/": [read("/accounts/confirm-email/")],
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": [
        asked_first("/accounts/confirm-email/key/", everybody(200), everybody(404))
    ],
    # These people have no password; they are sent to set one.
    "accounts/password/change/": [anyhow("/accounts/password/change/", everybody(302))],
    "accounts/password/set/": [form("/accounts/password/set/", signed_in(200), IN)],
    "accounts/password/reset/": [
        form("/accounts/password/reset/", everybody(200), everybody(405))
    ],
    "accounts/password/reset/done/": [read("/accounts/password/reset/done/")],
    "accounts/password/reset/key/done/": [read("/accounts/password/reset/key/done/")],
    # A link that is not sound says so.
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": [
        anyhow("/accounts/password/reset/key/1-key/", everybody(200))
    ],
    "accounts/login/code/confirm/": [anyhow("/accounts/login/code/confirm/", everybody(302))],
    "invitations/<str:token>/": [
        # The link is the key: whoever holds it may see and use it.
        asked_first("{invitation}", signed_in(200), everybody(302)),
        asked_first("/invitations/1:made-up/", signed_in(404), signed_in(404)),
    ],
}  # fmt: skip


@dataclass
class World:
    """Who asks, and what fills the table's addresses."""

    people: dict[str, User | None]
    places: dict[str, str]
    owner_words: tuple[str, ...]
    """What would tell whose the anonymous submission is."""


def _hand_in(owner: User, version: Any, name: str, team: Team, visibility: str) -> Submission:
    data = support.zipped(support.members())
    handed = Handed(
        ContentFile(data, "maps.zip"), "maps.zip", name * 4, method_name=name, declared=True,
        team=team, visibility=visibility,
        metadata={"paper_url": "https://paper.example/owl", "code_url": "https://code.example/owl",
                  "description": "Blurs. See https://page.example/owl or owl@example.org."},
    )  # fmt: skip
    return submit(owner, version, handed)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker, tmp_path_factory) -> Iterator[World]:
    """Submissions of every kind on one board."""
    folder = tmp_path_factory.mktemp("access")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        places = override_settings(
            VAR_DIR=folder, PACKS_ROOT=folder / "packs", THUMBNAILS_ROOT=folder / "thumbnails",
            FILE_UPLOAD_TEMP_DIR=str(folder), GROUND_TRUTH_ROOT=folder / "ground_truth",
        )  # fmt: skip
        archive, arrays = Submission._meta.get_field("archive"), Score._meta.get_field("arrays")
        for stored, name in ((archive, "archives"), (arrays, "results")):
            patch.setattr(stored, "storage", FileSystemStorage(location=folder / name))
        patch.setitem(app.conf, "broker_url", "memory://")
        patch.setitem(app.conf, "broker_write_url", "memory://")
        with places:
            yield _make(folder)
        call_command("flush", interactive=False, verbosity=0)


def _make(folder: Path) -> World:
    naming = Naming("small", "Small parts", "1", submissions_per_day=50)
    version = import_dataset(support.make_dataset(folder / "dataset"), naming)
    version.team_submissions_per_day = 50
    version.save()
    people: dict[str, User | None] = {
        name: User.objects.create_user(name, f"{name}@example.org", is_staff=name == "staff")
        for name in PEOPLE[2:-1]
    }
    people |= {"anonymous": None, "superuser": User.objects.create_superuser("root")}
    owner = people["owner"] = User.objects.create_user("owlowner", "owl@example.org")
    team = Team.objects.create(name="Owlteam", slug="a-team")
    Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    Membership.objects.create(team=team, user=people["mate"])
    made = {
        name: _hand_in(owner, version, name, team, name)
        for name in ("public", "anonymous", "private")
    }
    while job := Job.objects.filter(state=JobState.QUEUED).first():
        perform(job.pk, "test")
    assert set(Submission.objects.values_list("state", flat=True)) == {State.SCORED}
    made["queued"] = _hand_in(owner, version, "queued", team, "public")
    about = About("maps.zip", method_name="personal", declared=True, visibility="private")
    upload = begin_upload(owner, version, about, Announced(length=10))
    append(upload, 0, [b"abc"])
    made["personal"] = upload.submission
    filled = {name: str(submission.pk) for name, submission in made.items()}
    filled["notice"] = str(Notice.objects.filter(user=owner).latest("pk").pk)
    filled["rescoring"] = str(rescore.start(version, None).pk)
    filled["invitation"] = invitations.path(invite(team.pk, owner))
    return World(people, filled, ("owlowner", "Owlteam", "example/owl", "owl@example.org"))


# Asking -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients(world: World) -> dict[str, Client]:
    """A browser a person."""
    made = {}
    for name, user in world.people.items():
        made[name] = Client(raise_request_exception=False)
        if user is not None:
            made[name].force_login(user)
    return made


def ask(client: Client, method: str, row: Row, address: str) -> HttpResponseBase:
    """One request, whose changes are undone."""
    told: dict[str, Any] = {"headers": row.headers}
    if method == "POST":
        told["data"] = row.fields
    elif method in ("PUT", "PATCH", "DELETE"):
        told |= {"data": b"defg", "content_type": row.headers.get("Content-Type", "text/plain")}
    cookies = client.cookies.output(header="", sep=";")
    with transaction.atomic():
        answer: HttpResponseBase = getattr(client, method.lower())(address, **told)
        transaction.set_rollback(True)
    client.cookies = SimpleCookie(cookies)
    # Read to its end: that closes what it is read from.
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    answer.told = body.decode(errors="replace")  # type: ignore[attr-defined]
    return answer


def is_the_administrations(route: str) -> bool:
    return route.startswith("admin/")


def test_every_route_stands_in_the_table() -> None:
    assert {route for route in routes() if not is_the_administrations(route)} == set(TABLE)


@pytest.mark.django_db
def test_every_answer_is_the_tables(world: World, clients: dict[str, Client]) -> None:
    wrong = []
    for rows in TABLE.values():
        for row in rows:
            address = row.address.format(**world.places)
            for method in METHODS:
                expected = row.statuses.get(method, row.otherwise)
                for person, status in zip(PEOPLE, expected, strict=True):
                    answer = ask(clients[person], method, row, address)
                    if answer.status_code != status:
                        wrong.append((method, row.address, person, status, answer.status_code))
    assert wrong == []


@pytest.mark.django_db
def test_strangers_are_sent_to_sign_in_and_back(world: World, clients: dict[str, Client]) -> None:
    for rows in TABLE.values():
        for row in rows:
            if row.statuses.get("GET", everybody(405))[0] == 302 and "accounts" not in row.address:
                address = row.address.format(**world.places)
                answer = ask(clients["anonymous"], "GET", row, address)
                assert answer["Location"] == f"/accounts/login/?next={quote(address)}"


@pytest.mark.django_db
def test_the_administration_is_the_maintainers(world: World, clients: dict[str, Client]) -> None:
    """Who is no maintainer is sent to sign in, a maintainer without permissions is refused."""
    content_type = ContentType.objects.get_for_model(Submission).pk
    filled = {"content_type_id": content_type, "object_id": world.places["public"], "id": 1}
    wrong = []
    for route in sorted(filter(is_the_administrations, routes())):
        if route in OPEN_IN_ADMINISTRATION:
            continue
        address = re.sub(r"\^\(\?P<app_label>.*?\)/\$", "submissions/", route)
        address = "/" + address.replace("(?P<url>.*)$", "nothing")
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(filled[match[1]]), address)
        for method in ("GET", "POST"):
            for person in ("anonymous", "owner"):
                answer = ask(clients[person], method, Row(address, {}), address)
                if answer.status_code != 302 or "/login/" not in answer["Location"]:
                    wrong.append((method, address, person, answer.status_code))
            if any(f"admin/{model}/" in route for model in ADMIN_MODELS):
                answer = ask(clients["staff"], method, Row(address, {}), address)
                if answer.status_code not in (302, 403):
                    wrong.append((method, address, "staff", answer.status_code))
    assert wrong == []


OPEN_IN_ADMINISTRATION = {"admin/login/", "admin/logout/"}


# Nothing tells whose an anonymous submission is -------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["anonymous", "other"])
def test_nobody_is_told_whose_an_anonymous_submission_is(
    person: str, world: World, clients: dict[str, Client]
) -> None:
    """With everything else of the owner's private, no answer of the site names them."""
    with transaction.atomic():
        Submission.objects.filter(visibility="public").update(visibility="private")
        told = []
        for route, rows in TABLE.items():
            # The page of an invitation names who invites to whoever holds its link.
            for row in rows if not route.startswith("invitations/") else []:
                address = row.address.format(**world.places)
                for method in ("GET", "HEAD", "POST", "PUT"):
                    answer = ask(clients[person], method, row, address)
                    text = f"{dict(answer.items())} {answer.cookies.output()} {answer.told}"
                    told += [(method, address, word) for word in world.owner_words if word in text]
        assert told == []
        board = clients[person].get("/boards/small/").content.decode()
        assert "/methods/anonymous/" in board
        page = clients[person].get("/methods/anonymous/").content.decode()
        assert "by Anonymous" in page
        assert "Blurs. See [left out] or [left out]" in page
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_those_inside_and_maintainers_know_whose_it_is(
    world: World, clients: dict[str, Client]
) -> None:
    for person in ("owner", "mate", "staff"):
        for address in ("/submissions/{anonymous}/", "/methods/anonymous/"):
            page = clients[person].get(address.format(**world.places)).content.decode()
            assert "by Owlteam" in page
            assert "https://paper.example/owl" in page
