"""From the upload to the scores, by the services that the worker calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboard.submissions.models import Job, Score, Submission
from leaderboard.submissions.results import report_json
from leaderboard.submissions.states import State
from scoring import score
from tests.leaderboard import support


@pytest.mark.parametrize("runs", [1, 3])
def test_an_archive_becomes_exactly_the_scores_of_the_command(
    runs: int, hand_in, work_off, tmp_path: Path
) -> None:
    submission = hand_in(support.members(runs=runs))
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.SCORED
    assert submission.n_maps == runs * 12
    archive = tmp_path / "maps.zip"
    archive.write_bytes(support.zipped(support.members(runs=runs)))
    assert report_json(submission) == score(tmp_path / "dataset", archive).dumps()


def test_a_run_and_category_is_a_job_and_all_scores_appear_together(hand_in, work_off) -> None:
    submission = hand_in(support.members(runs=2))
    work_off()
    jobs = submission.jobs.filter(kind=Job.Kind.SCORE)
    assert {(job.run, job.category) for job in jobs} == {
        (run, category) for run in ("run_0", "run_1") for category in support.CATEGORIES
    }
    assert submission.scores.count() == 4


def test_no_score_is_written_before_the_last_job(hand_in, version) -> None:
    from leaderboard.submissions.services.perform import perform

    submission = hand_in()
    perform(submission.jobs.get().pk, "test")
    first, second = submission.jobs.filter(kind=Job.Kind.SCORE)
    perform(first.pk, "test")
    submission.refresh_from_db()
    assert (submission.state, Score.objects.count()) == (State.SCORING, 0)
    perform(second.pk, "test")
    submission.refresh_from_db()
    assert (submission.state, Score.objects.count()) == (State.SCORED, 2)


def test_some_categories_only_have_no_overall_mean(hand_in, work_off) -> None:
    submission = hand_in(support.members(categories=["clip"]))
    work_off()
    submission.refresh_from_db()
    assert submission.categories == ["clip"]
    assert '"mean": null' in report_json(submission)


def test_the_form_goes_before_submission_json_and_blanks_are_filled(hand_in, work_off) -> None:
    told = b'{"backbone": "ResNet-18", "family": "density", "seed": 7, "paper_url": "javascript:1"}'
    files = support.members() | {"submission.json": told}
    submission = hand_in(files, metadata={"backbone": "WideResNet-50"})
    work_off()
    submission = Submission.objects.select_related("method").get(pk=submission.pk)
    assert submission.metadata == {"backbone": "WideResNet-50", "family": "density", "seed": "7"}
    assert submission.method.family == "density"
    assert submission.method.backbone == "WideResNet-50"


def test_validation_needs_no_ground_truth(hand_in, settings) -> None:
    from leaderboard.submissions.services.perform import perform

    submission = hand_in()
    root = settings.GROUND_TRUTH_ROOT
    root.rename(root.with_name("elsewhere"))
    del settings.GROUND_TRUTH_ROOT
    perform(submission.jobs.get().pk, "test")
    submission.refresh_from_db()
    assert submission.state == State.SCORING
