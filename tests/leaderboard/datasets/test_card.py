"""The dataset card against Croissant 1.0, by the format's own library and by its required keys."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leaderboard.datasets.card import CONFORMS_TO
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.services.register_autovi import register_autovi

# https://docs.mlcommons.org/croissant/docs/croissant-spec.html, "Required" of each class.
DATASET = ("@context", "@type", "conformsTo", "description", "license", "name", "url", "creator",
           "datePublished")  # fmt: skip
FILE = ("@type", "@id", "name", "contentUrl", "contentSize", "encodingFormat", "sha256")
FILE_SET = ("@type", "@id", "name", "containedIn", "encodingFormat", "includes")
FIELD = ("@type", "@id", "name", "description", "dataType", "source")

VALIDATE = """
import logging, sys, warnings
warnings.simplefilter("ignore")  # of the library's own dependencies
import mlcroissant
dataset = mlcroissant.Dataset(sys.argv[1])
issues = dataset.metadata.ctx.issues
print(issues.report())
print(sorted(record_set.id for record_set in dataset.metadata.record_sets))
sys.exit(bool(issues.errors or issues.warnings))
"""


def card_of(client, slug: str) -> dict[str, Any]:
    answer = client.get(f"/datasets/{slug}/card.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/ld+json"
    return json.loads(answer.content)


def nodes(card: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [node for node in card["distribution"] if node["@type"] == kind]


def test_every_required_key_is_there(client, version: DatasetVersion) -> None:
    card = card_of(client, "small")
    assert card["conformsTo"] == CONFORMS_TO
    assert card["@type"] == "sc:Dataset"
    for keys, found in (
        (DATASET, [card]),
        (FILE, nodes(card, "cr:FileObject")),
        (FILE_SET, nodes(card, "cr:FileSet")),
        (FIELD, [field for record_set in card["recordSet"] for field in record_set["field"]]),
    ):
        assert found
        for node in found:
            assert set(keys) <= set(node), node
            assert all(node[key] for key in keys)


def test_every_reference_leads_somewhere_and_every_id_is_there_once(
    client, version: DatasetVersion
) -> None:
    text = json.dumps(
        card_of(client, "small")["distribution"] + card_of(client, "small")["recordSet"]
    )
    named = re.findall(r'"@type": "[^"]+", "@id": "([^"]+)"', text)
    assert len(named) == len(set(named))
    assert set(re.findall(r'{"@id": "([^"]+)"}', text)) <= set(named)


def test_files_are_those_of_the_downloads(client, version: DatasetVersion) -> None:
    files = {node["name"]: node for node in nodes(card_of(client, "small"), "cr:FileObject")}
    assert set(files) == set(version.files)
    for name, node in files.items():
        assert node["sha256"] == version.hashes[name]
        assert node["contentSize"] == f"{version.files[name]} B"
        assert node["contentUrl"] == f"http://testserver/datasets/small/download/{name}"


def test_folders_are_records_fields_where_labels_are_public_only(client, make_version) -> None:
    make_version("open")
    make_version("closed", labels="hidden")
    assert '"folder' not in json.dumps(card_of(client, "closed")).replace("fullpath", "")
    assert "pipe_clip-test/folder" in json.dumps(card_of(client, "open"))


def test_the_folders_expression_finds_the_folder(client, version: DatasetVersion) -> None:
    record_sets = card_of(client, "small")["recordSet"]
    every = [field for record_set in record_sets for field in record_set["field"]]
    fields = [field for field in every if field["@id"].endswith("-test/folder")]
    assert len(fields) == 2
    for field in fields:
        found = re.match(field["source"]["transform"]["regex"], "/x/pipe_clip/test/good/0000.png")
        assert found
        assert found[1] == "good"


@pytest.mark.parametrize("slug", ["small", "closed", "autovi"])
def test_the_formats_own_library_finds_nothing_wrong(
    client, make_version, tmp_path: Path, slug: str
) -> None:
    make_version("small")
    make_version("closed", labels="hidden")
    register_autovi()
    (tmp_path / "card.json").write_text(json.dumps(card_of(client, slug)))
    command = [sys.executable, "-c", VALIDATE, str(tmp_path / "card.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
