"""How often a person may submit, and what gives it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from leaderboard.accounts.models import User
from leaderboard.submissions import policies
from leaderboard.submissions.models import Submission
from leaderboard.submissions.policies import quota
from leaderboard.submissions.services.retry import retry_failed
from leaderboard.submissions.services.submit import Handed, QuotaSpent, SubmitRefused, submit
from leaderboard.submissions.services.withdraw import withdraw
from leaderboard.submissions.states import State
from tests.database import put


def test_two_a_person_board_and_day(hand_in, owner, version) -> None:
    hand_in()
    first = Submission.objects.get()
    hand_in()
    left = quota(owner, version)
    assert (left.used, left.left) == (2, 0)
    assert left.next_at == first.created + timedelta(hours=24)
    with pytest.raises(QuotaSpent, match="UTC"):
        hand_in()
    assert Submission.objects.count() == 2


def test_another_persons_submissions_do_not_count(hand_in, version) -> None:
    hand_in()
    assert quota(User.objects.create_user("other"), version).left == 2


def test_after_24_hours_there_is_one_more(hand_in, owner, version) -> None:
    put(hand_in(), created=timezone.now() - timedelta(hours=24, minutes=1))
    hand_in()
    assert quota(owner, version).left == 1


@pytest.mark.parametrize(
    ("state", "began", "left"),
    [
        (State.QUEUED, False, 1),
        (State.SCORING, True, 1),
        (State.SCORED, True, 1),
        (State.REJECTED, False, 2),
        (State.FAILED, True, 2),
        (State.WITHDRAWN, False, 2),
        (State.WITHDRAWN, True, 1),
    ],
)
def test_what_counts(state: State, began: bool, left: int, hand_in, owner, version) -> None:
    put(hand_in(), state=state, scoring_began=timezone.now() if began else None)
    assert quota(owner, version).left == left


def test_withdrawing_before_scoring_gives_it_back(hand_in, owner, version) -> None:
    withdraw(hand_in().pk, owner)
    assert quota(owner, version).left == 2


def test_rejections_are_free_but_not_without_end(hand_in, owner, version) -> None:
    version.rejected_per_day = 3
    version.save()
    for _ in range(3):
        put(hand_in(), state=State.REJECTED)
    left = quota(owner, version)
    assert left.too_many_rejected
    assert left.left == 0
    with pytest.raises(QuotaSpent):
        hand_in()


def test_failures_are_free_but_not_without_end(hand_in, owner, version, monkeypatch) -> None:
    monkeypatch.setattr(policies, "FAILED_PER_DAY", 3)
    for _ in range(3):
        assert quota(owner, version).left == 2
        put(hand_in(), state=State.FAILED)
    left = quota(owner, version)
    assert left.too_many_failed
    assert (left.left, left.used) == (0, 0)
    assert left.next_at == Submission.objects.last().created + timedelta(hours=24)


def test_a_submission_that_is_queued_again_counts_again(
    hand_in, owner, version, admin_user
) -> None:
    submission = hand_in()
    put(submission, state=State.FAILED)
    assert quota(owner, version).left == 2
    retry_failed(submission.pk, admin_user)
    assert quota(owner, version).left == 1


class Slow(ContentFile):
    """An archive during whose reading something else happens."""

    def __init__(self, content: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(content, "maps.zip")
        self.meanwhile = meanwhile

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        self.meanwhile()
        yield from super().chunks(chunk_size)


def test_withdrawing_while_the_archive_is_stored_keeps_nothing(
    owner, version, tmp_path, client
) -> None:
    def meanwhile() -> None:
        withdraw(Submission.objects.get().pk, owner)

    handed = Handed(Slow(b"archive", meanwhile), "maps.zip", "0" * 64, None, "New", declared=True)
    submission = submit(owner, version, handed)
    assert submission.state == State.WITHDRAWN
    assert not submission.jobs.exists()
    assert not [path for path in (tmp_path / "archives").rglob("*") if path.is_file()]


def test_a_refused_submission_leaves_no_file_and_no_method(hand_in, owner, version) -> None:
    hand_in()
    hand_in()
    before = owner.methods.count()
    with pytest.raises(QuotaSpent):
        hand_in(method_name="One too many")
    assert owner.methods.count() == before


def test_a_board_without_files_takes_nothing(hand_in, version) -> None:
    version.imported_at = None
    version.save()
    with pytest.raises(SubmitRefused, match="not on this server"):
        hand_in()


def test_another_persons_method_cannot_be_used(hand_in) -> None:
    from leaderboard.submissions.models import Method

    other = User.objects.create_user("other")
    method = Method.objects.create(owner=other, name="Theirs", slug="theirs")
    with pytest.raises(SubmitRefused, match="another person"):
        hand_in(method=method)


def test_methods_of_similar_name_get_slugs_of_their_own(hand_in) -> None:
    from leaderboard.submissions.models import Method

    Method.objects.create(owner=None, name="Blur 2", slug="blur-2")
    assert hand_in(method_name="Blur-2").method.slug == "blur-2-2"


def test_a_full_or_broken_storage_is_our_fault_and_costs_nothing(
    hand_in, owner, version, tmp_path
) -> None:
    (tmp_path / "archives").write_bytes(b"a file where the folder should be")
    submission = hand_in()
    assert submission.state == State.FAILED
    assert "could not be stored" in submission.failure
    assert not submission.jobs.exists()
    assert quota(owner, version).left == 2
