"""Put the paper's tables into the database."""

from __future__ import annotations

from django.db import transaction

from leaderboard.boards import paper_tables
from leaderboard.boards.models import ReportedScore
from leaderboard.boards.paper_tables import PaperMethod, Reported
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions import names
from leaderboard.submissions.models import Method


@transaction.atomic
def load_reported(version: DatasetVersion) -> int:
    """Make the reported rows of a dataset version equal to the paper's tables.

    Running it again changes nothing; a number that left the tables leaves the
    database. Returns how many numbers there are. Raises ValueError when a
    table contradicts itself or names a category that the version lacks, and
    when a person's method has the name of one of the paper's.
    """
    printed = paper_tables.read_tables()
    unknown = {reported.category for reported in printed} - set(version.categories)
    if unknown:
        raise ValueError(f"{version} has no category {', '.join(sorted(unknown))}")
    methods = {method: _method(method) for method in paper_tables.METHODS.values()}
    rows = [_row(version, methods[reported.method], reported) for reported in printed]
    keys = ["dataset_version", "method", "metric", "variant", "category"]
    values = ["mean", "std", "n", "std_ddof", "source", "note"]
    ReportedScore.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=keys, update_fields=values
    )
    _drop_others(version, rows)
    return len(rows)


def _method(printed: PaperMethod) -> Method:
    """The ownerless method of that name; a slug that somebody else took gets a suffix.

    Names stand once on the site, and the paper's are reserved: only a maintainer
    can have taken one, and has to give it back before.
    """
    method = Method.objects.filter(name_key=names.key(printed.name)).first()
    if method is not None and method.owner_id is not None:
        raise ValueError(
            f"the method {method} of {method.owner} has the name of one of the paper's; "
            "expected it to be renamed in the administration first"
        )
    if method is None:
        taken = Method.objects.filter(slug=printed.slug).exists()
        slug = f"{printed.slug}-reported" if taken else printed.slug
        method = Method.objects.create(name=printed.name, slug=slug, family=printed.family)
    return method


def _row(version: DatasetVersion, method: Method, reported: Reported) -> ReportedScore:
    return ReportedScore(
        dataset_version=version,
        method=method,
        category=reported.category,
        metric=reported.metric,
        variant=reported.variant,
        mean=reported.mean,
        std=reported.std,
        n=paper_tables.RUNS,
        std_ddof=paper_tables.STD_DDOF,
        source=reported.source,
        note=reported.note,
    )


def _drop_others(version: DatasetVersion, rows: list[ReportedScore]) -> None:
    kept = {(row.method_id, row.metric, row.variant, row.category) for row in rows}
    for row in ReportedScore.objects.filter(dataset_version=version):
        if (row.method_id, row.metric, row.variant, row.category) not in kept:
            row.delete()
