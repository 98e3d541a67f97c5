"""A quick coupling between a hose and a pipe, locked by a wire staple."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.parts import ground, hex_screw
from scoring.sampledata.shapes import Point, place
from scoring.sampledata.solids import barrel, puck, slab, solid
from scoring.sampledata.tubes import tube

CENTRE = (204.0, 210.0)
ANGLE = 0.16
LEGS = (-17.0, 17.0)  # of the staple, along the pipe
SLEEVE = 52.0  # radius of the coupling
PLASTIC = m.SATIN_PLASTIC.tinted(1.5)
COLLARS = (  # along the pipe, half length, radius, surface
    (-98, 11, 46, m.STEEL),
    (0, 58, SLEEVE, PLASTIC),
    (-60, 9, SLEEVE + 7, PLASTIC.tinted(1.1)),
    (58, 8, SLEEVE + 7, PLASTIC.tinted(1.1)),
    (84, 20, 40, m.GREEN_PLASTIC.tinted(0.8)),
    (110, 7, 44, PLASTIC),
)


def backdrop(canvas: Canvas, rng: np.random.Generator) -> None:
    """An engine bay out of focus, the hose, the coupling with its slots, the pipe."""
    ground(canvas, rng, m.ENGINE.tinted(0.75), relief=0.06, largest=80, dirt=0.35)
    _ledge(canvas)
    low = shapes.spline([(-50, 345), (110, 366), (270, 348), (450, 372)])
    tube(canvas, low, 25, m.RUBBER, height=10, ribs=13, rib_depth=0.4)
    loom = shapes.spline([(300, -50), (318, 90), (296, 250), (330, 450)])
    tube(canvas, loom, 11, m.TAPE, height=9)
    hex_screw(canvas, (92.0, 40.0), 21, 0.5, m.STEEL)
    canvas.defocus(1.5)
    ends = ((-340, 0), (-210, 5), (-40, 0), (340, 0))
    start, bow, mid, end = (place(CENTRE, ANGLE, u, v) for u, v in ends)
    tube(canvas, shapes.spline([start, bow, mid]), 41, m.RUBBER.tinted(1.7), height=14)
    tube(canvas, [mid, end], 29, m.ZINC.tinted(0.92), height=13)
    _coupling(canvas)


def _ledge(canvas: Canvas) -> None:
    def above(x: Plane, y: Plane) -> Plane:
        return y - 62 - 9 * np.sin(x * np.float32(0.017))

    metal = m.ALUMINIUM.tinted(0.9)
    solid(canvas, (-40, -40, 440, 96), above, metal, bevel=22, tilt=0.7, height=12)


def _coupling(canvas: Canvas) -> None:
    for u, half_w, half_h, material in COLLARS:
        collar = place(CENTRE, ANGLE, u, 0)
        barrel(canvas, collar, ANGLE, half_w, half_h, material, height=6)
    for leg in LEGS:
        slot = place(CENTRE, ANGLE, leg, 2)
        slab(
            canvas, slot, ANGLE, 6.2, 40, m.DARK.tinted(1.5), corner=5, bevel=5, tilt=0.8, sunk=True
        )
    puck(canvas, place(CENTRE, ANGLE, 0, 30), 4, m.WHITE_PLASTIC, bevel=1, height=0)


def parts(
    canvas: Canvas, rng: np.random.Generator, defects: Sequence[str]
) -> list[tuple[str, Plane]]:
    """The staple, or its empty slots."""
    missing = "missing" in defects
    line = _staple(push=float(rng.normal(0, 1.8)), lean=float(rng.normal(0, 1.2)))
    with canvas.outline(ghost=missing) as mask:
        tube(canvas, line, 5.2, m.ZINC, height=4)
    return [("missing", mask)] if missing else []


def _staple(push: float, lean: float) -> list[Point]:
    """The wire's line: a leg, the bow above the coupling, the other leg."""
    left, right = LEGS
    points = [
        (left, 44),
        (left, 0),
        (left, -46 + push),
        (left + 3 + lean, -62 + push),
        (left + 12 + lean, -71 + push),
        (right - 12 + lean, -71 + push),
        (right - 3 + lean, -62 + push),
        (right, -46 + push),
        (right, 0),
        (right, 44),
    ]
    return shapes.spline([place(CENTRE, ANGLE, u, v) for u, v in points], 4)
