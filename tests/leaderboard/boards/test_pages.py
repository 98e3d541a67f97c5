"""The boards' pages, over real rows in a real database."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from leaderboard.accounts.models import User
from leaderboard.datasets.models import DatasetVersion, Labels
from leaderboard.submissions.models import Method, Submission, Visibility
from leaderboard.submissions.standing import current_scores
from leaderboard.submissions.states import State

Submit = Callable[..., Submission]
FULL = {"pipe_clip": [0.8, 0.9], "tank_screw": [0.6, 0.7]}


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def methods(html: str) -> list[tuple[str, str]]:
    """Rank and name of each row of the standings."""
    row = r'<td class="rank">(.*?)</td>.*?class="name" href="[^"]*">(.*?)</a>'
    return re.findall(row, html, re.S)


def cells(html: str, name: str) -> list[str]:
    """The words of one method's row, a cell each."""
    row = next(part for part in html.split("<tr>") if f">{name}</a>" in part)
    return [
        " ".join(re.sub(r"<[^>]*>", " ", cell).split())
        for cell in re.findall(r"<td class=\"num.*?</td>", row, re.S)
    ]


def test_the_front_page_is_the_autovi_board(client: Client, reported: DatasetVersion) -> None:
    html = page(client, "/")
    assert methods(html)[:2] == [("1", "PatchCore"), ("2", "EfficientAD-M")]
    assert cells(html, "PatchCore") == [
        "88.5 best group ±10.1",
        "77.2 ±0.3",
        "73.3 ±0.9",
        "92.3 ±0.6",
        "89.3 best group ±0.7",
        "99.8 best group ±0.0",
        "98.9 best group ±0.1",
        "8",
    ]
    assert html.count('<span class="badge">reported</span>') == 6
    assert 'aria-sort="descending"' in html
    assert "These rows rest on the paper&#x27;s" in html


@pytest.mark.django_db
def test_without_a_dataset_the_front_page_says_so(client: Client) -> None:
    assert "There is no dataset on this server" in page(client, "/")
    assert "There is no board yet" in page(client, reverse("boards:index"))


def test_boards_never_mix(
    client: Client, reported: DatasetVersion, samples: DatasetVersion, submit: Submit
) -> None:
    submit(samples, "Blur", FULL)
    assert [name for _, name in methods(page(client, "/boards/samples/"))] == ["Blur"]
    assert "Blur" not in page(client, "/boards/autovi/")


def test_a_category_board_shows_the_headline_metrics_side_by_side(
    client: Client, reported: DatasetVersion
) -> None:
    html = page(client, "/boards/autovi/tank_screw/?metric=au_spro@0.05")
    assert methods(html)[0] == ("1", "DSR")
    assert cells(html, "CFlow") == [
        "48.7 ±14.1",
        "25.1 ±7.4",
        "1.7 best group ±3.2",
        "4.2 ±5.8",
        "9.2 ±7.1",
        "4.3 † ±16.1",
        "8",
    ]
    assert "kept as printed" in html
    assert "probably the area under the precision-recall curve" in html
    assert "† As printed" in html


def test_a_metric_beyond_the_columns_joins_them(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submit(samples, "Blur", FULL)
    html = page(client, "/boards/samples/pipe_clip/?metric=pixel_ap")
    assert 'aria-sort="descending"><a href="?metric=pixel_ap&amp;sort=pixel_ap"' in html
    assert len(cells(html, "Blur")) == 8


def test_a_method_stands_with_its_latest_submission(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submit(samples, "Blur", {"pipe_clip": [0.9], "tank_screw": [0.9]}, day=1)
    submit(samples, "Blur", {"pipe_clip": [0.4], "tank_screw": [0.4]}, day=2)
    html = page(client, "/boards/samples/")
    assert methods(html) == [("1", "Blur")]
    assert cells(html, "Blur")[0] == "40.0 ±0.0"


def test_a_submission_that_its_owner_chose_stands_instead(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submit(samples, "Blur", {"pipe_clip": [0.9], "tank_screw": [0.9]}, day=1, is_chosen=True)
    submit(samples, "Blur", {"pipe_clip": [0.4], "tank_screw": [0.4]}, day=2)
    assert cells(page(client, "/boards/samples/"), "Blur")[0] == "90.0 ±0.0"


def test_a_board_shows_the_scores_of_one_scorer_only(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submission = submit(samples, "Blur", {"pipe_clip": [0.4], "tank_screw": [0.4]})
    submit(samples, "Old", {"pipe_clip": [0.3], "tank_screw": [0.3]})
    for old in submission.scores.all():
        report = old.report | {"image_auroc": 0.6}
        submission.scores.create(
            run=old.run, category=old.category, scorer_version="1.1.0", report=report
        )
    html = page(client, "/boards/samples/")
    assert [cells(html, name)[0] for name in ("Blur", "Old")] == ["40.0 ±0.0", "30.0 ±0.0"]
    samples.scorer_version = "1.1.0"
    samples.save()
    html = page(client, "/boards/samples/")
    assert cells(html, "Blur")[0] == "60.0 ±0.0"
    assert ">Old<" not in html
    assert "Scorer 1.1.0" in html


def test_a_single_run_has_no_spread_and_is_not_bold(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submit(samples, "One", {"pipe_clip": [0.9], "tank_screw": [0.7]})
    html = page(client, "/boards/samples/")
    assert cells(html, "One") == ["80.0 ±10.0", "90.0 1 run", "70.0 1 run", "1"]
    assert "A single run has no ± and is never bold" in html


def test_a_single_run_shows_its_interval_in_place_of_a_spread(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    intervals = {"image_auroc": [0.8512, 0.949]}
    submit(samples, "One", {"pipe_clip": [0.9], "tank_screw": [0.7]}, intervals=intervals)
    html = page(client, "/boards/samples/")
    assert cells(html, "One") == ["80.0 ±10.0", "90.0 [85.1, 94.9]", "70.0 [85.1, 94.9]", "1"]
    assert "[a, b] under a single run: 95 % bootstrap interval" in html
    assert "[85.1, 94.9]" in page(client, "/methods/one/")
    other = page(client, "/boards/samples/?metric=pixel_ap")
    assert cells(other, "One")[1] == "90.0 1 run"
    assert "bootstrap" not in other
    DatasetVersion.objects.filter(pk=samples.pk).update(labels=Labels.HIDDEN)
    assert "85.1" not in page(client, "/boards/samples/")
    assert "85.1" not in page(client, "/methods/one/")


def test_methods_that_do_not_vary_share_a_rank_whatever_their_runs(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    for runs in (2, 3, 7):
        submit(samples, f"Fixed {runs}", {"pipe_clip": [0.7] * runs, "tank_screw": [0.1] * runs})
    exported = client.get("/boards/samples/export.json").json()
    scores = {score["mean"] for row in exported["rows"] for score in row["scores"]}
    stds = {score["std"] for row in exported["rows"] for score in row["scores"]}
    assert scores == {0.7, 0.1}
    assert stds == {0.0}
    assert len({row["mean"]["mean"] for row in exported["rows"]}) == 1
    assert [rank for rank, _ in methods(page(client, "/boards/samples/"))] == ["1", "1", "1"]


def test_the_submissions_page_and_the_board_stand_on_the_same_scorer_version(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submission = submit(samples, "Blur", {"pipe_clip": [0.4], "tank_screw": [0.4]})
    old = submission.scores.first()
    submission.scores.create(
        run=old.run, category=old.category, scorer_version="1.1.0", report=old.report
    )
    samples.scorer_version = "1.0.0"
    samples.save()
    row = client.get("/boards/samples/export.json").json()["rows"][0]
    version, scores = current_scores(submission.scores.all(), samples.shown_scorer)
    assert (row["scorer_version"], version, len(scores)) == ("1.0.0", "1.0.0", 2)


def test_a_category_of_any_name_is_exported(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    samples.manifest["a&b c"] = samples.manifest["pipe_clip"]
    samples.save()
    submit(samples, "Blur", {"a&b c": [0.4]})
    html = page(client, "/boards/samples/a&b%20c/")
    link = re.search(r'href="([^"]*export\.csv[^"]*)"', html)
    assert link is not None
    assert "a&b c" in page(client, unescape(link[1]))


def test_a_partial_submission_stands_last_without_a_mean(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submit(samples, "Half", {"pipe_clip": [0.99, 0.98]})
    submit(samples, "Full", FULL)
    html = page(client, "/boards/samples/")
    assert methods(html) == [("1", "Full"), ("–", "Half")]
    assert cells(html, "Half")[0] == "–"


def test_sorting_keeps_the_ranks(client: Client, reported: DatasetVersion) -> None:
    by_clip = methods(page(client, "/boards/autovi/?sort=-pipe_clip"))
    assert by_clip[:2] == [("3", "DSR"), ("2", "EfficientAD-M")]
    by_name = methods(page(client, "/boards/autovi/?sort=method"))
    assert [name for _, name in by_name][:2] == ["CFlow", "DRAEM"]


def test_filters_keep_the_ranks(client: Client, reported: DatasetVersion) -> None:
    html = page(client, "/boards/autovi/?family=reconstruction")
    assert methods(html) == [("3", "DSR"), ("4", "DRAEM")]
    assert "2 of 6 rows" in html
    nothing = page(client, "/boards/autovi/?kind=submitted")
    assert "No row passes these filters" in nothing


def test_links_keep_the_rest_of_the_query(client: Client, reported: DatasetVersion) -> None:
    html = page(client, "/boards/autovi/?metric=image_ap&family=density")
    assert "?metric=image_ap&amp;sort=-pipe_clip&amp;family=density" in html
    assert "/boards/autovi/pipe_clip/?metric=image_ap&amp;family=density" in html
    assert "export.csv?metric=image_ap&amp;family=density" in html


@pytest.mark.parametrize(
    "address",
    [
        "/?metric=accuracy",
        "/?sort=-nonsense",
        "/boards/autovi/?sort=-image_ap",
        "/boards/autovi/pipe_clip/?sort=mean",
        "/boards/autovi/export.csv?sort=nonsense",
        "/?kind=nonsense",
        "/boards/nowhere/",
        "/boards/autovi/nothing/",
        "/boards/autovi/export.xlsx",
        "/boards/autovi/export.csv?category=nothing",
        "/methods/nobody/",
    ],
)
def test_what_does_not_exist_is_not_found(
    client: Client, autovi: DatasetVersion, address: str
) -> None:
    assert client.get(address).status_code == 404


def test_a_permalink_says_the_metric_and_nothing_empty(
    client: Client, reported: DatasetVersion
) -> None:
    link = re.compile(r'href="([^"]*)" rel="bookmark"')
    assert link.findall(page(client, "/")) == ["/boards/autovi/?metric=image_auroc"]
    html = page(client, "/boards/autovi/pipe_clip/?metric=au_spro@0.05&kind=&family=&sort=method")
    expected = "/boards/autovi/pipe_clip/?metric=au_spro@0.05&amp;sort=method"
    assert link.findall(html) == [expected]


def test_a_metric_that_nobody_has_reads_well(client: Client, reported: DatasetVersion) -> None:
    assert "No Pixel AP yet" in page(client, "/?metric=pixel_ap")


def test_what_a_stranger_wrote_is_text(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submission = submit(samples, "Blur", FULL)
    Method.objects.filter(pk=submission.method_id).update(name="<script>alert(1)</script>")
    for address in ("/boards/samples/", "/boards/samples/pipe_clip/", "/methods/blur/"):
        assert "<script>alert" not in page(client, address)


@pytest.mark.parametrize(
    "hidden",
    [
        {"visibility": Visibility.PRIVATE},
        *({"state": state} for state in State if state != State.SCORED),
    ],
)
def test_what_is_not_public_and_scored_shows_nowhere(
    client: Client,
    samples: DatasetVersion,
    submit: Submit,
    demo: User,
    hidden: dict[str, str],
) -> None:
    submit(samples, "Open", FULL)
    submit(samples, "Secret", FULL, **hidden)
    addresses = ["/boards/", "/boards/samples/", "/boards/samples/pipe_clip/", "/methods/open/"]
    addresses += ["/boards/samples/export.csv", "/boards/samples/export.json"]
    for reader in ("stranger", "owner"):
        if reader == "owner":
            client.force_login(demo)
        for address in addresses:
            assert "Secret" not in page(client, address), (reader, address)
    assert "1 scored here" in page(client, "/boards/")


def test_a_method_without_public_results_exists_for_its_owner_alone(
    client: Client, samples: DatasetVersion, submit: Submit, demo: User
) -> None:
    submit(samples, "Secret", FULL, visibility=Visibility.PRIVATE)
    assert client.get("/methods/secret/").status_code == 404
    client.force_login(User.objects.create_user("other"))
    assert client.get("/methods/secret/").status_code == 404
    client.force_login(demo)
    html = page(client, "/methods/secret/")
    assert "No public submission is scored yet" in html
    assert "80.0" not in html


def test_a_private_submission_stays_out_of_a_public_methods_page(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    public = submit(samples, "Blur", FULL, day=1)
    private = submit(samples, "Blur", FULL, day=2, visibility=Visibility.PRIVATE)
    html = page(client, "/methods/blur/")
    assert str(public.pk) in html
    assert str(private.pk) not in html


def test_a_reported_methods_page_holds_its_tables_and_variants(
    client: Client, reported: DatasetVersion
) -> None:
    html = page(client, "/methods/efficientad-m/")
    assert "Tables 6, 7, 8, 9 of the paper" in html
    assert "Table 11, beside Table 6, of the paper" in html
    assert "400×480" in html
    assert "released sets the small model" in html
    assert "kept as printed" in html


def test_a_submitted_methods_page_says_what_it_stands_on(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    submission = submit(samples, "Blur", FULL)
    html = page(client, "/methods/blur/")
    assert "scorer 1.0.0" in html
    assert reverse("submissions:detail", args=[submission.pk]) in html
    assert submission.sha256[:12] in html


def test_a_board_with_hidden_labels_rounds_and_leaves_out(
    client: Client, samples: DatasetVersion, submit: Submit
) -> None:
    DatasetVersion.objects.filter(pk=samples.pk).update(labels=Labels.HIDDEN)
    samples.refresh_from_db()
    submit(samples, "Blur", {"pipe_clip": [0.123456, 0.2], "tank_screw": [0.5, 0.6]})
    assert client.get("/boards/samples/?metric=pixel_ap").status_code == 404
    assert "Pixel AP" not in page(client, "/boards/samples/")
    category = page(client, "/boards/samples/pipe_clip/")
    assert "15 test images" in category
    assert "8 good" not in category
    assert "missing" not in category
    exported = client.get("/boards/samples/export.json").json()
    clip = exported["rows"][0]["scores"][0]
    assert (clip["mean"], clip["std"]) == (0.162, 0.054)


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/", 4),
        ("/boards/autovi/", 4),
        ("/boards/autovi/pipe_clip/", 4),
        ("/boards/autovi/export.csv", 4),
        ("/boards/autovi/export.json", 4),
        ("/boards/", 1),
        ("/methods/dsr/", 3),
        ("/methods/method-0/", 4),
    ],
)
@pytest.mark.parametrize("rows", [2, 9])
def test_a_page_takes_the_same_queries_for_any_number_of_rows(
    client: Client,
    reported: DatasetVersion,
    submit: Submit,
    django_assert_num_queries: Callable[..., object],
    address: str,
    queries: int,
    rows: int,
) -> None:
    for number in range(rows):
        submit(reported, f"Method {number}", {"pipe_clip": [0.5, 0.6]})
    for number in range(rows):
        submit(reported, "Method 0", {"pipe_clip": [0.5, 0.6]}, day=number)
    with django_assert_num_queries(queries):
        page(client, address)


def test_the_page_for_our_own_errors_needs_nothing() -> None:
    html = render_to_string("500.html")
    assert "Something broke on our side" in html
    assert "{" not in html


def test_no_page_holds_inline_script_or_style(client: Client, reported: DatasetVersion) -> None:
    for address in (
        "/",
        "/boards/",
        "/boards/autovi/pipe_clip/",
        "/methods/dsr/",
        "/?kind=submitted",
    ):
        html = page(client, address)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html), address
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html)), address
        assert client.get(address)["Content-Security-Policy"]
