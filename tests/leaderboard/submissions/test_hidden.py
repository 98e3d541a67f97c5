"""Boards with hidden labels: scored the same, told less."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from leaderboard.accounts.models import User
from leaderboard.datasets import ground_truth, packs
from leaderboard.datasets.importing.presets import Naming
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.import_dataset import import_dataset
from leaderboard.submissions import arrays, hidden, policies
from leaderboard.submissions.models import Job, Score, Submission
from leaderboard.submissions.results import report_json
from leaderboard.submissions.services.perform import perform
from leaderboard.submissions.services.submit import Handed, submit
from leaderboard.submissions.states import State
from scoring import SCORER_VERSION, DatasetError, evaluate, score, validate
from scoring.image_level import auroc, threshold_counts
from scoring.report import dumps
from scoring.truth import CategoryTruth
from scoring.truth_pack import pack_bytes
from tests.database import put
from tests.leaderboard import support
from tests.leaderboard.datasets import sources

SECRET_WORDS = (
    "missing",
    "bent",
    ">good images<",
    ">anomalous images<",
    "n_good",
    "run_0",
    "run_1",
)


@pytest.fixture
def version(tmp_path: Path) -> DatasetVersion:
    """The small dataset with hidden labels, for `hand_in`."""
    folder = support.make_dataset(tmp_path / "dataset")
    return import_dataset(folder, Naming("small", "Small parts", "1"), labels="hidden")


@pytest.fixture
def twin(tmp_path: Path, version: DatasetVersion) -> DatasetVersion:
    """The same dataset with public labels."""
    return import_dataset(tmp_path / "dataset", Naming("twin", "Twin", "1"))


def opaque(version: DatasetVersion, files: dict[str, bytes]) -> dict[str, bytes]:
    """An archive's members under public ids."""
    renamed = {}
    for name, data in files.items():
        match = re.fullmatch(r"(.*?)([^/]+)/test/(\w+/\w+)(\.\w+)", name)
        assert match is not None
        top, category, key, ending = match.groups()
        public = ground_truth.truth(version, category).public_ids[key]
        renamed[f"{top}{category}/test/{public}{ending}"] = data
    return renamed


def as_tiff(files: dict[str, bytes]) -> dict[str, bytes]:
    """The members as float32 maps of distinct values."""
    found = {}
    for number, name in enumerate(files):
        values = np.random.default_rng(number).normal(size=(support.SIZE[1], support.SIZE[0]))
        stream = io.BytesIO()
        tifffile.imwrite(stream, values.astype(np.float32))
        found[name.replace(".png", ".tiff")] = stream.getvalue()
    return found


def scores_csv(keys: dict[str, list[str]]) -> bytes:
    """`image_scores.csv`: a score for each key that is the same whatever the key's name."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["category", "image", "score"])
    for category, names in keys.items():
        for number, name in enumerate(names):
            writer.writerow([category, name, (number * 7) % 5 / 10])
    return stream.getvalue().encode()


def hand(owner: User, version: DatasetVersion, files: dict[str, bytes], name: str) -> Submission:
    data = support.zipped(files)
    digest = hashlib.sha256(data).hexdigest()
    handed = Handed(ContentFile(data, "m.zip"), "m.zip", digest, method_name=name, declared=True)
    return submit(owner, version, handed)


@pytest.mark.parametrize("kind", ["png8", "tiff32", "image_scores"])
def test_opaque_ids_score_the_same_bytes_as_the_official_layout(
    kind: str, owner: User, version: DatasetVersion, twin: DatasetVersion, work_off
) -> None:
    files = support.members(runs=2)
    files = as_tiff(files) if kind == "tiff32" else files
    renamed = opaque(version, files)
    if kind == "image_scores":
        keys = {category: list(support.IMAGES) for category in support.CATEGORIES}
        ids = {
            category: [ground_truth.truth(version, category).public_ids[key] for key in names]
            for category, names in keys.items()
        }
        files |= {"run_0/image_scores.csv": scores_csv(keys)}
        renamed |= {"run_0/image_scores.csv": scores_csv(ids)}
    one = hand(owner, version, renamed, "opaque")
    other = hand(owner, twin, files, "official")
    work_off()
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.state, other.state) == (State.SCORED, State.SCORED)
    for row in other.scores.all():
        kept = hidden.kept_report(one, row.run, row.category, row.scorer_version)
        assert dumps(kept) == dumps(row.report)


def test_what_a_score_was_made_from_stays_with_the_ground_truth(
    owner: User, version: DatasetVersion, twin: DatasetVersion, work_off
) -> None:
    closed = hand(owner, version, opaque(version, support.members()), "closed")
    work_off()
    results = Score._meta.get_field("arrays").storage
    assert not results.exists(str(closed.pk))
    assert [(row.intervals, row.arrays.name) for row in closed.scores.all()] == [({}, "")] * 2
    for job in closed.jobs.filter(kind=Job.Kind.SCORE):
        assert set(job.result) == {"scorer_version"}
    place = f"{ground_truth.folder(version)}/results/{closed.pk}/{SCORER_VERSION}/run_0"
    _, files = ground_truth.storage().listdir(place)
    names = [f"{category}.{kind}" for category in version.categories for kind in ("json", "npz")]
    assert sorted(files) == sorted(names)
    open_one = hand(owner, twin, support.members(), "open")
    work_off()
    for row in open_one.scores.all():
        assert row.intervals
        kept = ground_truth.storage().open(f"{place}/{row.category}.npz")
        with kept, row.arrays.open("rb") as shown:
            assert kept.read() == shown.read()


def test_no_result_file_is_written_where_labels_are_hidden(version: DatasetVersion) -> None:
    job = Job(submission=Submission(dataset_version=version), run="run_0", category="clip")
    with pytest.raises(ValueError, match="labels are hidden"):
        arrays.write(job, None)  # type: ignore[arg-type]


def test_the_command_checks_against_a_public_pack_and_cannot_score_it(
    version: DatasetVersion, tmp_path: Path
) -> None:
    archive = tmp_path / "maps.zip"
    archive.write_bytes(support.zipped(opaque(version, support.members())))
    assert validate(packs.path(version), archive).n_maps == 12
    with pytest.raises(DatasetError, match="their ground truth is not here"):
        score(packs.path(version), archive)


@pytest.fixture
def scored(owner: User, version: DatasetVersion, work_off) -> Submission:
    """A scored submission of two runs."""
    submission = hand(owner, version, opaque(version, support.members(runs=2)), "Blur")
    work_off()
    submission.refresh_from_db()
    assert submission.state == State.SCORED
    return submission


def test_the_database_holds_rounded_summaries_only(scored: Submission) -> None:
    rows = list(Score.objects.values("run", "category", "report"))
    assert [(row["run"], row["category"]) for row in rows] == [("all", "bracket"), ("all", "clip")]
    assert [set(job.result or {}) for job in scored.jobs.filter(kind=Job.Kind.SCORE)] == [
        {"scorer_version"}
    ] * 4
    for row in rows:
        assert set(row["report"]) == {"image_auroc", "image_ap", "tpr_at_tnr", "au_spro"}
        for point in hidden.POINTS:
            value: Any = point.value(row["report"])
            assert set(value) == {"mean", "std", "n"}
            assert value["mean"] == round(value["mean"], 3)
            assert value["std"] == round(value["std"], 3)


def test_what_is_told_is_the_mean_over_runs_to_a_tenth_of_a_percent(scored: Submission) -> None:
    told = json.loads(report_json(scored))
    assert set(told) == {"schema", "scorer_version", "runs", "categories", "mean"}
    assert (told["schema"], told["runs"]) == ("hidden-1", 2)
    exact = [hidden.kept_report(scored, run, "clip", "1.0.0") for run in ("run_0", "run_1")]
    values = np.array([report["au_spro"]["0.05"] for report in exact])
    assert told["categories"]["clip"]["au_spro"]["0.05"] == {
        "mean": round(values.mean(), 3),
        "std": round(values.std(ddof=1), 3),
    }
    assert told["mean"]["image_auroc"]["mean"] == round(
        np.mean([told["categories"][name]["image_auroc"]["mean"] for name in told["categories"]]),
        3,
    )


def addresses(submission: Submission) -> list[str]:
    """Everything that a submitter can read of a hidden board."""
    slug, method = submission.dataset_version.slug, submission.method.slug
    board = f"/boards/{slug}/"
    pages = [reverse(f"submissions:{name}", args=[submission.pk]) for name in ("detail", "report")]
    pages += [reverse("submissions:progress", args=[submission.pk]), "/submissions/", "/boards/"]
    pages += [board, f"{board}clip/", f"{board}bracket/", f"/methods/{method}/"]
    pages += [f"{board}export.csv", f"{board}export.json", f"{board}export.json?category=clip"]
    return [*pages, f"{board}clip/?metric=au_spro@0.01", f"{board}?metric=tpr_at_tnr@0.99"]


def read(client: Any, submission: Submission) -> list[str]:
    """The bodies and headers of all addresses, without ids, times and tokens."""
    found = []
    for address in addresses(submission):
        answer = client.get(address)
        assert answer.status_code == 200, address
        text = f"{sorted(answer.headers.items())}\n{answer.content.decode()}"
        for value in (str(submission.pk), submission.sha256, submission.sha256[:12]):
            text = text.replace(value, "-")
        text = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.+]+|\d\d:\d\d(:\d\d)?", "-", text)
        text = re.sub(r"(csrfmiddlewaretoken\" value=|seen=|sessionid|csrftoken=)\S*", "-", text)
        found.append(f"{address.replace(str(submission.pk), '-')}\n{text}")
    return found


def test_no_page_names_a_folder_a_run_a_count_or_more_digits(
    scored: Submission, owner: User, client
) -> None:
    client.force_login(owner)
    for text in read(client, scored):
        assert not [word for word in SECRET_WORDS if word in text.lower()], text
        assert not re.search(r"\b0\.\d{4,}", text), text
    assert client.get("/boards/small/?metric=pixel_auroc").status_code == 404


def test_nothing_is_told_before_all_is_scored(owner: User, version, client) -> None:
    client.force_login(owner)
    submission = hand(owner, version, opaque(version, support.members()), "Blur")
    perform(submission.jobs.get().pk, "test")
    first, _ = submission.jobs.filter(kind=Job.Kind.SCORE)
    perform(first.pk, "test")
    first.refresh_from_db()
    assert (first.done, first.total) == (0, 0)
    assert Score.objects.count() == 0
    assert client.get(reverse("submissions:report", args=[submission.pk])).status_code == 404
    page = client.get(reverse("submissions:detail", args=[submission.pk])).content.decode()
    assert "Results" not in page
    assert not re.search(r"\d+ of \d+ maps", page)


def relabel(version: DatasetVersion, category: str, swaps: dict[str, str]) -> CategoryTruth:
    """Give the images of a category other labels: public ids change places as ``swaps`` says."""
    truth = ground_truth.truth(version, category)
    ids = {key: truth.public_ids[swaps.get(key, key)] for key in truth.public_ids}
    return replace(truth, public_ids=ids)


def test_error_texts_are_the_same_whichever_label_an_image_has(
    owner: User, version: DatasetVersion, settings
) -> None:
    version.rejected_per_day = 100
    version.save()
    sound = opaque(version, support.members())
    names = [name for name in sound if name.startswith("clip/")]
    bad = support.png(np.zeros((5, 400, 3), np.uint8))
    archives = [{**sound, name: bad} for name in names]
    archives += [{key: data for key, data in sound.items() if key != name} for name in names]

    def problems() -> list[tuple[list[str], list[str]]]:
        told = []
        for files in archives:
            submission = hand(owner, version, files, f"Method {Submission.objects.count()}")
            perform(submission.jobs.get().pk, "test")
            submission.refresh_from_db()
            assert submission.state == State.REJECTED
            told.append((submission.problems, [event.text for event in submission.events.all()]))
        return told

    before = problems()
    swapped = {"good/0000": "missing/0000", "missing/0000": "good/0000"}
    truth = relabel(version, "clip", swapped)
    packs_now = {"clip": pack_bytes(truth), "bracket": b""}
    ground_truth.write(version, packs_now, {})
    assert problems() == before
    root = settings.GROUND_TRUTH_ROOT
    root.rename(root.with_name("elsewhere"))
    del settings.GROUND_TRUTH_ROOT
    assert problems() == before


def test_validation_opens_nothing_private(
    owner: User, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = hand(owner, version, opaque(version, support.members()), "Blur")

    def closed(*args: object) -> None:
        raise AssertionError("the ground truth was opened")

    with monkeypatch.context() as patched:
        patched.setattr(ground_truth.GroundTruthStorage, "folder", closed)
        patched.setattr(ground_truth, "read_pack", closed)
        perform(submission.jobs.get().pk, "test")
    submission.refresh_from_db()
    assert submission.state == State.SCORING


def test_an_error_while_scoring_names_no_image(
    owner: User, version: DatasetVersion, settings, caplog: pytest.LogCaptureFixture
) -> None:
    submission = hand(owner, version, opaque(version, support.members()), "Blur")
    perform(submission.jobs.get().pk, "test")
    truth = ground_truth.truth(version, "clip")
    other = replace(truth, sizes={**truth.sizes, "missing/0000": (1, 1)})
    ground_truth.write(version, {"clip": pack_bytes(other), "bracket": pack_bytes(other)}, {})
    perform(submission.jobs.get(category="clip").pk, "test")
    job = submission.jobs.get(category="clip")
    assert "DatasetError (its message is left out: labels are hidden)" in job.error
    for text in (job.error, caplog.text):
        assert "missing/" not in text


@pytest.mark.parametrize("kind", ["png8", "tiff32"])
def test_the_decoding_of_maps_depends_on_no_label(
    kind: str, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a map that takes long to decode would tell its image's label by the time it takes."""
    asked: list[str] = []
    decode = evaluate.DecoderPool.decode

    def watched(self: Any, requests: Any) -> Any:
        listed = list(requests)
        asked.extend(request.member.name for request in listed)
        return decode(self, iter(listed))

    monkeypatch.setattr(evaluate.DecoderPool, "decode", watched)
    files = support.members(categories=["clip"])
    files = opaque(version, as_tiff(files) if kind == "tiff32" else files)
    archive = tmp_path / "maps.zip"
    archive.write_bytes(support.zipped(files))
    seen = []
    for swaps in ({}, {"good/0000": "bent/0000", "bent/0000": "good/0000"}):
        truth = relabel(version, "clip", swaps)
        asked.clear()
        evaluate.score_category(packs.path(version), archive, "run_0", "clip", truth=truth)
        seen.append((asked[: len(files)], sorted(asked)))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == len(files) * (2 if kind == "tiff32" else 1)


def image_metrics(scores: dict[str, float], anomalous: set[str]) -> tuple[float, ...]:
    """Image AUROC, AP and the three TPR at TNR, exact."""
    from scoring import image_level

    counts = threshold_counts(
        [score for key, score in scores.items() if key not in anomalous],
        [score for key, score in scores.items() if key in anomalous],
    )
    tprs = [image_level.tpr_at_tnr(counts, tnr) for tnr in (0.99, 0.95, 0.9)]
    return (auroc(counts), image_level.average_precision(counts), *tprs)


def indistinct(scores: dict[str, float], anomalous: set[str]) -> tuple[str, str]:
    """A good and an anomalous image whose exchange changes exact metrics but no rounded one."""
    exact = image_metrics(scores, anomalous)
    told = [round(value, 3) for value in exact]
    ordered = sorted(scores, key=lambda key: scores[key])
    for one, other in pairwise(ordered):
        if (one in anomalous) == (other in anomalous):
            continue
        changed = image_metrics(scores, anomalous ^ {one, other})
        if changed != exact and [round(value, 3) for value in changed] == told:
            return (other, one) if one in anomalous else (one, other)
    raise AssertionError("no such pair")


def test_labelings_of_equal_rounded_metrics_cannot_be_told_apart(
    tmp_path: Path, owner: User, client, work_off
) -> None:
    """An attacker who knows all scores reads everything: two labelings give the same bytes.

    With exact metrics the two would differ, so those are what would give labels back.
    """
    counts = {"good": 60, "missing": 40}
    folder = sources.official(tmp_path / "own", ("bracket", "clip"), counts)
    version = import_dataset(folder, Naming("own", "Own", "1"), labels="hidden")
    truths = {name: ground_truth.truth(version, name) for name in version.categories}
    blank = support.png(np.zeros((sources.SIZE[1], sources.SIZE[0]), np.uint8))
    random = np.random.default_rng(1)
    files, rows = {}, ["category,image,score"]
    scores: dict[str, dict[str, float]] = {}
    for category, truth in truths.items():
        scores[category] = {key: float(value) for key, value in zip(
            truth.sizes, random.permutation(len(truth.sizes)), strict=True)}  # fmt: skip
        for key, public in truth.public_ids.items():
            files[f"{category}/test/{public}.png"] = blank
            rows.append(f"{category},{public},{scores[category][key]}")
    files["image_scores.csv"] = "\n".join(rows).encode()
    good, bad = indistinct(scores["clip"], set(truths["clip"].anomalous))
    client.force_login(owner)

    def responses() -> tuple[list[str], float]:
        submission = hand(owner, version, files, "Attack")
        work_off()
        submission.refresh_from_db()
        assert submission.state == State.SCORED
        exact = hidden.kept_report(submission, "run_0", "clip", "1.0.0")["image_auroc"]
        told = read(client, submission)
        method = submission.method
        submission.delete()
        method.delete()
        return told, exact

    first, exact_first = responses()
    other = relabel(version, "clip", {good: bad, bad: good})
    packed = {"bracket": pack_bytes(truths["bracket"]), "clip": pack_bytes(other)}
    ground_truth.write(version, packed, {})
    second, exact_second = responses()
    assert exact_first != exact_second
    assert first == second


def test_twenty_a_month(owner: User, version: DatasetVersion, hand_in) -> None:
    version.submissions_per_day = 100
    version.submissions_per_month = 3
    version.save()
    now = timezone.now()
    for days in (40, 10, 5):
        submission = hand_in(support.members())
        put(submission, created=now - timedelta(days=days), state=State.SCORED)
    left = policies.quota(owner, version)
    assert (left.month_left, left.left) == (1, 1)
    hand_in(support.members())
    spent = policies.quota(owner, version, now)
    assert spent.left == 0
    assert spent.next_at == now - timedelta(days=10) + policies.MONTH
