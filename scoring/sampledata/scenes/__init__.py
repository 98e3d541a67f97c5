"""One module a category: its still backdrop, and the parts that change from picture to picture.

A scene is two functions. `backdrop(canvas, rng)` draws what never moves, once a dataset.
`parts(canvas, rng, defects)` draws the rest of one picture with the named defects (one name may
come twice) and gives their regions: (defect, coverage 0..1 of the canvas's shape).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.scenes import (
    engine_wiring,
    pipe_clip,
    pipe_staple,
    tank_screw,
    underbody_pipes,
    underbody_screw,
)

Regions = list[tuple[str, Plane]]


@dataclass(frozen=True)
class Scene:
    """How a category is drawn."""

    backdrop: Callable[[Canvas, np.random.Generator], None]
    parts: Callable[[Canvas, np.random.Generator, Sequence[str]], Regions]


SCENES: Mapping[str, Scene] = {
    module.__name__.rsplit(".", 1)[-1]: Scene(module.backdrop, module.parts)
    for module in (
        engine_wiring, pipe_clip, pipe_staple, tank_screw, underbody_pipes, underbody_screw,
    )
}  # fmt: skip
