"""What is known of AutoVI v1.0.0 before its files are on a server: the import preset.

Counts are those of the published files (they differ a little from the paper's
Table 3), sizes are width x height in pixels. DOI 10.5281/zenodo.10459003.
"""

from __future__ import annotations

from typing import Any

SLUG, NAME, VERSION = "autovi", "AutoVI", "1.0.0"
DOI = "10.5281/zenodo.10459003"
LICENCE = "CC BY-NC-SA 4.0"
CITATION = (
    "AutoVI, version 1.0.0. (c) Renault Group 2023-2024. https://doi.org/10.5281/zenodo.10459003"
)
AUTHORS = "Carvalho and Lafou and Durupt and Leblanc and Grandvalet"
YEAR = 2024
"""Of the paper and of the published dataset."""
DESCRIPTION = (
    "Six inspection tasks from a car assembly line, with structural and logical anomalies under "
    "real variation of light, focus and position."
)

LABELS = {
    "engine_wiring": "Wiring",
    "pipe_clip": "Clip",
    "pipe_staple": "Staple",
    "tank_screw": "T. screw",
    "underbody_pipes": "Pipes",
    "underbody_screw": "U. screw",
}
"""Short names of the categories, for tables."""


def _category(
    name: str, size: tuple[int, int], train: int, good: int, **folders: int
) -> dict[str, Any]:
    width, height = size
    return {
        "label": LABELS[name],
        "width": width,
        "height": height,
        "train": train,
        "test": good + sum(folders.values()),
        "good": good,
        "folders": folders,
    }


_SMALL, _LARGE = (400, 400), (1000, 750)

MANIFEST: dict[str, dict[str, Any]] = {
    "engine_wiring": _category(
        "engine_wiring",
        _SMALL,
        285,
        285,
        blue_hoop=5,
        cardboard=5,
        fastening=277,
        multiple=33,
        obstruction=2,
    ),
    "pipe_clip": _category("pipe_clip", _SMALL, 195, 195, operator=1, unclipped=141),
    "pipe_staple": _category("pipe_staple", _SMALL, 191, 188, missing=117),
    "tank_screw": _category("tank_screw", _LARGE, 318, 318, missing=95),
    "underbody_pipes": _category(
        "underbody_pipes", _LARGE, 161, 161, multiple=1, obstruction=180, operator=3
    ),
    "underbody_screw": _category("underbody_screw", _LARGE, 373, 374, missing=18),
}

COUNTS = {name: (about["train"], about["test"]) for name, about in MANIFEST.items()}
"""Training and test images of each category."""

ZIPS = {
    "engine_wiring": "252590d3249f7fbdf83a7e9b735ef0df175adc218460247e9a63bef1c03d420c",
    "pipe_clip": "955bb17b3a471e23979f46f998a4723acd00cf3afc4d5edf0578dfb6ea80d6c3",
    "pipe_staple": "fb9287f2cc86d660310e9886fdebbe2bd17269e853e29d06d708c6a996df1b18",
    "tank_screw": "48d7193164b36de03cc10c9f7b1b64ea98a0ce7aa57867c8f1d96341c497b4b0",
    "underbody_pipes": "fc1e53336d46fb2317d71e95c011bac012b609f2898fdb02780c920c19a113c7",
    "underbody_screw": "3e9bf6a43033a22c7c9f927a43c392a3b037d22580a27a48d379d4504d9cc6cf",
}
"""SHA-256 of the published zip of each category, ``<category>.zip``."""
