"""Readiness: which part of what the site needs cannot be reached, and nothing else."""

from __future__ import annotations

import threading

import pytest
from django.core.files.storage import storages

from leaderboard.celery import app
from leaderboard.site import views
from leaderboard.site.readiness import CHECKS, Readiness

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of another test is kept."""
    monkeypatch.setattr(views, "readiness", Readiness(keep_seconds=0))


def test_a_site_that_reaches_everything_is_ready(client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content.decode().splitlines()) == (
        200,
        [f"{name}: ok" for name in CHECKS],
    )
    assert "max-age=0" in answer["Cache-Control"]


def test_a_broker_that_is_down_is_told_without_its_address(client, monkeypatch, caplog) -> None:
    monkeypatch.setitem(app.conf, "broker_url", "redis://:secret@127.0.0.1:9/0")
    monkeypatch.setitem(app.conf, "broker_write_url", "redis://:secret@127.0.0.1:9/0")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    lines = answer.content.decode().splitlines()
    assert [line for line in lines if not line.endswith(": ok")] == ["broker: not reached"]
    assert "secret" not in caplog.text + answer.content.decode()


def test_a_storage_whose_keys_are_wrong_is_told(client, object_store, settings) -> None:
    bucket = object_store.bucket("submissions")
    settings.STORAGES = settings.STORAGES | {
        "submissions": bucket.storage(secret_key="wrong"),
        "results": bucket.storage(),
    }
    assert storages["results"].bucket_name == bucket.name
    answer = client.get("/readyz")
    assert answer.status_code == 503
    lines = answer.content.decode().splitlines()
    assert [line for line in lines if not line.endswith(": ok")] == [
        "storage submissions: not reached"
    ]


def test_what_does_not_answer_in_time_is_not_waited_for() -> None:
    released = threading.Event()
    slow = Readiness(checks={"slow": released.wait, "quick": lambda: None}, patience=0.2)
    assert slow.ask() == {"slow": False, "quick": True}
    released.set()


def test_many_who_ask_at_once_cost_one_look() -> None:
    looks: list[int] = []
    one = Readiness(checks={"part": lambda: looks.append(1)}, keep_seconds=3600)
    threads = [threading.Thread(target=one.ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert looks == [1]
