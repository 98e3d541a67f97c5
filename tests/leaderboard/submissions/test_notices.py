"""What people are told of their submissions: on the site and by mail, once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Now
from django.test import Client

from leaderboard.accounts.models import Membership, Role, Team, User
from leaderboard.submissions.jobs import fail, lock
from leaderboard.submissions.models import Notice, Submission, Visibility
from leaderboard.submissions.notices import notify
from leaderboard.submissions.results import results
from leaderboard.submissions.services import send_mails as service
from leaderboard.submissions.services.send_mails import send_mails, send_mails_aside
from leaderboard.submissions.states import State
from tests.leaderboard.submissions.test_at_once import at_once
from tests.mail_server import MailServer, mail_server


def failed(submission: Submission) -> Submission:
    with transaction.atomic():
        fail(lock(submission.pk), "The worker went silent.")
    submission.refresh_from_db()
    return submission


def use(server: MailServer, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port


def make_due() -> None:
    Notice.objects.filter(sent_at=None).update(send_at=Now() - Value(timedelta(seconds=1)))


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def test_a_scored_submission_is_told_once_with_the_pages_numbers(
    hand_in, work_off, mailoutbox, settings
) -> None:
    settings.SITE_URL = "https://board.example"
    submission = hand_in(method_name="Blur")
    work_off()
    assert (send_mails(), send_mails()) == (1, 0)
    (mail,) = mailoutbox
    assert mail.to == ["demo@example.org"]
    assert mail.subject.endswith("Blur is scored on Small parts")
    assert f"https://board.example/submissions/{submission.pk}/\n" in mail.body
    submission.refresh_from_db()
    auroc = results(submission).main.rows[0]
    for (label, _), cell in zip(results(submission).main.columns, auroc.cells, strict=True):
        assert re.search(rf"^  {label} +{cell.text}", mail.body, re.M)
    assert mail.message()["Message-ID"] == f"<notice-{Notice.objects.get().pk}@board.example>"


def test_a_rejected_one_lists_its_first_problems(hand_in, work_off, mailoutbox) -> None:
    hand_in({f"bracket/test/good/{number:04}.txt": b"x" for number in range(12)})
    work_off()
    send_mails()
    (mail,) = mailoutbox
    submission = Submission.objects.get()
    for problem in submission.problems[:10]:
        assert f"- {problem}\n" in mail.body
    assert f"- ... and {submission.problem_count - 10} more\n" in mail.body
    assert "does not count against your quota" in mail.body


def test_a_failed_one_says_whose_fault_it_is(hand_in, mailoutbox) -> None:
    failed(hand_in(b"archive"))
    send_mails()
    assert "our fault" in mailoutbox[0].subject
    assert "The worker went silent." in mailoutbox[0].body


def test_a_transition_is_told_once_however_often_it_is_asked_for(hand_in, mailoutbox) -> None:
    submission = failed(hand_in(b"archive"))
    notify(submission)
    assert Notice.objects.count() == 1
    assert sorted(at_once(send_mails, send_mails, send_mails)) == [0, 0, 1]
    assert len(mailoutbox) == 1


def test_all_of_a_team_have_a_notice_and_who_handed_it_in_a_mail(
    hand_in, owner, mailoutbox
) -> None:
    team = Team.objects.create(name="Two", slug="two")
    mate = User.objects.create_user("mate", "mate@example.org")
    for person in (owner, mate):
        Membership.objects.create(team=team, user=person, role=Role.MEMBER)
    failed(hand_in(b"archive", team=team))
    assert {notice.user for notice in Notice.objects.all()} == {owner, mate}
    send_mails()
    assert [mail.to for mail in mailoutbox] == [["demo@example.org"]]


def test_who_wants_no_mail_has_the_notice_only(hand_in, client, owner, mailoutbox) -> None:
    waiting = failed(hand_in(b"archive"))
    client.post("/notices/mail", {})
    owner.refresh_from_db()
    assert not owner.wants_mail
    assert send_mails() == 0, "not even one that waited already"
    failed(hand_in(b"another"))
    assert send_mails() == 0
    assert Notice.objects.filter(send_at=None).count() == 2
    client.post("/notices/mail", {"wants_mail": "on"})
    assert waiting.owner.wants_mail
    assert not mailoutbox


def test_what_changed_since_is_not_told(hand_in, owner, mailoutbox) -> None:
    from leaderboard.submissions.services.withdraw import withdraw

    withdraw(failed(hand_in(b"archive")).pk, owner)
    assert send_mails() == 0
    assert not mailoutbox


def test_a_dead_mail_server_loses_nothing(hand_in, work_off, settings) -> None:
    with mail_server() as server:
        use(server, settings)
    submissions = [hand_in(), hand_in()]
    work_off()
    assert send_mails() == 0
    assert [s.state for s in Submission.objects.all()] == [State.SCORED] * 2
    assert sorted(Notice.objects.values_list("sends", flat=True)) == [0, 1], "one try a round"
    assert "ConnectionRefusedError" in Notice.objects.get(sends=1).mail_error
    with mail_server() as server:
        use(server, settings)
        make_due()
        assert send_mails() == 2
    assert len({mail["Message-ID"] for mail in server.mails}) == len(submissions)


def test_an_address_that_is_refused_is_not_tried_for_ever(hand_in, owner, settings) -> None:
    owner.email = "nobody@example.org"
    owner.save()
    failed(hand_in(b"archive"))
    with mail_server() as server:
        use(server, settings)
        assert send_mails() == 0
    notice = Notice.objects.get()
    assert (notice.send_at, notice.sent_at) == (None, None)
    assert "no such address" in notice.mail_error


def test_a_server_that_hangs_keeps_nobody_from_work(hand_in, work_off, settings) -> None:
    settings.EMAIL_TIMEOUT = 60
    failed(hand_in(b"archive"))
    with mail_server(mute=True) as server:
        use(server, settings)
        thread = send_mails_aside()
        assert thread is not None
        submission = hand_in()
        work_off()
        submission.refresh_from_db()
        assert submission.state == State.SCORED
        assert thread.is_alive()
        assert send_mails_aside() is None, "one at a time"
        server.released.set()
        thread.join(60)
    assert not service._busy.locked()
    assert Notice.objects.get(kind=State.FAILED).sent_at is None


def test_a_notice_is_counted_opened_and_read(client, hand_in) -> None:
    submission = failed(hand_in(b"archive", visibility=Visibility.PRIVATE))
    assert '<span class="count">1<' in client.get("/docs/").content.decode()
    page = client.get("/notices/").content.decode()
    assert "failed, which is our fault" in page
    answer = client.get(f"/notices/{Notice.objects.get().pk}/")
    assert answer.url == f"/submissions/{submission.pk}/"
    assert 'class="count"' not in client.get("/docs/").content.decode()
    failed(hand_in(b"another"))
    client.post("/notices/read")
    assert not Notice.objects.filter(read_at=None).exists()


def test_somebody_elses_notice_is_not_there(hand_in) -> None:
    failed(hand_in(b"archive"))
    other = Client()
    other.force_login(User.objects.create_user("other"))
    assert other.get(f"/notices/{Notice.objects.get().pk}/").status_code == 404
    other.post("/notices/read")
    assert Notice.objects.filter(read_at=None).exists()
