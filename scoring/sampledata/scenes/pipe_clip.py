"""Two pipes on an engine, the thicker one held by a plastic clip on a rubber disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.parts import glove, ground, hex_screw
from scoring.sampledata.shapes import Point, place
from scoring.sampledata.solids import around, barrel, groove, placed, puck, slab, solid
from scoring.sampledata.tubes import tube

CLIP = (204.0, 178.0)
ANGLE = -0.4  # of the pipe
PIPE_RADIUS = 25.0
PLASTIC = m.GREY_PLASTIC.tinted(0.85)


def backdrop(canvas: Canvas, rng: np.random.Generator) -> None:
    """A cast housing, a thin pipe, a harness behind, and the pipe that the clip holds."""
    ground(canvas, rng, m.ENGINE.tinted(1.1), relief=0.07, largest=70, dirt=0.3)
    for i in range(4):
        rib = place((60, 60), 0.35, 48 * i + rng.normal(0, 2), 0)
        slab(canvas, rib, 0.35, 8, 112, m.ENGINE.tinted(1.25), corner=8, bevel=8, height=6)
    hose = shapes.spline([(-60, 345), (90, 372), (240, 366), (460, 400)])
    tube(canvas, hose, 22, m.RUBBER, height=9, ribs=12, rib_depth=0.4)
    tube(canvas, _along(-78), 10, m.COATED_PIPE, height=9)
    canvas.defocus(1.0)
    hex_screw(canvas, (70.0, 330.0), 22, 0.3, m.STEEL)
    _bracket(canvas)
    tube(canvas, _along(0), PIPE_RADIUS, m.SATIN_PLASTIC.tinted(1.15), height=11)
    for u in (-118, 128):  # painted marks
        mark = place(CLIP, ANGLE, u, 0)
        barrel(canvas, mark, ANGLE, 5, PIPE_RADIUS + 3, m.WHITE_PLASTIC, bevel=1.5, height=1)


def _along(v: float) -> list[Point]:
    """A straight line across the picture, `v` pixels beside the clip's pipe."""
    return [place(CLIP, ANGLE, u, v) for u in (-340, 340)]


def _bracket(canvas: Canvas) -> None:
    foot = place(CLIP, ANGLE, 0, 96)

    def sheet(u: Plane, v: Plane) -> Plane:
        return shapes.blend(shapes.disc(u, v + 14, 44), shapes.block(u, v - 60, 30, 90, 10), 16)

    shape = placed(sheet, foot, ANGLE)
    solid(canvas, around(foot, 190), shape, m.STEEL.tinted(0.8), bevel=5, tilt=0.7, height=7)


def parts(
    canvas: Canvas, rng: np.random.Generator, defects: Sequence[str]
) -> list[tuple[str, Plane]]:
    """The clip, closed or open, and perhaps a hand."""
    regions = []
    centre = (CLIP[0] + float(rng.normal(0, 1.5)), CLIP[1] + float(rng.normal(0, 1.5)))
    unclipped = "unclipped" in defects
    with canvas.outline() as mask:
        if unclipped:
            _open(canvas, centre, rng)
        else:
            _closed(canvas, centre, ANGLE + float(rng.normal(0, 0.02)))
    if unclipped:
        regions.append(("unclipped", mask))
    if "operator" in defects:
        with canvas.outline() as hand:
            wrist = (float(rng.uniform(325, 350)), float(rng.uniform(300, 325)))
            glove(canvas, wrist, -2.45 + float(rng.normal(0, 0.1)), 78, rng)
        regions.append(("operator", hand))
    return regions


def _disk(canvas: Canvas, centre: Point, angle: float) -> None:
    """The rubber disk with the stud that it sits on."""
    rubber = m.RUBBER.tinted(1.8)
    puck(canvas, centre, 29, rubber, bevel=7, tilt=0.8, height=6)
    groove(canvas, centre, 19, 2.2, rubber.tinted(0.7))
    puck(canvas, centre, 12, m.YELLOW_ZINC, bevel=4, height=3)
    slab(canvas, centre, angle, 1.7, 9, m.DARK, corner=1, bevel=1.5, sunk=True)


def _closed(canvas: Canvas, centre: Point, angle: float) -> None:
    foot, latch = place(centre, angle, 0, 70), place(centre, angle, 0, -34)
    neck = place(centre, angle, 0, 42)
    _disk(canvas, foot, angle)
    slab(canvas, neck, angle, 15, 14, PLASTIC.tinted(0.85), corner=4, bevel=6, height=5)
    barrel(canvas, centre, angle, 24, 37, PLASTIC, corner=6, height=7, shine=_ridges)
    barrel(canvas, latch, angle, 15, 9, PLASTIC.tinted(1.2), corner=4)


def _open(canvas: Canvas, centre: Point, rng: np.random.Generator) -> None:
    """The lower jaw off the pipe, the upper one swung away on its hinge."""
    turn = ANGLE + float(rng.normal(0, 0.16))
    base = place(centre, ANGLE, rng.normal(0, 6), rng.uniform(4, 18))
    foot, neck = place(base, turn, 0, 70), place(base, turn, 0, 42)
    _disk(canvas, foot, turn)
    slab(canvas, neck, turn, 24, 15, PLASTIC.tinted(0.85), corner=5, bevel=6, height=5)
    side = float(rng.choice((-1.0, 1.0)))
    hinge = place(neck, turn, 20 * side, -2)
    swing = turn + side * float(rng.uniform(0.55, 1.2))
    jaw, tip = place(hinge, swing, 0, -44), place(hinge, swing, 0, -82)
    barrel(canvas, hinge, turn, 13, 8, PLASTIC.tinted(1.1), corner=5)
    barrel(canvas, jaw, swing, 22, 38, PLASTIC, corner=7, height=14, shine=_ridges)
    slab(canvas, jaw, swing, 15, 27, PLASTIC.tinted(0.45), corner=8, bevel=10, sunk=True)
    barrel(canvas, tip, swing, 14, 7, PLASTIC.tinted(1.2), corner=4, height=6)


def _ridges(u: Plane, v: Plane) -> Plane:
    """Two moulded lines along the jaw."""
    return 1 - np.float32(0.35) * (np.abs(np.abs(u) - 12) < 1.3) + 0 * v
