"""Signing up, in and out, and what browsers are told to guard."""

from __future__ import annotations

import re

import pytest
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
