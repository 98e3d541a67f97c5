"""Exact scores for anomaly maps: the library behind the board and the `autovi` command."""

from scoring.errors import DatasetError, Refused
from scoring.evaluate import Contents, score, score_category, validate
from scoring.limits import Limits
from scoring.manifest import CategoryManifest, Manifest, read_manifest
from scoring.report import CategoryResult, Report, assemble, dumps
from scoring.version import SCORER_VERSION

__all__ = [
    "SCORER_VERSION",
    "CategoryManifest",
    "CategoryResult",
    "Contents",
    "DatasetError",
    "Limits",
    "Manifest",
    "Refused",
    "Report",
    "assemble",
    "dumps",
    "read_manifest",
    "score",
    "score_category",
    "validate",
]
