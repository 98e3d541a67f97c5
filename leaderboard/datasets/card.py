"""A dataset card in Croissant 1.0, the metadata format of MLCommons (JSON-LD).

https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.urls import reverse

from leaderboard.datasets.about import image_counts, words_of
from leaderboard.datasets.citation import bibtex
from leaderboard.datasets.files import downloads
from leaderboard.datasets.licences import licence_of
from leaderboard.datasets.models import DatasetVersion
from leaderboard.datasets.serving import StoredFile

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

Absolute = Callable[[str], str]
"""From a path of the site to its whole address."""


def dataset_card(version: DatasetVersion, absolute: Absolute) -> dict[str, Any]:
    """The card of a dataset version: its downloads, and the images in them as records.

    Records of test images have their folder where labels are public, and
    nothing but their name where they are hidden.
    """
    files = downloads(version)
    known = words_of(version)
    licence = licence_of(version)
    train, test = image_counts(version)
    card = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"{version.slug}-{version.version}",
        "alternateName": version.dataset.name,
        "description": version.dataset.description
        or f"{version.dataset.name}: {train} training and {test} test images.",
        "url": absolute(reverse("datasets:detail", args=[version.slug])),
        "version": _semantic(version.version),
        "license": (licence.url or licence.name) if licence else None,
        "citeAs": bibtex(version).strip(),
        "sameAs": f"https://doi.org/{version.doi}" if version.doi else None,
        "creator": {
            "@type": "sc:Organization",
            "name": known.get("creator") or settings.SITE_NAME,
        },
        "publisher": {"@type": "sc:Organization", "name": settings.SITE_NAME},
        "datePublished": known.get("published") or _imported(version),
        "keywords": known.get("keywords"),
        "isLiveDataset": False,
        "distribution": _distribution(version, files, absolute),
        "recordSet": _record_sets(version, files),
    }
    return {key: value for key, value in card.items() if value not in (None, [])}


def _distribution(
    version: DatasetVersion, files: dict[str, StoredFile], absolute: Absolute
) -> list[dict[str, Any]]:
    """A FileObject a zip, and a FileSet of the images in it."""
    nodes: list[dict[str, Any]] = []
    for name, file in files.items():
        address = absolute(reverse("datasets:download", args=[version.slug, name]))
        nodes.append(
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "description": f"{version.licence or 'No licence'}; "
                "the download asks for its acceptance.",
                "contentUrl": address,
                "contentSize": f"{file.size} B",
                "encodingFormat": file.content_type,
                "sha256": file.sha256,
            }
        )
        nodes.append(
            {
                "@type": "cr:FileSet",
                "@id": _images(name),
                "name": _images(name),
                "containedIn": {"@id": name},
                "encodingFormat": "image/png",
                "includes": "**/*.png",
            }
        )
    return nodes


def _record_sets(version: DatasetVersion, files: dict[str, StoredFile]) -> list[dict[str, Any]]:
    return [_record_set(version, name) for name in files]


def _record_set(version: DatasetVersion, name: str) -> dict[str, Any]:
    """The images of one zip: content, name, and the folder where it may be known."""
    record_set = name.removesuffix(".zip")
    fields = [
        _field(name, "image", "The image.", "sc:ImageObject", {"fileProperty": "content"}),
        _field(
            name,
            "path",
            "Where it lies: category, part and name.",
            "sc:Text",
            {"fileProperty": "fullpath"},
        ),
    ]
    if record_set.endswith("-test") and not version.has_opaque_ids:
        folder = _field(
            name,
            "folder",
            "good, or the kind of defect.",
            "sc:Text",
            {"fileProperty": "fullpath"},
        )
        folder["source"]["transform"] = {"regex": r".*/test/([^/]+)/[^/]+$"}
        fields.append(folder)
    return {
        "@type": "cr:RecordSet",
        "@id": record_set,
        "name": record_set,
        "description": f"The images of {name}.",
        "field": fields,
    }


def _field(
    name: str, field: str, description: str, kind: str, extract: dict[str, str]
) -> dict[str, Any]:
    whole = f"{name.removesuffix('.zip')}/{field}"
    return {
        "@type": "cr:Field",
        "@id": whole,
        "name": whole,
        "description": description,
        "dataType": kind,
        "source": {"fileSet": {"@id": _images(name)}, "extract": extract},
    }


def _images(name: str) -> str:
    return f"{name.removesuffix('.zip')}-images"


def _semantic(version: str) -> str:
    """A version as Croissant likes it: MAJOR.MINOR.PATCH, where it is numbers with dots."""
    parts = version.split(".")
    if len(parts) < 3 and all(part.isdigit() for part in parts):
        return ".".join((*parts, "0", "0")[:3])
    return version


def _imported(version: DatasetVersion) -> str | None:
    return version.imported_at.date().isoformat() if version.imported_at else None
