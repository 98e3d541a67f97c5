"""What a score was made from: kept in a file beside it, and gone with the submission."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.db import OperationalError, transaction

from leaderboard.submissions import arrays
from leaderboard.submissions.models import Job, Score
from leaderboard.submissions.services import perform as services
from leaderboard.submissions.services.claim import claim
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.sweep import end_lost_leases
from scoring import score
from scoring.image_level import auroc, threshold_counts
from tests.leaderboard import support
from tests.leaderboard.submissions.times import lose_lease


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "results").rglob("*") if path.is_file()]


@pytest.mark.parametrize("runs", [1, 2])
def test_curves_and_image_scores_are_those_of_the_command(
    runs: int, hand_in, work_off, tmp_path: Path
) -> None:
    members = support.members(runs=runs)
    hand_in(members)
    work_off()
    archive = tmp_path / "maps.zip"
    archive.write_bytes(support.zipped(members))
    report = score(tmp_path / "dataset", archive)
    assert Score.objects.count() == runs * len(support.CATEGORIES)
    for row in Score.objects.all():
        expected, found = report.results[row.run][row.category], arrays.read(row)
        assert row.arrays.name.startswith(f"{row.submission_id}/{row.run}/{row.category}-")
        for name, curve in expected.curves.items():
            np.testing.assert_array_equal(found[name], curve)
        kept = dict(zip(found["image_keys"].tolist(), found["image_scores"].tolist(), strict=True))
        assert kept == expected.scores


def test_a_single_run_has_intervals_around_its_figures(hand_in, work_off) -> None:
    hand_in()
    hand_in(support.members(runs=2))
    work_off()
    single = Score.objects.filter(submission__runs=["run_0"])
    assert single.count() == 2
    for row in single:
        assert set(row.intervals) == {"image_auroc", "image_ap"}
        for key, (low, high) in row.intervals.items():
            assert 0 <= low <= row.report[key] <= high <= 1
    several = Score.objects.exclude(submission__runs=["run_0"])
    assert [row.intervals for row in several] == [{}] * 4


def test_later_figures_need_no_second_scoring(hand_in, work_off) -> None:
    hand_in(support.members(categories=["clip"]))
    work_off()
    row = Score.objects.get()
    found = arrays.read(row)
    is_good = np.char.startswith(found["image_keys"], "good/")
    good, anomalous = found["image_scores"][is_good], found["image_scores"][~is_good]
    assert auroc(threshold_counts(good, anomalous)) == row.report["image_auroc"]


def test_a_worker_that_lost_its_job_leaves_no_file(hand_in, tmp_path: Path, monkeypatch) -> None:
    submission = hand_in(support.members(categories=["clip"]))
    perform(submission.jobs.get().pk, "test")
    job = submission.jobs.get(kind=Job.Kind.SCORE)
    written = arrays.write

    def taken_meanwhile(job: Job, result) -> str:
        name = written(job, result)
        Job.objects.filter(pk=job.pk).update(lease_token=None, lease_until=None, state="queued")
        return name

    monkeypatch.setattr(arrays, "write", taken_meanwhile)
    perform(job.pk, "slow")
    assert files(tmp_path) == []


def test_an_attempt_never_writes_over_anothers_file(hand_in, tmp_path: Path) -> None:
    from scoring import CategoryResult

    submission = hand_in(support.members(categories=["clip"]))
    perform(submission.jobs.get().pk, "test")
    job = submission.jobs.get(kind=Job.Kind.SCORE)
    first = claim(job.pk, "one")
    lose_lease(first)
    end_lost_leases()
    second = claim(job.pk, "two")
    result = CategoryResult({}, {}, {"good/0000": 0.5})
    assert arrays.write(first, result) != arrays.write(second, result)
    assert len(files(tmp_path)) == 2


def test_what_a_dead_attempt_stored_goes_when_the_next_one_records(
    hand_in, work_off, tmp_path: Path
) -> None:
    from scoring import CategoryResult

    submission = hand_in(support.members(categories=["clip"]))
    perform(submission.jobs.get().pk, "test")
    dead = claim(submission.jobs.get(kind=Job.Kind.SCORE).pk, "dies")
    stray = arrays.write(dead, CategoryResult({}, {}, {"good/0000": 0.5}))
    lose_lease(dead)
    end_lost_leases()
    work_off()
    row = Score.objects.get()
    assert [path.name for path in files(tmp_path)] == [Path(row.arrays.name).name]
    assert row.arrays.name != stray


def test_a_cut_connection_takes_no_file_that_a_row_may_name(
    hand_in, work_off, tmp_path: Path, monkeypatch, settings
) -> None:
    """The answer to a commit is lost: the row is there, and the worker cannot know."""
    settings.JOB_BACKOFF_SECONDS = 0
    submission = hand_in(support.members(categories=["clip"]))
    perform(submission.jobs.get().pk, "test")
    recorded = services.finish_score

    def cut_off(job: Job, scored) -> None:
        recorded(job, scored)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(services, "finish_score", cut_off)
    work_off()
    submission.refresh_from_db()
    assert submission.state == "scored"
    assert arrays.read(Score.objects.get())


def test_all_files_go_with_the_submission(hand_in, work_off, tmp_path: Path) -> None:
    submission = hand_in()
    work_off()
    submission.refresh_from_db()
    archive = submission.archive_file
    assert archive.exists()
    assert len(files(tmp_path)) == 2
    with transaction.atomic():
        submission.delete()
        assert archive.exists()
    assert not archive.exists()
    assert list((tmp_path / "results").iterdir()) == []
