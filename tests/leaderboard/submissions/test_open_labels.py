"""A hidden board is opened: its scores become what they would have been with public labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from leaderboard.accounts.models import User
from leaderboard.datasets import ground_truth
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.models import DatasetVersion, Labels
from leaderboard.datasets.services.import_dataset import import_dataset
from leaderboard.submissions import hidden
from leaderboard.submissions.models import Event, Job, Score, Submission
from leaderboard.submissions.results import report_json
from leaderboard.submissions.services.drop_kept import drop_kept
from leaderboard.submissions.services.open_labels import OPENED, NotOpened, open_labels
from leaderboard.submissions.services.retry import retry_failed
from leaderboard.submissions.states import JobState, State
from scoring import SCORER_VERSION
from tests.leaderboard import support
from tests.leaderboard.submissions.test_hidden import hand, opaque


@pytest.fixture
def version(tmp_path: Path) -> DatasetVersion:
    folder = support.make_dataset(tmp_path / "dataset")
    return import_dataset(folder, Naming("small", "Small parts", "1"), labels="hidden")


@pytest.fixture
def twin(tmp_path: Path, version: DatasetVersion) -> DatasetVersion:
    """The same dataset, public from the beginning."""
    return import_dataset(tmp_path / "dataset", Naming("twin", "Twin", "1"))


def rows(submission: Submission) -> list[tuple[Any, ...]]:
    """All of a submission's scores, with the bytes of their arrays."""
    found = []
    for row in submission.scores.order_by("run", "category"):
        with row.arrays.open("rb") as file:
            content = file.read()
        found.append((row.run, row.category, row.report, row.intervals, content))
    return found


def test_scores_become_those_of_public_labels(
    owner: User, version: DatasetVersion, twin: DatasetVersion, work_off, client
) -> None:
    pairs = []
    for runs in (1, 2):
        files = support.members(runs=runs)
        one = hand(owner, version, opaque(version, files), f"Closed {runs}")
        pairs.append((one, hand(owner, twin, files, f"Open {runs}")))
    work_off()
    told: list[tuple[int, int]] = []
    assert open_labels(version, lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    for one, other in pairs:
        other.refresh_from_db()
        assert rows(one) == rows(other)
        assert report_json(Submission.objects.get(pk=one.pk)) == report_json(other)
        assert one.events.filter(kind=OPENED).count() == 1
    for entry, other_entry in zip(version.manifest.values(), twin.manifest.values()):
        assert entry == {**other_entry, "opaque_ids": True}
    for address in ("/boards/small/", "/boards/small/clip/?metric=pixel_ap", "/datasets/small/",
                    "/datasets/small/card.json", "/methods/closed-1/"):  # fmt: skip
        assert client.get(address).status_code == 200
    assert "missing" in client.get("/datasets/small/").content.decode()


def test_opened_twice_is_opened_once(
    owner: User, version: DatasetVersion, work_off, capsys
) -> None:
    one = hand(owner, version, opaque(version, support.members()), "Closed")
    work_off()
    call_command("open_labels", "small")
    before = list(Score.objects.values()), list(Event.objects.values())
    call_command("open_labels", "small")
    assert (list(Score.objects.values()), list(Event.objects.values())) == before
    assert "public already" in capsys.readouterr().out
    one.delete()
    assert drop_kept() == 1


def test_maps_go_on_being_named_by_opaque_ids(
    owner: User, version: DatasetVersion, work_off, client
) -> None:
    open_labels(version)
    version = DatasetVersion.objects.get(pk=version.pk)
    assert (version.labels, version.has_opaque_ids) == (Labels.PUBLIC, True)
    later = hand(owner, version, opaque(version, support.members()), "Later")
    work_off()
    later.refresh_from_db()
    assert later.state == State.SCORED
    assert {row.run for row in later.scores.all()} == {"run_0"}
    client.force_login(owner)
    assert "/test/0000.png" in client.get("/submit/small/").content.decode()
    assert "opened since" in client.get("/datasets/small/").content.decode()


def test_a_lost_result_is_named_and_nothing_changes_until_it_is_back(
    owner: User, version: DatasetVersion, work_off
) -> None:
    one = hand(owner, version, opaque(version, support.members()), "Closed")
    work_off()
    private = ground_truth.storage()
    name = f"small/1/results/{one.pk}/{SCORER_VERSION}/run_0/clip.json"
    with private.open(name) as file:
        kept = file.read()
    private.delete(name)
    before = list(Score.objects.values())
    with pytest.raises(CommandError, match=rf"{one.pk}, run_0/clip: .* is missing"):
        call_command("open_labels", "small")
    version.refresh_from_db()
    assert (list(Score.objects.values()), version.labels) == (before, Labels.HIDDEN)
    ground_truth.keep(name, kept)
    assert open_labels(version)
    assert len(rows(one)) == 2


def test_a_board_is_not_opened_while_something_is_scored(
    owner: User, version: DatasetVersion, work_off
) -> None:
    one = hand(owner, version, opaque(version, support.members()), "Closed")
    work_off_one(one)
    with pytest.raises(NotOpened, match=f"are being scored, such as {one.pk}"):
        open_labels(version)
    work_off()
    assert open_labels(version)


def work_off_one(submission: Submission) -> None:
    """Check the archive and score the first category only."""
    from leaderboard.submissions.services.perform import perform

    for _ in range(2):
        perform(submission.jobs.filter(state=JobState.QUEUED).earliest("pk").pk, "test")


def test_a_failed_submission_goes_on_with_what_was_kept_of_it(
    owner: User, version: DatasetVersion, work_off
) -> None:
    from leaderboard.submissions.jobs import fail, lock

    one = hand(owner, version, opaque(version, support.members()), "Closed")
    work_off_one(one)
    fail(lock(one.pk), "The disk was full.")
    assert open_labels(version)
    one.refresh_from_db()
    retry_failed(one.pk, owner)
    work_off()
    one.refresh_from_db()
    assert one.state == State.SCORED
    assert len(rows(one)) == 2
    assert all(job.result["report"] for job in one.jobs.filter(kind=Job.Kind.SCORE))


def test_an_unknown_board_is_said() -> None:
    with pytest.raises(CommandError, match="nowhere: there is no such board"):
        call_command("open_labels", "nowhere")


def test_what_is_kept_of_deleted_submissions_goes(
    owner: User, version: DatasetVersion, work_off
) -> None:
    files = opaque(version, support.members())
    gone, stays = hand(owner, version, files, "Gone"), hand(owner, version, files, "Stays")
    work_off()
    pk = str(gone.pk)
    assert set(hidden.kept_submissions(version)) == {pk, str(stays.pk)}
    gone.delete()
    assert drop_kept() == 1
    assert hidden.kept_submissions(version) == [str(stays.pk)]
    assert not Path(ground_truth.storage().path(f"small/1/results/{pk}")).exists()
    assert drop_kept() == 0
    assert hidden.kept_report(stays, "run_0", "clip", SCORER_VERSION)
