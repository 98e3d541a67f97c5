"""What leaves a board as a file."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable

import pytest
from django.test import Client

from leaderboard.boards.board import make_board
from leaderboard.boards.exports import file_name
from leaderboard.boards.query import BoardQuery
from leaderboard.datasets.models import DatasetVersion
from leaderboard.submissions.models import Method, Submission

Submit = Callable[..., Submission]


def lines(client: Client, address: str) -> list[dict[str, str]]:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_csv_holds_every_digit_with_dataset_and_scorer_version(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    runs = [0.1 + 0.2, 2 / 3]
    submission = submit(samples, "Blur", {"pipe_clip": runs, "tank_screw": [0.5, 0.5]})
    mean, clip, _ = lines(client, "/boards/samples/export.csv?metric=au_spro@0.3")
    assert float(clip["mean"]) == statistics.fmean(runs)
    assert float(clip["std"]) == statistics.stdev(runs)
    assert clip | {"mean": "", "std": ""} == {
        "rank": "1",
        "method": "Blur",
        "method_slug": "blur",
        "family": "density",
        "kind": "submitted",
        "source": "",
        "submission": str(submission.pk),
        "category": "pipe_clip",
        "metric": "au_spro@0.3",
        "mean": "",
        "std": "",
        "std_ddof": "1",
        "n": "2",
        "best_group": "true",
        "note": "",
        "dataset": "samples",
        "dataset_version": "1.0",
        "scorer_version": "1.0.0",
    }
    assert mean["category"] == "mean"
    assert float(mean["mean"]) == pytest.approx((statistics.fmean(runs) + 0.5) / 2)


def test_a_file_name_carries_category_and_metric(reported: DatasetVersion) -> None:
    spro = BoardQuery(metric="au_spro@0.05")
    overall, screw = make_board(reported, spro), make_board(reported, spro, "tank_screw")
    assert file_name(overall, "csv") == "autovi-1.0.0-overall-au_spro@0.05.csv"
    assert file_name(screw, "json") == "autovi-1.0.0-tank_screw-au_spro@0.05.json"


def test_csv_of_reported_rows_cites_the_table(client: Client, reported: DatasetVersion) -> None:
    rows = lines(client, "/boards/autovi/export.csv?metric=au_spro@0.05")
    printed = [row for row in rows if row["note"]]
    assert len(rows) == 6 * 7
    assert [(row["method"], row["source"], row["mean"], row["note"]) for row in printed] == [
        ("CFlow", "Table 9", "0.043", "as printed")
    ]
    assert {row["scorer_version"] for row in rows} == {""}


def test_exports_follow_the_pages_order_and_filters(
    client: Client, reported: DatasetVersion
) -> None:
    query = "?family=reconstruction&sort=method"
    rows = client.get(f"/boards/autovi/export.json{query}").json()["rows"]
    assert [(row["rank"], row["method"]) for row in rows] == [(4, "DRAEM"), (3, "DSR")]


def test_json_of_a_category_holds_all_its_columns(client: Client, reported: DatasetVersion) -> None:
    document = client.get("/boards/autovi/export.json?category=pipe_clip").json()
    assert (document["dataset_version"], document["scorer_version"]) == ("1.0.0", "1.0.0")
    assert document["category"] == "pipe_clip"
    assert [score["metric"] for score in document["rows"][0]["scores"]] == [
        "image_auroc",
        "image_ap",
        "tpr_at_tnr@0.99",
        "tpr_at_tnr@0.95",
        "tpr_at_tnr@0.9",
        "au_spro@0.05",
    ]
    assert document["notes"]


def test_a_single_run_has_null_for_its_spread(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submit(samples, "One", {"pipe_clip": [0.5]})
    row = client.get("/boards/samples/export.json").json()["rows"][0]
    assert (row["rank"], row["mean"]) == (None, None)
    score = row["scores"][0]
    assert (score["std"], score["std_ddof"], score["n"]) == (None, None, 1)
    assert not score["best_group"]


def test_a_name_is_no_formula_in_a_spreadsheet(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submission = submit(samples, "Blur", {"pipe_clip": [0.5]})
    Method.objects.filter(pk=submission.method_id).update(name="=HYPERLINK(1)", family="@x")
    row = lines(client, "/boards/samples/export.csv")[0]
    assert (row["method"], row["family"]) == ("'=HYPERLINK(1)", "'@x")


@pytest.mark.parametrize("name", ["\uff1d1+1", "\u200b=1+1", " +1", "\t1", "\ufe6299"])
def test_no_spelling_of_a_formula_passes(
    client: Client, samples: DatasetVersion, submit: Submit, name: str
) -> None:
    submission = submit(samples, "Blur", {"pipe_clip": [0.5]})
    Method.objects.filter(pk=submission.method_id).update(name=name)
    assert lines(client, "/boards/samples/export.csv")[0]["method"] == f"'{name}"


def test_bibtex_cites_the_paper_only_where_its_rows_stand(
    client: Client, reported: DatasetVersion, samples: DatasetVersion
) -> None:
    text = client.get("/boards/autovi/export.bib").content.decode()
    assert "doi     = {10.5281/zenodo.10459003}" in text
    assert "10.1016/j.compind.2024.104151" in text
    assert text.count("author  = {Carvalho and Lafou and Durupt and Leblanc and Grandvalet}") == 2
    assert text.count("year    = {2024}") == 2
    assert text.count("{") == text.count("}")
    of_samples = client.get("/boards/samples/export.bib").content.decode()
    assert "compind" not in of_samples
    assert "Carvalho" not in of_samples


def test_a_versions_own_bibtex_is_taken_as_it_is(client: Client, samples: DatasetVersion) -> None:
    DatasetVersion.objects.filter(pk=samples.pk).update(citation="@misc{ours}")
    assert client.get("/boards/samples/export.bib").content == b"@misc{ours}\n"


def test_a_download_is_named_for_its_dataset_version(
    client: Client, reported: DatasetVersion
) -> None:
    response = client.get("/boards/autovi/export.csv?category=tank_screw")
    assert (
        response["Content-Disposition"]
        == 'attachment; filename="autovi-1.0.0-tank_screw-image_auroc.csv"'
    )
