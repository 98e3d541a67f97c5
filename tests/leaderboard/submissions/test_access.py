"""Who may open which address: the whole table."""

from __future__ import annotations

import pytest

from leaderboard.accounts.models import User
from leaderboard.submissions.models import Submission
from leaderboard.submissions.states import State
from tests.database import put

LOGIN = 302
PEOPLE = ("nobody", "other", "owner", "staff")

# Status for: nobody signed in, another person, the owner, staff. 302 is the way to the sign-in page
# for GET, and back to the submission's page after a POST.
GET = {
    ("submit", "any"): (LOGIN, 200, 200, 200),
    ("mine", "any"): (LOGIN, 200, 200, 200),
    ("detail", "public scored"): (200, 200, 200, 200),
    ("detail", "public queued"): (404, 404, 200, 200),
    ("detail", "public rejected"): (404, 404, 200, 200),
    ("detail", "public withdrawn"): (404, 404, 200, 200),
    ("detail", "private scored"): (404, 404, 200, 200),
    ("progress", "public scored"): (200, 200, 200, 200),
    ("progress", "private scored"): (404, 404, 200, 200),
    ("progress", "public queued"): (404, 404, 200, 200),
    ("report", "public scored"): (200, 200, 200, 200),
    ("report", "private scored"): (404, 404, 200, 200),
    ("report", "public queued"): (404, 404, 404, 404),
    ("withdraw", "public queued"): (405, 405, 405, 405),
    ("choose", "public scored"): (405, 405, 405, 405),
    ("uploads", "any"): (405, 405, 405, 405),
    ("upload", "any"): (405, 405, 405, 405),
}
POST = {
    ("withdraw", "public queued"): (LOGIN, 404, 302, 404),
    ("withdraw", "private scored"): (LOGIN, 404, 302, 404),
    ("choose", "public scored"): (LOGIN, 404, 302, 404),
    ("detail", "public scored"): (405, 405, 405, 405),
    # Without the protocol's version; test_tus.py has the table of those that have it.
    ("uploads", "any"): (412, 412, 412, 412),
    ("upload", "any"): (405, 405, 405, 405),
}


@pytest.fixture
def submission(hand_in, work_off) -> Submission:
    submission = hand_in()
    work_off()
    return submission


@pytest.fixture
def people(owner: User) -> dict[str, User | None]:
    staff = User.objects.create_user("staff", is_staff=True)
    return {"nobody": None, "other": User.objects.create_user("other"), "owner": owner,
            "staff": staff}  # fmt: skip


def address(name: str, submission: Submission) -> str:
    fixed = {
        "submit": "/submit/small/",
        "uploads": "/submit/small/uploads/",
        "mine": "/submissions/",
    }
    ends = {"detail": "", "report": "report.json"}
    return fixed.get(name) or f"/submissions/{submission.pk}/{ends.get(name, name)}"


def test_every_row_of_the_table(submission: Submission, people, client_factory) -> None:
    wrong = []
    for method, table in (("get", GET), ("post", POST)):
        for (name, kind), expected in table.items():
            for person, status in zip(PEOPLE, expected, strict=True):
                _set(submission, kind)
                answer = getattr(client_factory(people[person]), method)(address(name, submission))
                if answer.status_code != status:
                    wrong.append((method, name, kind, person, status, answer.status_code))
                elif not people[person] and status == LOGIN:
                    assert answer.url.startswith("/accounts/login/")
    assert wrong == []


def test_problems_and_events_are_the_owners_matter(
    submission: Submission, people, client_factory
) -> None:
    url = address("detail", submission)
    assert "What happened" in client_factory(people["owner"]).get(url).content.decode()
    assert "What happened" in client_factory(people["staff"]).get(url).content.decode()
    assert "What happened" not in client_factory(None).get(url).content.decode()


def _set(submission: Submission, kind: str) -> None:
    if kind != "any":
        visibility, state = kind.split()
        put(submission, visibility=visibility, state=State(state), is_chosen=False)


@pytest.fixture
def client_factory():
    from django.test import Client

    def make(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return make
