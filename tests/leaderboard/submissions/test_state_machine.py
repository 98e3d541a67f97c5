"""Any order of uploads, claims, deaths, retries, withdrawals and re-scorings ends well.

Hypothesis drives the real services on the real database. After each step
nothing is doubled, nothing is stuck, the history tells how it came, and what
counts against the quota is what the rules say.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion
from leaderboard.scorer import scorer_version
from leaderboard.submissions.jobs import LeaseLost
from leaderboard.submissions.models import DeletedSubmission, Job, Rescoring, Submission
from leaderboard.submissions.policies import quota
from leaderboard.submissions.services import rescore
from leaderboard.submissions.services.claim import claim, claim_next
from leaderboard.submissions.services.finalise import Scored, finish_score, finish_validation
from leaderboard.submissions.services.reject import reject
from leaderboard.submissions.services.renew import renew
from leaderboard.submissions.services.rescore import RescoringRefused
from leaderboard.submissions.services.retry import retry_failed, retry_later
from leaderboard.submissions.services.submit import QuotaSpent, submit
from leaderboard.submissions.services.sweep import sweep
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import ACTIVE, TERMINAL, TRANSITIONS, JobState, State
from leaderboard.submissions.transitions import IllegalTransition
from scoring import Contents, Refused
from tests.leaderboard.submissions.conftest import handed
from tests.leaderboard.submissions.times import lose_lease
from tests.leaderboard.support import CATEGORIES

ALL_KINDS = list(Job.Kind)
CONTENTS = Contents(("run_0",), CATEGORIES, 12)
A_DAY = 4
OPEN = [JobState.QUEUED, JobState.RUNNING]


class Site(RuleBasedStateMachine):
    """A board, its only submitter, a maintainer, workers and their sweeper."""

    version: DatasetVersion
    config: Any
    numbers = itertools.count()

    submissions: Bundle[Any] = Bundle("submissions")
    held: Bundle[Job] = Bundle("held")

    @initialize()
    def begin(self) -> None:
        self.config.SCORER_BUILD = ""
        self.owner = User.objects.create_user(f"person {next(self.numbers)}")
        self.staff = User.objects.create_user(f"maintainer {next(self.numbers)}", is_staff=True)
        self.histories: dict[Any, list[tuple[Any, ...]]] = {}

    def teardown(self) -> None:
        Submission.objects.all().delete()
        DeletedSubmission.objects.all().delete()
        Rescoring.objects.all().delete()
        DatasetVersion.objects.update(scorer_version="")

    # What people do

    @rule(target=submissions)
    def hand_in(self) -> Any:
        before = quota(self.owner, self.version).left
        try:
            archive = handed(b"archive", method_name=f"Method {next(self.numbers)}")
            made = submit(self.owner, self.version, archive)
        except QuotaSpent:
            assert before == 0
            return multiple()
        assert before > 0
        return made.pk

    @rule(pk=submissions)
    def withdraw(self, pk: Any) -> None:
        legal = State.WITHDRAWN in TRANSITIONS[self.state(pk)]
        self.expect(legal, IllegalTransition, withdraw, pk, self.owner)

    @rule(pk=submissions)
    def retry(self, pk: Any) -> None:
        self.expect(self.state(pk) == State.FAILED, IllegalTransition, retry_failed, pk, self.staff)

    @rule(pk=submissions, to=st.sampled_from(State))
    def write_past_the_services(self, pk: Any, to: State) -> None:
        row, was = Submission.objects.filter(pk=pk), self.state(pk)
        with transaction.atomic():
            try:
                with transaction.atomic():
                    row.update(state=to, finished=Now() if to in TERMINAL else None)
            except IntegrityError:
                assert to not in TRANSITIONS[was]
            else:
                assert to == was or to in TRANSITIONS[was]
            transaction.set_rollback(True)

    # What workers do

    @rule(target=held)
    def claim_what_is_next(self) -> Any:
        job = claim_next(ALL_KINDS, "worker")
        return multiple() if job is None else job

    @rule(target=held, pk=submissions, data=st.data())
    def claim_by_a_message(self, pk: Any, data: st.DataObject) -> Any:
        """Old messages name jobs in any state."""
        jobs = list(Job.objects.filter(submission=pk))
        if not jobs:
            return multiple()
        job = data.draw(st.sampled_from(jobs))
        got = claim(job.pk, "worker")
        assert got is None or job.state == JobState.QUEUED
        return multiple() if got is None else got

    @rule(job=held)
    def renew(self, job: Job) -> None:
        self.expect(self.holds(job), LeaseLost, renew, job, 1, 6)

    @rule(job=consumes(held))
    def finish(self, job: Job) -> None:
        if job.kind == Job.Kind.VALIDATE:
            self.expect(self.holds(job), LeaseLost, finish_validation, job, CONTENTS)
        else:
            report = Scored({"image_auroc": 0.5})
            self.expect(self.holds(job), LeaseLost, finish_score, job, report)

    @rule(job=held)
    def finish_twice(self, job: Job) -> None:
        """The holder stays in the bundle: whatever it does later finds the job gone."""
        self.finish(job)

    @rule(job=consumes(held))
    def refuse(self, job: Job) -> None:
        if job.kind == Job.Kind.VALIDATE:
            self.expect(self.holds(job), LeaseLost, reject, job, Refused(["maps.zip: empty"]))

    @rule(job=consumes(held))
    def raise_an_error(self, job: Job) -> None:
        retry_later(job, "Traceback")

    @rule(job=held)
    def fall_silent(self, job: Job) -> None:
        if self.holds(job):
            lose_lease(job)

    @rule()
    def sweep(self) -> None:
        sweep()
        assert not Job.objects.filter(state=JobState.RUNNING, lease_until__lt=Now()).exists()

    # What maintainers do

    @rule()
    def deploy_another_scorer(self) -> None:
        self.config.SCORER_BUILD = f"b{next(self.numbers)}"

    @rule()
    def score_again(self) -> None:
        version = DatasetVersion.objects.get(pk=self.version.pk)
        free = not version.rescorings.filter(state__in=Rescoring.OPEN).exists()
        self.expect(free, RescoringRefused, rescore.start, version, self.staff)

    @precondition(lambda self: Rescoring.objects.filter(state__in=Rescoring.OPEN).exists())
    @rule(step=st.sampled_from([rescore.switch, rescore.cancel, rescore.retry_failures]))
    def go_on_with_the_rescoring(self, step: Any) -> None:
        rescoring = Rescoring.objects.get(state__in=Rescoring.OPEN)
        possible = step is not rescore.switch or rescore.progress(rescoring).is_complete
        self.expect(possible, RescoringRefused, step, rescoring.pk)

    # What always holds

    @invariant()
    def nothing_is_doubled_or_half_done(self) -> None:
        for submission in self.all():
            scores = submission.scores.values_list("scorer_version", "run", "category")
            whole = {("run_0", category) for category in CATEGORIES}
            for scorer in {row[0] for row in scores}:
                assert sorted(row[1:] for row in scores if row[0] == scorer) == sorted(whole)
            if submission.state == State.SCORED:
                assert scores
            published = submission.events.filter(kind=State.SCORED).count()
            assert published == (1 if scores else 0)

    @invariant()
    def nothing_is_stuck(self) -> None:
        for submission in self.all():
            jobs = submission.jobs.filter(rescoring=None, state__in=OPEN)
            assert jobs.exists() == (submission.state in ACTIVE), submission
            if submission.state == State.QUEUED:
                assert jobs.filter(state=JobState.QUEUED, ready_at__lte=Now()).exists()

    @invariant()
    def the_history_tells_how_it_came(self) -> None:
        for submission in self.all():
            now = list(submission.events.values_list("id", "at", "actor", "kind", "text"))
            before = self.histories.get(submission.pk, [])
            assert now[: len(before)] == before
            self.histories[submission.pk] = now
            states = [State(kind) for _, _, _, kind, _ in now if kind in State]
            assert states[0] == State.DRAFT
            assert states[-1] == submission.state
            assert all(to in TRANSITIONS[was] for was, to in itertools.pairwise(states))
            assert submission.attempt == states.count(State.QUEUED)

    @invariant()
    def no_job_is_tried_too_often(self) -> None:
        assert not Job.objects.filter(attempt__gt=self.config.JOB_MAX_ATTEMPTS).exists()

    @invariant()
    def the_quota_counts_what_the_rules_say(self) -> None:
        counted = Counter(
            "given back"
            if submission.state in (State.REJECTED, State.FAILED)
            or (submission.state == State.WITHDRAWN and submission.scoring_began is None)
            else "used"
            for submission in self.all()
        )
        told = quota(self.owner, self.version)
        assert told.used == counted["used"]
        if not told.too_many_failed:
            assert told.left == max(0, A_DAY - counted["used"])

    @invariant()
    def the_board_shows_one_scorer(self) -> None:
        version = DatasetVersion.objects.get(pk=self.version.pk)
        standing = Submission.objects.standing(version)
        shown = {row.pk for row in standing}
        with_scores = Submission.objects.filter(
            state=State.SCORED, scores__scorer_version=version.shown_scorer
        )
        assert shown == set(with_scores.values_list("pk", flat=True))
        if not version.scorer_version:
            assert not shown or version.shown_scorer == scorer_version()

    # Help

    def all(self) -> list[Submission]:
        return list(Submission.objects.filter(owner=self.owner))

    def state(self, pk: Any) -> State:
        return State(Submission.objects.values_list("state", flat=True).get(pk=pk))

    def holds(self, job: Job) -> bool:
        held = Job.objects.filter(pk=job.pk, lease_token=job.lease_token, end_by__gt=Now())
        return held.filter(state=JobState.RUNNING).exists()

    def expect(self, works: bool, error: type[Exception], call: Any, *arguments: Any) -> None:
        """The call works exactly when it should, and raises `error` otherwise."""
        if works:
            call(*arguments)
        else:
            with pytest.raises(error):
                call(*arguments)


def drive(version: DatasetVersion, config: Any, examples: int, steps: int, **more: Any) -> None:
    version.submissions_per_day = A_DAY
    version.rejected_per_day = 1000
    version.save()
    config.JOB_BACKOFF_SECONDS, config.JOB_MAX_ATTEMPTS = 0, 2
    Site.version, Site.config = version, config
    run_state_machine_as_test(
        Site,
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **more,
        ),
    )


def test_any_order_of_steps_ends_well(version: DatasetVersion, settings: Any) -> None:
    drive(version, settings, 15, 30, derandomize=True)


@pytest.mark.long
def test_many_orders_of_many_steps_end_well(version: DatasetVersion, settings: Any) -> None:
    drive(version, settings, 150, 80)
