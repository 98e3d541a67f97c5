"""What scoring again changes: old and new numbers, differences and ranks."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from leaderboard.boards.differences import Change, differences
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Rescoring, Submission, Visibility

METRIC = "image_auroc"


@pytest.fixture
def rescoring(samples: DatasetVersion) -> Rescoring:
    samples.scorer_version = "1.0.0"
    samples.save()
    return Rescoring.objects.create(
        dataset_version=samples, replaced="1.0.0", scorer_version="1.1.0"
    )


def score_again(submission: Submission, value: float) -> None:
    for old in submission.scores.filter(scorer_version="1.0.0"):
        report = old.report | {METRIC: value}
        if submission.dataset_version.is_hidden:
            report = old.report | {METRIC: {"mean": value, "std": None, "n": 1}}
        submission.scores.create(
            run=old.run, category=old.category, scorer_version="1.1.0", report=report
        )


Submit = Callable[..., Submission]


def test_each_row_has_its_old_and_new_numbers_and_ranks(
    samples: DatasetVersion, submit: Submit, rescoring: Rescoring
) -> None:
    rises = submit(samples, "Rises", {"pipe_clip": [0.5], "tank_screw": [0.5]})
    stays = submit(samples, "Stays", {"pipe_clip": [0.6], "tank_screw": [0.6]})
    score_again(rises, 0.7)
    score_again(stays, 0.6)
    first, second = differences(rescoring, METRIC).rows
    assert (first.name, first.ranks) == ("Rises", Change("2", "1", "+1", "places up"))
    assert first.cells[0] == Change("50.0", "70.0", "+20.0", "0.5, then 0.7")
    assert (second.name, second.ranks.difference) == ("Stays", "\N{MINUS SIGN}1")
    assert {cell.difference for cell in second.cells} == {""}
    assert differences(rescoring, METRIC).n_changed == 2


def test_what_has_no_new_score_yet_stands_with_its_old_one(
    samples: DatasetVersion, submit: Submit, rescoring: Rescoring
) -> None:
    submit(samples, "Waits", {"pipe_clip": [0.5], "tank_screw": [0.5]})
    (row,) = differences(rescoring, METRIC).rows
    assert row.ranks == Change("1", "\N{EN DASH}", "")
    assert row.cells[0] == Change("50.0", "\N{EN DASH}", "")


def test_private_submissions_are_on_no_side(
    samples: DatasetVersion, submit: Submit, rescoring: Rescoring
) -> None:
    values = {"pipe_clip": [0.5], "tank_screw": [0.5]}
    score_again(submit(samples, "Mine", values, visibility=Visibility.PRIVATE), 0.7)
    assert differences(rescoring, METRIC).rows == ()


def test_hidden_labels_leave_rounded_numbers_only(
    samples: DatasetVersion, submit: Submit, rescoring: Rescoring, client: Client
) -> None:
    samples.labels = "hidden"
    samples.save()
    values = {"pipe_clip": [0.51234], "tank_screw": [0.51234]}
    score_again(submit(samples, "Closed", values), 0.517)
    Rescoring.objects.update(state="switched", finished=rescoring.created)
    html = client.get(f"/boards/samples/rescorings/{rescoring.pk}/?metric={METRIC}")
    told = html.content.decode()
    assert re.findall(r"\d\.\d{2,}", told.partition("<table")[2].partition("</table")[0]) == []
    assert "51.2 <b>+0.5</b>" in told
    page = f"/boards/samples/rescorings/{rescoring.pk}/?metric=pixel_auroc"
    assert client.get(page).status_code == 404


def test_everybody_sees_it_once_the_board_changed_over(
    samples: DatasetVersion, submit: Submit, rescoring: Rescoring, client: Client, admin_client
) -> None:
    score_again(submit(samples, "Rises", {"pipe_clip": [0.5], "tank_screw": [0.5]}), 0.7)
    address = f"/boards/samples/rescorings/{rescoring.pk}/?metric={METRIC}"
    assert client.get(address).status_code == 404
    assert "50.0 <b>+20.0</b>" in admin_client.get(address).content.decode()
    Rescoring.objects.update(state="switched", finished=rescoring.created)
    assert client.get(address).status_code == 200
