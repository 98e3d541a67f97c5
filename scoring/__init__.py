"""Exact scores for anomaly maps: the library behind the board and the `autovi` command.

Names are imported when first used: a decoding process or a web page that needs one small module
does not wait for compilers and image libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "scoring.errors": ("DatasetError", "Refused"),
    "scoring.evaluate": ("Contents", "score", "score_category", "validate"),
    "scoring.limits": ("Limits",),
    "scoring.manifest": ("CategoryManifest", "Manifest", "read_manifest"),
    "scoring.report": ("CategoryResult", "Report", "assemble", "dumps"),
    "scoring.version": ("SCORER_VERSION",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
