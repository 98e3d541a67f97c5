"""A fuel tank from below: ribbed plastic, a steel strap, and the screw that holds it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.parts import ground, hex_screw, hole, screw_outline
from scoring.sampledata.shapes import place
from scoring.sampledata.solids import around, barrel, placed, puck, slab, solid
from scoring.sampledata.tubes import tube

SCREW = (520.0, 372.0)
ANGLE = -0.1  # of the strap
RADIUS = 54.0
BORE = 25.0
STEEL = m.STEEL.tinted(0.86)


def backdrop(canvas: Canvas, rng: np.random.Generator) -> None:
    """Tank shell with ribs and weld, the strap, a hose and a pipe along it, a label."""
    ground(canvas, rng, m.TANK, relief=0.05, largest=240, dirt=0.14)
    lower = [(x, 600.0, 56.0, 92.0) for x in (70.0, 235.0, 690.0, 850.0, 1010.0)]
    upper = [(x, 130.0, 76.0, 62.0) for x in (130.0, 330.0, 730.0, 930.0)]
    for x, y, half_w, half_h in lower + upper:
        field = (x + float(rng.normal(0, 4)), y)
        shell = m.TANK.tinted(1.08)
        slab(canvas, field, 0, half_w, half_h, shell, corner=24, bevel=20, tilt=0.62, height=5)
    _seam(canvas)
    pipe = shapes.spline([(-60, 30), (260, 36), (520, 22), (1060, 44)], 14)
    tube(canvas, pipe, 20, m.COATED_PIPE, height=11)
    hose = shapes.spline([(-60, 714), (200, 722), (460, 734), (760, 716), (1060, 728)], 14)
    tube(canvas, hose, 31, m.RUBBER.tinted(1.4), height=14, ribs=19, rib_depth=0.4)
    canvas.defocus(0.9)
    _strap(canvas)
    _label(canvas)


def _seam(canvas: Canvas) -> None:
    """Where the tank's two halves are welded."""

    def bead(x: Plane, y: Plane) -> Plane:
        return np.abs(y - 478 - 3 * np.sin(x * np.float32(0.012))) - 17

    box = (-60, 440, 1060, 516)
    solid(canvas, box, bead, m.TANK.tinted(1.15), bevel=15, tilt=0.8, height=6)


def _brushed(u: Plane, v: Plane) -> Plane:
    """Rolling marks along the strap."""
    fine = np.float32(0.04) * np.sin(v * np.float32(2.1))
    return 1 + fine + np.float32(0.05) * np.sin(v * np.float32(0.77)) + 0 * u


def _strap(canvas: Canvas) -> None:
    def boss(u: Plane, v: Plane) -> Plane:
        return shapes.blend(shapes.disc(u, v, 86), shapes.block(u, v, 170, 43, 26), 20)

    marks = placed(_brushed, SCREW, ANGLE)
    slab(canvas, SCREW, ANGLE, 660, 78, STEEL, corner=4, bevel=6, height=12, shine=marks)
    for side in (-54.0, 54.0):
        bead = place(SCREW, ANGLE, 0, side)
        barrel(canvas, bead, ANGLE, 660, 9, STEEL.tinted(1.04), corner=8, height=3, bulge=0.75)
    shape, bright = placed(boss, SCREW, ANGLE), STEEL.tinted(1.08)
    box = around(SCREW, 190)
    solid(canvas, box, shape, bright, bevel=10, tilt=0.7, height=7, shine=marks)
    for u in (-138.0, 138.0):  # spot welds
        weld = place(SCREW, ANGLE, u, 0)
        puck(canvas, weld, 12, m.STEEL.tinted(0.7), bevel=8, tilt=0.5, sunk=True)


def _label(canvas: Canvas) -> None:
    """A sticker with a bar code and two lines of type."""
    centre = (790.0, 330.0)

    def printed(u: Plane, v: Plane) -> Plane:
        waves = [np.sin(u * np.float32(k)) for k in (1.15, 0.43, 2.3, 0.9, 1.7)]
        bars = (waves[0] + waves[1] + waves[2] > 0.2) & (np.abs(v + 9) < 13)
        lines = (np.abs(v - 12) < 3) | (np.abs(v - 22) < 3)
        ink = (bars | ((waves[3] + waves[4] > -0.5) & lines)) & (np.abs(u) < 70)
        return np.where(ink, np.float32(0.2), np.float32(1))

    shine = placed(printed, centre, ANGLE)
    slab(canvas, centre, ANGLE, 82, 33, m.LABEL, bevel=1, tilt=0.2, height=1, shine=shine)


def parts(
    canvas: Canvas, rng: np.random.Generator, defects: Sequence[str]
) -> list[tuple[str, Plane]]:
    """The screw, or the hole it should fill."""
    centre = (SCREW[0] + float(rng.normal(0, 2.5)), SCREW[1] + float(rng.normal(0, 2.5)))
    turn = float(rng.uniform(0, np.pi))
    if "missing" in defects:
        hole(canvas, centre, BORE)
        return [("missing", screw_outline(canvas, centre, RADIUS))]
    hex_screw(canvas, centre, RADIUS, turn)
    return []
