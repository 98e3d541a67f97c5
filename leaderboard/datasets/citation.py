"""How to cite a dataset version."""

from __future__ import annotations

from leaderboard.datasets import autovi
from leaderboard.datasets.models import DatasetVersion


def bibtex(version: DatasetVersion) -> str:
    """The version's own citation where it is a BibTeX entry, else one made of what is known."""
    if version.citation.lstrip().startswith("@"):
        return version.citation.strip() + "\n"
    dataset = version.dataset
    by_paper = dataset.slug == autovi.SLUG
    fields = {
        "author": autovi.AUTHORS if by_paper else "",
        "title": f"{{{dataset.name}}}, version {version.version}",
        "year": _year(version, by_paper),
        "doi": version.doi,
        "note": version.licence,
    }
    lines = [f"  {key:<7} = {{{value}}}" for key, value in fields.items() if value]
    body = ",\n".join(lines)
    return f"@misc{{{dataset.slug}-{version.version},\n{body}\n}}\n"


def _year(version: DatasetVersion, by_paper: bool) -> str:
    """The paper's dataset came out with it; of another one the day of its import is known."""
    if by_paper:
        return str(autovi.YEAR)
    return str(version.imported_at.year) if version.imported_at else ""
