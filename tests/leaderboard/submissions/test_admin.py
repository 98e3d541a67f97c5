"""Maintainers' pages."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from leaderboard.submissions.models import Event, Job, Method, Score, Submission
from leaderboard.submissions.states import State
from tests.database import put


def test_every_list_and_page_opens(admin_client, hand_in, work_off) -> None:
    submission = hand_in()
    work_off()
    for model in (Submission, Job, Score, Event, Method):
        name = model._meta.model_name
        assert admin_client.get(reverse(f"admin:submissions_{name}_changelist")).status_code == 200
        row = model.objects.first()
        page = reverse(f"admin:submissions_{name}_change", args=[row.pk])
        assert admin_client.get(page).status_code == 200, name
    assert submission.pk


def test_every_model_of_ours_is_there() -> None:
    ours = {model for model in admin.site._registry if model.__module__.startswith("leaderboard")}
    assert {Submission, Job, Score, Event, Method} <= ours


def test_only_failed_submissions_are_queued_again_by_the_action(admin_client, hand_in) -> None:
    failed, queued = hand_in(), hand_in()
    put(failed, state=State.FAILED)
    url = reverse("admin:submissions_submission_changelist")
    chosen = {"action": "retry", "_selected_action": [str(failed.pk), str(queued.pk)]}
    page = admin_client.post(url, chosen, follow=True).content.decode()
    assert "only a failed submission can be queued again" in page
    failed.refresh_from_db()
    assert (failed.state, failed.attempt) == (State.QUEUED, 2)
    assert failed.events.last().actor.username == "admin"


def test_what_services_write_cannot_be_typed_in(admin_client, hand_in) -> None:
    hand_in()
    for model in (Submission, Job, Score, Event):
        url = reverse(f"admin:submissions_{model._meta.model_name}_add")
        assert admin_client.get(url).status_code == 403


@pytest.mark.django_db
def test_maintainers_sign_in_like_everybody(client) -> None:
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/")
