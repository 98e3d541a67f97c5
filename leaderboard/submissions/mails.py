"""The mails of notices. Numbers in them are those of the submission's page, rounded as there."""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.urls import reverse

from leaderboard.accounts.mailing import message
from leaderboard.submissions import results
from leaderboard.submissions.models import Notice, Submission
from leaderboard.submissions.notices import wants_mail
from leaderboard.submissions.policies import is_inside
from leaderboard.submissions.states import State
from scoring.registry import BY_FLAT_KEY

MOST_PROBLEMS = 10
"""How many problems a mail lists; the page lists more."""
METRICS = ("image_auroc", "au_spro@0.05")
"""Keys of the metrics that a mail gives."""


def compose(notice: Notice) -> EmailMessage | None:
    """The mail of a notice; None where it is out of date or no longer wanted."""
    submission, person = notice.submission, notice.user
    is_current = (submission.state, submission.attempt) == (notice.kind, notice.attempt)
    if not is_current or not wants_mail(person, submission) or not is_inside(person, submission):
        return None
    problems = submission.problems[:MOST_PROBLEMS]
    context = {
        "person": person,
        "submission": submission,
        "version": submission.dataset_version,
        "path": reverse("submissions:detail", args=[submission.pk]),
        "preferences": reverse("submissions:notices"),
        "scores": _scores(submission) if submission.state == State.SCORED else [],
        "problems": problems,
        "unlisted": submission.problem_count - len(problems),
    }
    return message(notice, person.email, f"submissions/mail/{notice.kind}", context)


def _scores(submission: Submission) -> list[tuple[str, list[str]]]:
    """Each metric's name and its lines: a category, and its mean and spread in percent."""
    table = results.results(submission).main
    wanted = [BY_FLAT_KEY[key].name.replace(" %", "\N{NO-BREAK SPACE}%") for key in METRICS]
    width = max(len(label) for label, _ in table.columns)
    return [
        (
            row.name,
            [
                f"{label:<{width}}  {cell.text:>5} {cell.spread}".rstrip()
                for (label, _), cell in zip(table.columns, row.cells, strict=True)
            ],
        )
        for row in table.rows
        if row.name in wanted
    ]
