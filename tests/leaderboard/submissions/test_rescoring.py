"""All of a board is scored again: the board is whole at every moment, and of one scorer only."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from leaderboard.boards.entries import board_entries
from leaderboard.scorer import scorer_version
from leaderboard.submissions.jobs import LeaseLost
from leaderboard.submissions.models import Job, Rescoring, Score, Submission
from leaderboard.submissions.results import assembled
from leaderboard.submissions.services import rescore
from leaderboard.submissions.services.claim import claim, claim_next
from leaderboard.submissions.services.finalise import Scored, finish_score
from leaderboard.submissions.services.perform import perform, perform_next
from leaderboard.submissions.services.rescore import RescoringRefused, progress, start
from leaderboard.submissions.services.sweep import end_lost_leases, sweep
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import JobState, State
from leaderboard.submissions.turns import next_job
from tests.leaderboard import support
from tests.leaderboard.submissions.times import lose_lease

OLD, NEW = "1.0.0", "1.0.0+2"
KINDS = [Job.Kind.SCORE, Job.Kind.RESCORE]


@pytest.fixture
def scored(hand_in, work_off, version) -> list[Submission]:
    """Two scored submissions of one category, one of them private."""
    submissions = [
        hand_in(support.members(seed=seed, categories=["clip"]), visibility=visibility)
        for seed, visibility in ((1, "public"), (2, "private"))
    ]
    work_off()
    for submission in submissions:
        submission.refresh_from_db()
        assert submission.state == State.SCORED
    version.refresh_from_db()
    assert version.scorer_version == OLD
    return submissions


@pytest.fixture
def new_scorer(settings) -> None:
    settings.SCORER_BUILD = "2"
    assert scorer_version() == NEW


def rescore_all() -> None:
    """Do jobs as a worker does, as long as there is one."""
    while next_job([Job.Kind.RESCORE]) is not None:
        perform_next(KINDS, "test")


def shown(version) -> list[str]:
    """The scorer versions of the board's rows."""
    version.refresh_from_db()
    return [entry.scorer_version for entry in board_entries(version)]


def test_the_board_shows_the_old_scores_until_it_changes_over_at_once(
    scored, new_scorer, version, owner
) -> None:
    rescoring = start(version, owner)
    assert (rescoring.replaced, rescoring.scorer_version) == (OLD, NEW)
    for step in range(3):
        assert shown(version) == [OLD], step
        perform_next(KINDS, "test")
    assert progress(rescoring).is_complete
    assert shown(version) == [OLD]
    rescore.switch(rescoring.pk, owner)
    assert shown(version) == [NEW]
    for submission in scored:
        submission.refresh_from_db()
        assert submission.state == State.SCORED
        assert {score.scorer_version for score in submission.scores.all()} == {OLD, NEW}
        kinds = list(submission.events.values_list("kind", flat=True))
        assert kinds[-2:] == ["rescored", "switched"]


def test_old_rows_and_their_reports_stay_as_they_were(scored, new_scorer, version, owner) -> None:
    before = list(Score.objects.values().order_by("id"))
    rescoring = start(version, owner)
    rescore_all()
    rescore.switch(rescoring.pk)
    assert list(Score.objects.filter(scorer_version=OLD).values().order_by("id")) == before
    new = Score.objects.filter(scorer_version=NEW).order_by("id")
    assert [score.report for score in new] == [row["report"] for row in before]
    assert not {score.arrays.name for score in new} & {row["arrays"] for row in before}


def test_the_board_is_not_changed_over_before_all_is_scored(
    scored, new_scorer, version, owner
) -> None:
    rescoring = start(version, owner)
    perform_next(KINDS, "test")
    with pytest.raises(RescoringRefused, match="1 of its submissions"):
        rescore.switch(rescoring.pk)
    assert shown(version) == [OLD]


def test_it_changes_over_by_itself_where_that_was_asked_for(
    scored, new_scorer, version, owner
) -> None:
    rescoring = start(version, owner, switch_when_done=True)
    sweep()
    assert shown(version) == [OLD]
    rescore_all()
    sweep()
    rescoring.refresh_from_db()
    assert rescoring.state == Rescoring.State.SWITCHED
    assert shown(version) == [NEW]


def test_what_is_scored_by_an_old_worker_meanwhile_is_scored_again_too(
    scored, new_scorer, version, owner, hand_in, work_off, settings
) -> None:
    version.submissions_per_day = 10
    version.save()
    rescoring = start(version, owner)
    settings.SCORER_BUILD = ""
    late = hand_in(support.members(seed=3, categories=["clip"]))
    while job := Job.objects.filter(state=JobState.QUEUED).exclude(kind=Job.Kind.RESCORE).first():
        perform(job.pk, "old")
    assert shown(version) == [OLD, OLD]
    settings.SCORER_BUILD = "2"
    sweep()
    rescore_all()
    rescore.switch(rescoring.pk)
    assert shown(version) == [NEW, NEW]
    assert late.scores.count() == 2


def test_what_the_new_scorer_scores_first_stands_once_the_board_changes_over(
    scored, new_scorer, version, owner, hand_in, work_off, client
) -> None:
    version.submissions_per_day = 10
    version.save()
    again = hand_in(support.members(seed=3, categories=["clip"]), method=scored[0].method)
    work_off()
    # The method's row stays that of its older submission: it never vanishes.
    (entry,) = board_entries(version)
    assert (entry.submission, entry.scorer_version) == (str(scored[0].pk), OLD)
    again.refresh_from_db()
    assert assembled(again)["scorer_version"] == NEW
    page = client.get(f"/submissions/{again.pk}/").content.decode()
    assert "of scorer 1.0.0+2, and the board shows scorer 1.0.0" in page
    rescoring = start(version, owner)
    rescore_all()
    rescore.switch(rescoring.pk)
    page = client.get(f"/submissions/{scored[0].pk}/").content.decode()
    assert f"/boards/small/rescorings/{rescoring.pk}/" in page
    version.refresh_from_db()
    (entry,) = board_entries(version)
    assert (entry.submission, entry.scorer_version) == (str(again.pk), NEW)


def test_workers_of_another_version_leave_it_alone(scored, new_scorer, version, owner, settings):
    start(version, owner)
    settings.SCORER_BUILD = "3"
    assert claim_next(KINDS, "other") is None
    assert claim(Job.objects.filter(kind=Job.Kind.RESCORE).first().pk, "other") is None
    settings.SCORER_BUILD = "2"
    assert claim_next(KINDS, "right") is not None


def test_people_go_first(scored, new_scorer, version, owner, hand_in) -> None:
    version.submissions_per_day = 10
    version.save()
    start(version, owner)
    submission = hand_in(support.members(seed=3, categories=["clip"]))
    perform(submission.jobs.get().pk, "test")
    assert [claim_next(KINDS, "test").kind for _ in range(2)] == ["score", "rescore"]


def test_a_pause_lets_nothing_begin(scored, new_scorer, version, owner) -> None:
    rescoring = start(version, owner)
    running = claim_next(KINDS, "test")
    rescore.pause(rescoring.pk)
    assert claim_next(KINDS, "test") is None
    finish_score(running, Scored({"image_auroc": 0.5}))
    rescore.resume(rescoring.pk)
    assert claim_next(KINDS, "test") is not None
    with pytest.raises(RescoringRefused, match="expected paused"):
        rescore.resume(rescoring.pk)


def test_cancelled_it_changes_nothing_and_can_be_begun_again(
    scored, new_scorer, version, owner
) -> None:
    rescoring = start(version, owner)
    with pytest.raises(RescoringRefused, match="another re-scoring"):
        start(version, owner)
    held = claim_next(KINDS, "test")
    rescore.cancel(rescoring.pk)
    with pytest.raises(LeaseLost):
        finish_score(held, Scored({"image_auroc": 0.5}))
    assert shown(version) == [OLD]
    again = start(version, owner)
    rescore_all()
    rescore.switch(again.pk)
    assert shown(version) == [NEW]


def test_a_failure_moves_no_submission_and_can_be_tried_again(
    scored, new_scorer, version, owner, settings
) -> None:
    settings.JOB_BACKOFF_SECONDS = 0
    place = settings.GROUND_TRUTH_ROOT
    settings.GROUND_TRUTH_ROOT = place / "not-there"
    rescoring = start(version, owner)
    rescore_all()
    settings.GROUND_TRUTH_ROOT = place
    assert {job.attempt for job in rescore.failures(rescoring)} == {settings.JOB_MAX_ATTEMPTS}
    assert progress(rescoring).failed == 2
    assert {one.state for one in Submission.objects.all()} == {State.SCORED}
    with pytest.raises(RescoringRefused):
        rescore.switch(rescoring.pk)
    assert rescore.retry_failures(rescoring.pk) == 2
    rescore_all()
    assert progress(rescoring).is_complete


def test_what_cannot_be_scored_again_can_be_left_out(
    scored, new_scorer, version, owner, settings
) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    rescoring = start(version, owner)
    first = rescoring.jobs.filter(submission=scored[0])
    lose_lease(claim(first.get().pk, "dies"))
    end_lost_leases()
    assert "went silent" in rescore.failures(rescoring).get().error
    rescore_all()
    with pytest.raises(RescoringRefused):
        rescore.switch(rescoring.pk)
    done = rescore.switch(rescoring.pk, leave_out_failed=True)
    assert (done.state, done.left_out) == (Rescoring.State.SWITCHED, 1)
    assert shown(version) == []
    assert assembled(scored[0])["scorer_version"] == OLD
    # A later re-scoring by the same scorer takes up what was left out.
    rescoring = start(version, owner)
    rescore_all()
    rescore.switch(rescoring.pk)
    assert shown(version) == [NEW]


def test_what_is_withdrawn_or_deleted_meanwhile_holds_nothing_up(
    scored, new_scorer, version, owner
) -> None:
    rescoring = start(version, owner)
    running = claim(rescoring.jobs.filter(submission=scored[0]).get().pk, "test")
    withdraw(scored[0].pk, owner)
    scored[1].delete()
    with pytest.raises(LeaseLost):
        finish_score(running, Scored({"image_auroc": 0.5}))
    assert progress(rescoring).is_complete
    rescore.switch(rescoring.pk)


def test_a_submission_never_mixes_scorers(hand_in, settings) -> None:
    submission = hand_in()
    perform(submission.jobs.get().pk, "test")
    first, second = submission.jobs.filter(kind=Job.Kind.SCORE)
    perform(first.pk, "old")
    settings.SCORER_BUILD = "2"
    perform(second.pk, "new")
    submission.refresh_from_db()
    assert (submission.state, submission.scores.count()) == (State.SCORING, 0)
    first.refresh_from_db()
    assert (first.state, first.attempt) == (JobState.QUEUED, 0)
    perform(first.pk, "new")
    submission.refresh_from_db()
    assert submission.state == State.SCORED
    assert {score.scorer_version for score in submission.scores.all()} == {NEW}


def test_the_command_says_what_there_is_to_do_and_begins_it(
    scored, new_scorer, version, capsys
) -> None:
    call_command("rescore", dataset="small", dry_run=True)
    told = capsys.readouterr().out
    assert "shows scorer 1.0.0; 2 of its submissions have no scores of 1.0.0+2" in told
    assert "2 jobs" in told
    assert not Rescoring.objects.exists()
    call_command("rescore", dataset="small", switch_when_done=True)
    rescoring = Rescoring.objects.get()
    assert (rescoring.jobs.count(), rescoring.switch_when_done) == (2, True)
    with pytest.raises(CommandError, match="not over yet"):
        call_command("rescore", dataset="small")
    with pytest.raises(CommandError, match="there is no version of it"):
        call_command("rescore", dataset="unknown")


def test_maintainers_see_how_far_it_is_and_act(
    scored, new_scorer, version, admin_client, owner, client
) -> None:
    version_page = "/admin/datasets/datasetversion/"
    chosen = {"action": "score_again", "_selected_action": [str(version.pk)]}
    answer = admin_client.post(version_page, chosen)
    rescoring = Rescoring.objects.get()
    assert answer["Location"] == f"/rescorings/{rescoring.pk}/"
    page = admin_client.get(answer["Location"]).content.decode()
    assert "0 of 2" in page
    assert "Pause" in page
    part = admin_client.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<div id="rescoring"')
    for action in ("pause", "resume"):
        answer = admin_client.post(f"/rescorings/{rescoring.pk}/{action}", follow=True)
        assert answer.status_code == 200
    rescore_all()
    page = admin_client.get(f"/rescorings/{rescoring.pk}/").content.decode()
    assert "Show scorer 1.0.0+2 on the board" in page
    assert admin_client.post(f"/rescorings/{rescoring.pk}/nothing").status_code == 404
    answer = admin_client.post(f"/rescorings/{rescoring.pk}/switch", follow=True)
    assert "The board shows scorer 1.0.0+2 now." in answer.content.decode()
    again = admin_client.post(f"/rescorings/{rescoring.pk}/cancel", follow=True)
    assert "it is switched already" in again.content.decode()
    assert shown(version) == [NEW]


def test_nobody_else_sees_a_re_scoring(scored, new_scorer, version, owner, client) -> None:
    rescoring = start(version, owner)
    for user in (None, owner):
        if user:
            client.force_login(user)
        assert client.get(f"/rescorings/{rescoring.pk}/").status_code == 404
        assert client.post(f"/rescorings/{rescoring.pk}/cancel").status_code == 404
        differences = f"/boards/small/rescorings/{rescoring.pk}/"
        assert client.get(differences).status_code == 404
    rescore_all()
    rescore.switch(rescoring.pk)
    assert client.get(differences).status_code == 200
