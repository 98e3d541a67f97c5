"""What a sample dataset holds: the six AutoVI categories, their sizes, counts and defects.

The names, sizes and counts are those of AutoVI v1.0.0 (DOI 10.5281/zenodo.10459003). The pixel
values and most saturation thresholds are our own: the renderings are not AutoVI's pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RegionFormat = Literal["grey", "rgb", "red"]  # grey | RGB with R = G = B | RGB with red alone


@dataclass(frozen=True)
class Defect:
    """One entry of defects_config.json; `threshold` is a share (relative) or pixels (absolute)."""

    name: str
    pixel_value: int
    threshold: float
    relative: bool = True

    def entry(self) -> dict[str, object]:
        """The entry as the file holds it."""
        return {
            "defect_name": self.name,
            "pixel_value": self.pixel_value,
            "saturation_threshold": self.threshold,
            "relative_saturation": self.relative,
        }


@dataclass(frozen=True)
class Category:
    """One inspection task: picture size (width, height), published counts, defects."""

    name: str
    size: tuple[int, int]
    train: int
    good: int
    folders: Mapping[str, int]
    defects: tuple[Defect, ...]
    region_format: RegionFormat = "grey"
    mixtures: tuple[tuple[str, ...], ...] = field(default=())  # what a `multiple` image may show

    def pixel_value(self, defect: str) -> int:
        """The pixel value of a defect. Raises KeyError for a name the category lacks."""
        return {d.name: d.pixel_value for d in self.defects}[defect]


_SMALL = (400, 400)
_LARGE = (1000, 750)

_ALL = (
    Category(
        "engine_wiring", _SMALL, 285, 285,
        {"blue_hoop": 5, "cardboard": 5, "fastening": 277, "multiple": 33, "obstruction": 2},
        (
            Defect("blue_hoop", 255, 620, relative=False),
            Defect("fastening", 250, 0.6),
            Defect("cardboard", 245, 0.4),
            Defect("obstruction", 240, 0.3),
        ),
        "red",
        (("fastening", "fastening"), ("blue_hoop", "fastening"), ("fastening", "cardboard"),
         ("blue_hoop", "fastening", "cardboard"), ("fastening", "obstruction")),
    ),
    Category(
        "pipe_clip", _SMALL, 195, 195, {"operator": 1, "unclipped": 141},
        (Defect("unclipped", 255, 0.5), Defect("operator", 128, 0.3)), "rgb",
    ),
    Category(
        "pipe_staple", _SMALL, 191, 188, {"missing": 117}, (Defect("missing", 255, 0.7),), "grey",
    ),
    Category(
        "tank_screw", _LARGE, 318, 318, {"missing": 95}, (Defect("missing", 255, 0.7),), "red",
    ),
    Category(
        "underbody_pipes", _LARGE, 161, 161, {"multiple": 1, "obstruction": 180, "operator": 3},
        (Defect("obstruction", 255, 0.35), Defect("operator", 254, 0.3)), "red",
        (("obstruction", "operator"), ("obstruction", "obstruction")),
    ),
    Category(
        "underbody_screw", _LARGE, 373, 374, {"missing": 18}, (Defect("missing", 1, 0.7),), "grey",
    ),
)  # fmt: skip

CATALOGUE: Mapping[str, Category] = {category.name: category for category in _ALL}


def scaled(count: int, scale: float) -> int:
    """How many of `count` pictures a dataset of this scale holds: at least one."""
    return max(1, round(scale * count))
