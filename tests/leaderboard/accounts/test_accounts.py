"""Signing up, in and out, and what browsers are told to guard."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache

from leaderboard.accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def person() -> User:
    cache.clear()
    return User.objects.create_user("ada", "ada@example.org", PASSWORD)


def sign_up(client, **changed: str):
    fields = {
        "username": "ada",
        "email": "ada@example.org",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    return client.post("/accounts/signup/", fields | changed)


def test_a_person_signs_up_and_is_in(client) -> None:
    cache.clear()
    answer = sign_up(client)
    assert (answer.status_code, answer.url) == (302, "/submissions/")
    assert client.get("/submissions/").status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"email": ""}, "required"),
        ({"email": "nobody"}, "valid email"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
        ({"password2": "something else"}, "same password"),
    ],
)
def test_what_is_wrong_with_a_sign_up_is_said(changed, error: str, client) -> None:
    cache.clear()
    answer = sign_up(client, **changed)
    assert answer.status_code == 200
    assert error in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org"])
def test_sign_in_by_name_or_address(login: str, client, person: User) -> None:
    answer = client.post("/accounts/login/", {"login": login, "password": PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/submissions/")


def test_guessing_passwords_is_slowed_down(client, person: User) -> None:
    guesses = [
        client.post("/accounts/login/", {"login": "ada", "password": f"guess {number}"})
        for number in range(12)
    ]
    assert "Too many failed" in guesses[-1].content.decode()
    answer = client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert answer.status_code != 302


def test_sign_out_needs_a_button(client, person: User) -> None:
    client.force_login(person)
    assert client.get("/accounts/logout/").status_code == 200
    assert client.get("/submissions/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/submissions/").status_code == 302


@pytest.mark.parametrize(
    "url", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/docs/"]
)
def test_pages_forbid_inline_code_and_hold_none(url: str, client) -> None:
    answer = client.get(url)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


def test_answers_carry_the_guarding_headers(client) -> None:
    answer = client.get("/accounts/login/")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_signing_up_in_masses_is_slowed_down(client) -> None:
    cache.clear()
    answers = [sign_up(client, username="x") for _ in range(25)]
    assert answers[-1].status_code == 429
    assert "Too many requests" in answers[-1].content.decode()


def test_signing_in_is_said_in_one_sentence(client, person: User) -> None:
    answer = client.post("/accounts/login/", {"login": "ada", "password": PASSWORD}, follow=True)
    assert '<li class="success">Signed in as ada.</li>' in answer.content.decode()


def test_the_reset_mail_names_the_site_and_its_link_works(
    client, person: User, mailoutbox, settings
) -> None:
    settings.SITE_NAME = "Board of tests"
    client.post("/accounts/password/reset/", {"email": "ada@example.org"})
    (mail,) = mailoutbox
    assert mail.subject == "[AutoVI board] Choose a new password"
    assert "asked Board of tests for a new password for ada" in mail.body
    assert mail.body.rstrip().endswith("Board of tests\nhttp://testserver/")
    assert "example.com" not in mail.body
    link = re.search(r"http://testserver(/\S+key/\S+)", mail.body)
    assert link
    form = client.get(link[1], follow=True)
    assert "Choose a new password" in form.content.decode()
    new = {"password1": "staple battery", "password2": "staple battery"}
    client.post(form.redirect_chain[-1][0], new)
    assert client.login(username="ada", password="staple battery")


def test_an_unknown_address_gets_a_mail_in_the_sites_name(client, mailoutbox) -> None:
    cache.clear()
    client.post("/accounts/password/reset/", {"email": "nobody@example.org"})
    assert mailoutbox[0].subject == "[AutoVI board] No account with this address"
    assert "http://testserver/accounts/signup/" in mailoutbox[0].body


@pytest.mark.parametrize(
    ("backend", "said"), [("filebased", True), ("smtp", False), ("locmem", False)]
)
def test_a_server_that_only_writes_mail_to_files_says_so(
    backend: str, said: bool, client, settings
) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    page = client.get("/accounts/password/reset/done/").content.decode()
    assert ("<code>var/mail</code>" in page) is said
    assert "ontact us" not in page


@pytest.mark.parametrize("verification", ["none", "mandatory"])
def test_an_address_is_unconfirmed_only_where_addresses_are_confirmed(
    verification: str, client, person: User, settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    EmailAddress.objects.create(user=person, email=person.email, primary=True)
    client.force_login(person)
    page = client.get("/accounts/email/").content.decode()
    assert person.email in page
    assert ("not confirmed" in page) is (verification == "mandatory")
    assert ("Send the confirmation again" in page) is (verification == "mandatory")


def test_an_address_is_added_made_primary_and_removed(client, person: User) -> None:
    cache.clear()
    EmailAddress.objects.create(user=person, email=person.email, primary=True)
    client.force_login(person)
    other = {"email": "other@example.org"}
    added = client.post("/accounts/email/", other | {"action_add": ""}, follow=True)
    assert "Added other@example.org." in added.content.decode()
    client.post("/accounts/email/", other | {"action_primary": ""})
    assert EmailAddress.objects.get(primary=True).email == "other@example.org"
    client.post("/accounts/email/", {"email": person.email, "action_remove": ""})
    assert EmailAddress.objects.count() == 1


PUBLIC = ("login", "signup", "password/reset", "password/reset/done", "confirm-email", "inactive")
OWN = ("email", "password/change", "logout", "reauthenticate")


@pytest.mark.parametrize("name", [*PUBLIC, *OWN])
def test_account_pages_speak_in_sentences(name: str, client, person: User) -> None:
    if name in OWN:
        client.force_login(person)
    page = client.get(f"/accounts/{name}/").content.decode()
    words = re.findall(r"<h[12][^>]*>([^<]+)<|<label[^>]*>([^<]+)<|<button[^>]*>([^<]+)<", page)
    words += re.findall(r'()()placeholder="([^"]+)"', page)
    found = {text.strip() for texts in words for text in texts if text.strip()}
    assert found
    assert [text for text in found if re.search(r" [A-Z]", text)] == []
    assert "e-mail" not in page.lower()
