"""The paper's tables: read whole, checked against themselves, bold where the paper is."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from leaderboard.boards import paper_tables
from leaderboard.boards.board import Board, make_board
from leaderboard.boards.models import ReportedScore
from leaderboard.boards.query import BoardQuery
from leaderboard.boards.services.load_reported import load_reported
from leaderboard.boards.standings import Column
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Method, Submission
from scoring.registry import BY_FLAT_KEY


def best(board: Board, category: str) -> set[str]:
    """Names in bold in one column."""
    column = Column(category, board.query.metric)
    return {row.entry.name for row in board.rows if column in row.best}


def test_every_number_of_every_table_is_read() -> None:
    printed = paper_tables.read_tables()
    counts = {
        source: sum(reported.source == source for reported in printed)
        for source in ("Table 6", "Table 7", "Table 8", "Table 9", "Table 11", "Table 12")
    }
    assert counts == {
        "Table 6": 36,
        "Table 7": 36,
        "Table 8": 108,
        "Table 9": 36,
        "Table 11": 36,
        "Table 12": 54,
    }
    assert {reported.metric for reported in printed} <= set(BY_FLAT_KEY)
    assert all(0 <= reported.mean <= 1 for reported in printed)


def test_a_number_is_the_fraction_of_what_is_printed() -> None:
    wiring = next(
        reported
        for reported in paper_tables.read_tables()
        if (reported.source, reported.category, reported.method.slug)
        == ("Table 6", "engine_wiring", "cflow")
    )
    assert (wiring.mean, wiring.std, wiring.metric) == (0.461, 0.086, "image_auroc")


def test_the_impossible_number_is_kept_and_marked() -> None:
    marked = [reported for reported in paper_tables.read_tables() if reported.note]
    assert [(m.source, m.method.name, m.category, m.mean, m.std, m.note) for m in marked] == [
        ("Table 9", "CFlow", "tank_screw", 0.043, 0.161, "as printed")
    ]


def test_a_mean_row_that_contradicts_its_table_is_an_error() -> None:
    lines = [
        {"category": "pipe_clip", "method": "dsr", "mean_percent": "80", "std_percent": "1"},
        {"category": "tank_screw", "method": "dsr", "mean_percent": "60", "std_percent": "1"},
        {"category": "mean", "method": "dsr", "mean_percent": "71", "std_percent": "10"},
    ]
    with pytest.raises(ValueError, match=r"table\.csv: dsr: Mean row"):
        paper_tables.check_means("table.csv", lines)


@pytest.mark.parametrize("table", paper_tables.TABLES[:2] + paper_tables.TABLES[3:4])
def test_our_means_are_the_printed_ones_to_the_last_digit_or_two(
    table: paper_tables.Table, reported: DatasetVersion
) -> None:
    with (paper_tables.FOLDER / table.file).open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["category"] == "mean"]
    metric = table.metric(lines[0])
    board = make_board(reported, BoardQuery(metric=metric))
    means = {row.entry.name: row.mean for row in board.rows}
    assert len(lines) == len(means) == 6
    differences = []
    for line in lines:
        mean = means[paper_tables.METHODS[line["method"]].name]
        assert mean is not None
        differences.append(abs(round(mean.mean * 100, 1) - float(line["mean_percent"])))
        differences.append(abs(round(mean.std * 100, 1) - float(line["std_percent"])))
    assert max(differences) < 0.25
    assert statistics.median(differences) < 0.05


def test_table_6_is_bold_where_the_paper_says_so(reported: DatasetVersion) -> None:
    board = make_board(reported, BoardQuery())
    assert best(board, "engine_wiring") == {"EfficientAD-M", "PaDiM"}
    assert best(board, "pipe_clip") == {"DRAEM", "DSR", "EfficientAD-M"}
    assert best(board, "underbody_screw") == {"DSR", "PatchCore"}


@pytest.mark.parametrize(
    ("metric", "group"),
    [
        ("image_auroc", {"PatchCore"}),
        ("image_ap", {"PatchCore"}),
        ("au_spro@0.05", {"DSR", "PatchCore"}),
    ],
)
def test_the_overall_best_groups(reported: DatasetVersion, metric: str, group: set[str]) -> None:
    board = make_board(reported, BoardQuery(metric=metric))
    assert {row.entry.name for row in board.rows if row.mean_is_best} == group


def test_the_papers_order_of_methods(reported: DatasetVersion) -> None:
    board = make_board(reported, BoardQuery())
    assert [(row.rank, row.entry.name, row.entry.family, row.runs) for row in board.rows] == [
        (1, "PatchCore", "memory bank", 8),
        (2, "EfficientAD-M", "student–teacher", 8),
        (3, "DSR", "reconstruction", 8),
        (4, "DRAEM", "reconstruction", 8),
        (5, "PaDiM", "density", 8),
        (6, "CFlow", "normalizing flow", 8),
    ]


def test_loading_twice_changes_nothing(reported: DatasetVersion) -> None:
    before = list(ReportedScore.objects.order_by("pk").values())
    assert load_reported(reported) == 306
    assert list(ReportedScore.objects.order_by("pk").values()) == before
    assert Method.objects.filter(owner=None).count() == 6


def test_loading_mends_what_was_changed(reported: DatasetVersion) -> None:
    row = ReportedScore.objects.filter(source="Table 6").earliest("pk")
    ReportedScore.objects.filter(pk=row.pk).update(mean=0.0, n=1)
    extra = ReportedScore.objects.create(
        dataset_version=reported,
        method=row.method,
        category="pipe_clip",
        metric="pixel_ap",
        mean=0.5,
        std=0.1,
        n=8,
        std_ddof=0,
        source="nowhere",
    )
    load_reported(reported)
    assert ReportedScore.objects.get(pk=row.pk).mean == row.mean
    assert not ReportedScore.objects.filter(pk=extra.pk).exists()


def test_a_persons_method_of_the_same_slug_stays_theirs(
    autovi: DatasetVersion, samples: DatasetVersion, submit: Callable[..., Submission]
) -> None:
    theirs = submit(samples, "PatchCore", {"pipe_clip": [0.5]}).method
    theirs.name = "Core of patches"
    theirs.save()
    load_reported(autovi)
    ours = Method.objects.get(name="PatchCore", owner=None)
    assert (theirs.slug, ours.slug) == ("patchcore", "patchcore-reported")


def test_a_persons_method_never_gets_the_papers_numbers(
    autovi: DatasetVersion, samples: DatasetVersion, submit: Callable[..., Submission]
) -> None:
    submit(samples, "PatchCore", {"pipe_clip": [0.5]})
    with pytest.raises(ValueError, match="PatchCore of demo has the name of one of the paper's"):
        load_reported(autovi)


def test_the_command_says_what_it_loaded(
    autovi: DatasetVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("load_reported")
    assert capsys.readouterr().out == "AutoVI 1.0.0: 306 reported numbers\n"


@pytest.mark.django_db
def test_the_command_needs_the_dataset() -> None:
    with pytest.raises(CommandError, match=r"autovi 1\.0\.0 is not here"):
        call_command("load_reported")


def test_a_version_that_lacks_a_category_is_refused(autovi: DatasetVersion) -> None:
    del autovi.manifest["tank_screw"]
    with pytest.raises(ValueError, match="has no category tank_screw"):
        load_reported(autovi)
    assert not ReportedScore.objects.exists()
