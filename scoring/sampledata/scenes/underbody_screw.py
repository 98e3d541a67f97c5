"""A painted floor with an embossed heat shield, held by one screw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.parts import ground, hole, screw_outline, torx_screw
from scoring.sampledata.shapes import place, turned
from scoring.sampledata.solids import barrel, puck, slab, solid
from scoring.sampledata.tubes import tube

SCREW = (452.0, 392.0)
RADIUS = 43.0
BORE = 16.0
ORIGIN, ANGLE = (540.0, 390.0), 0.06  # of the shield
SHIELD = m.ALUMINIUM.tinted(1.08)


def backdrop(canvas: Canvas, rng: np.random.Generator) -> None:
    """Painted panel with swages and a plug, a sealer bead, a brake pipe, the shield."""
    ground(canvas, rng, m.PAINT, relief=0.03, largest=260, dirt=0.13)
    for x in (112.0, 300.0, 880.0):
        swage = (x, 290.0)
        slab(canvas, swage, 0, 36, 330, m.PAINT.tinted(1.04), corner=34, bevel=30, tilt=0.55)
    for radius, tint in ((46, 1.5), (33, 1.8)):  # a rubber plug in the floor
        puck(canvas, (205.0, 520.0), radius, m.RUBBER.tinted(tint), bevel=9, height=5)
    bead = shapes.spline([(-60, 668), (150, 652), (330, 676), (600, 708), (1060, 692)], 9)
    tube(canvas, bead, 13, m.SEALER, height=2, ribs=37, rib_depth=0.14)
    pipe = shapes.spline([(-60, 62), (240, 76), (620, 54), (1060, 82)], 14)
    tube(canvas, pipe, 17, m.COATED_PIPE, height=13)
    for x in (178.0, 720.0):
        clip = m.BLACK_PLASTIC.tinted(1.5)
        barrel(canvas, (x, 68.0), 0.02, 26, 28, clip, corner=8, height=7)
    canvas.defocus(0.9)
    _shield(canvas)


def _sheet(x: Plane, y: Plane) -> Plane:
    """The shield's outline: a plate and the ear that the screw holds."""
    u, v = turned(x, y, ORIGIN, ANGLE)
    plate = shapes.block(u - 252, v, 420, 196, 44)
    return shapes.blend(plate, shapes.disc(u + 98, v - 8, 98), 34)


def _dimples(x: Plane, y: Plane) -> tuple[Plane, Plane]:
    """The embossed pattern, left out around the screw and along the rim."""
    u, v = turned(x, y, ORIGIN, ANGLE)
    k = np.float32(0.36)
    clear = np.clip(shapes.disc(u + 88, v - 8, 74) / 16, 0, 1)
    depth = np.float32(0.3) * clear * np.clip(-_sheet(x, y) / 14 - 1, 0, 1)
    return depth * np.cos(k * u) * np.sin(k * v), depth * np.sin(k * u) * np.cos(k * v)


def _shield(canvas: Canvas) -> None:
    box = (180, 120, 1060, 680)
    solid(canvas, box, _sheet, SHIELD, bevel=13, tilt=0.75, height=11, relief=_dimples)
    for v in (-96.0, 0.0, 96.0):
        swage = place(ORIGIN, ANGLE, 345, v)
        bright = SHIELD.tinted(1.05)
        barrel(canvas, swage, ANGLE, 285, 14, bright, corner=13, bevel=5, height=3, bulge=0.7)
    puck(canvas, SCREW, 62, SHIELD, bevel=9, tilt=0.55, sunk=True)


def parts(
    canvas: Canvas, rng: np.random.Generator, defects: Sequence[str]
) -> list[tuple[str, Plane]]:
    """The screw, or its empty hole."""
    centre = (SCREW[0] + float(rng.normal(0, 2.5)), SCREW[1] + float(rng.normal(0, 2.5)))
    turn = float(rng.uniform(0, np.pi))
    if "missing" in defects:
        hole(canvas, centre, BORE, thread=False)
        return [("missing", screw_outline(canvas, centre, RADIUS))]
    torx_screw(canvas, centre, RADIUS, turn)
    return []
