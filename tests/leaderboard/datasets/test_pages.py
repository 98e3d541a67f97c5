"""The datasets' pages: what they say, and what they keep back where labels are hidden."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from leaderboard.datasets.about import about
from leaderboard.datasets.autovi import MANIFEST
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.register_autovi import register_autovi

DEFECTS = [
    {"defect_name": "unclipped", "pixel_value": 255, "saturation_threshold": 0.5,
     "relative_saturation": True},
    {"defect_name": "hoop", "pixel_value": 128, "saturation_threshold": 620,
     "relative_saturation": False},
    {"defect_name": "scratch", "pixel_value": 1, "saturation_threshold": 1.0,
     "relative_saturation": True},
]  # fmt: skip


def text(client: Client, address: str, status: int = 200) -> str:
    """A page's words."""
    answer = client.get(address)
    assert answer.status_code == status
    plain = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", plain)


@pytest.fixture
def autovi(db: None) -> DatasetVersion:
    return register_autovi()


@pytest.fixture
def with_defects(make_version) -> DatasetVersion:
    version = make_version("defects")
    version.manifest["pipe_clip"]["defects"] = DEFECTS
    version.save()
    return version


def test_the_list_names_every_dataset_with_its_counts(client, autovi, version) -> None:
    page = text(client, "/datasets/")
    assert "1,523 training, 2,399 test" in page
    assert "Small" in page
    assert "CC BY-NC-SA 4.0" in page


@pytest.mark.django_db
def test_an_empty_site_says_how_a_dataset_comes_here(client) -> None:
    assert "import_dataset" in text(client, "/datasets/")


def test_every_page_leads_to_the_datasets(client, version) -> None:
    assert 'href="/datasets/"' in client.get("/boards/").content.decode()
    assert 'href="/boards/small/"' in client.get("/datasets/small/").content.decode()


def test_autovis_tasks_have_words_of_their_own(autovi: DatasetVersion) -> None:
    texts = {task.name: task.text for task in about(autovi).tasks}
    assert set(texts) == set(MANIFEST)
    assert len(set(texts.values())) == 6


def test_other_datasets_say_what_is_true_of_all(client, version: DatasetVersion) -> None:
    found = about(version)
    assert len({task.text for task in found.tasks}) == 1
    assert found.paper is None


def test_samples_of_the_same_tasks_do_not_claim_to_be_the_papers_images(make_version) -> None:
    found = about(make_version("drawn", preset="autovi"))
    assert found.tasks[0].text != about(make_version("other")).tasks[0].text
    assert found.paper is None
    assert "running line" not in " ".join(found.split)


def test_counts_stand_beside_the_papers_where_they_differ(client, autovi: DatasetVersion) -> None:
    tasks = {task.name: task for task in about(autovi).tasks}
    clip, staple = tasks["pipe_clip"], tasks["pipe_staple"]
    assert [(count.here, count.paper) for count in (staple.train, staple.good, staple.anomalous)
            if count] == [(191, 198), (188, 199), (117, 127)]  # fmt: skip
    assert [(count.here, count.paper) for count in (clip.train, clip.good, clip.anomalous)
            if count] == [(195, 195), (195, 196), (142, 141)]  # fmt: skip
    differing = {name for name, task in tasks.items() for count in
                 (task.train, task.test, task.good, task.anomalous)
                 if count and count.differs}  # fmt: skip
    assert differing == {"pipe_clip", "pipe_staple"}
    page = text(client, "/datasets/autovi/")
    assert "191 paper 198" in page
    assert "285 paper" not in page
    assert "the staple category has some less of each kind" in page


def test_saturation_rules_are_said_in_words(client, with_defects: DatasetVersion) -> None:
    page = text(client, "/datasets/defects/")
    assert "unclipped 141 50 % of the region" in page
    assert "hoop – 620 pixels, or the whole region where it is smaller" in page
    assert "scratch – the whole region" in page


def test_hidden_labels_leave_nothing_by_label(client, with_defects: DatasetVersion) -> None:
    """Even where a row holds it."""
    DatasetVersion.objects.update(labels="hidden")
    page = client.get("/datasets/defects/").content.decode()
    for word in ("unclipped", "operator", "missing", "hoop", "Anomalous<", "Good<", "Saturation"):
        assert word not in page, word
    plain = text(client, "/datasets/defects/")
    counts = plain[plain.index("Kind") if "Kind" in plain else plain.index("Counts Images") :]
    assert not set(re.findall(r"\b\d{2,}\b", counts)) & {"95", "141", "142"}
    assert "337" in counts
    assert "keyed hash" in plain


def test_a_version_without_files_says_so(client, autovi: DatasetVersion) -> None:
    page = text(client, "/datasets/autovi/")
    assert "The images are not on this server" in page
    assert "doi:10.5281/zenodo.10459003" in page
    assert "<img" not in client.get("/datasets/autovi/").content.decode()


def test_pictures_are_lazy_and_have_their_place(client, version: DatasetVersion) -> None:
    page = client.get("/datasets/small/").content.decode()
    pictures = re.findall(r"<img [^>]+>", page)
    assert len(pictures) == 6
    for picture in pictures:
        assert 'loading="lazy"' in picture
        assert re.search(r'width="\d+" height="120"', picture)
        assert "alt=" in picture
        address = re.search(r'src="([^"]+)"', picture)
        assert address
        assert client.get(address[1]).status_code == 200


def test_downloads_stand_with_size_and_hash(client, version: DatasetVersion) -> None:
    page = text(client, "/datasets/small/")
    for name, digest in version.hashes.items():
        assert name in page
        assert digest in page


def test_the_commands_appear_with_the_licence_accepted(client, version: DatasetVersion) -> None:
    assert "curl" not in text(client, "/datasets/small/")
    client.post("/datasets/small/licence/", {"accept": "on"})
    page = client.get("/datasets/small/").content.decode()
    link = re.search(r"curl -C - -o pipe_clip-test.zip '([^']+)'", html.unescape(page))
    assert link
    assert "I accept" not in page
    path = link[1].replace("http://testserver", "")
    assert Client().head(path).status_code == 200


def test_licence_and_citation_are_there(client, version: DatasetVersion) -> None:
    page = client.get("/datasets/small/").content.decode()
    assert 'href="https://creativecommons.org/licenses/by-nc-sa/4.0/"' in page
    assert "@misc{small-1.0," in page


def test_an_unknown_licence_is_named_without_terms(client, make_version) -> None:
    make_version("odd", licence="House rules 3")
    page = text(client, "/datasets/odd/")
    assert "I accept House rules 3" in page
    assert "In short" not in page


@pytest.mark.parametrize("end", ["", "card.json", "SHA256SUMS", "pipe_clip/thumbnails/0"])
@pytest.mark.django_db
def test_an_unknown_dataset_is_not_found(client, end: str) -> None:
    assert client.get(f"/datasets/none/{end}").status_code == 404


def test_a_page_costs_the_same_for_many_categories(
    client, autovi: DatasetVersion, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(4):
        client.get("/datasets/autovi/")
