"""A wiring harness on an engine: taped trunk, cables to a connector, a blue hoop, fastenings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.parts import ground, hex_screw, jittered
from scoring.sampledata.scenes.loose import cardboard, cloth
from scoring.sampledata.shapes import Point, place
from scoring.sampledata.solids import barrel, slab, solid
from scoring.sampledata.tubes import tube, wound

TRUNK = ((-50.0, 300.0), (70.0, 282.0), (190.0, 255.0), (300.0, 246.0), (450.0, 262.0))
FASTENINGS = ((96.0, 277.0, -0.19), (312.0, 246.0, 0.0))  # x, y, direction of the trunk
HOOP = (206.0, 252.0, -0.16)
SOCKET = (286.0, 112.0)
CABLES = (m.WIRE_RED, m.WIRE_YELLOW, m.WIRE_GREEN, m.BLACK_PLASTIC)


def backdrop(canvas: Canvas, rng: np.random.Generator) -> None:
    """The engine: a cast housing with ribs and a flange, a gap, a hose behind."""
    ground(canvas, rng, m.ENGINE, relief=0.06, largest=60, dirt=0.3)
    for i in range(5):
        x = float(26 + 44 * i + rng.normal(0, 2))
        slab(canvas, (x, 60), 0, 7, 112, m.ENGINE.tinted(1.12), corner=7, bevel=7, height=6)
    _flange(canvas)
    _gap(canvas)
    hose = shapes.spline([(-50, 376), (120, 366), (280, 384), (450, 372)])
    tube(canvas, hose, 20, m.RUBBER, height=8, ribs=11, rib_depth=0.45)
    canvas.defocus(1.1)
    for x, y, _ in FASTENINGS:  # the sheet that they are clipped to
        slab(canvas, (x, y + 26), 0, 22, 44, m.STEEL.tinted(0.7), corner=8, bevel=4, tilt=0.6)


def _gap(canvas: Canvas) -> None:
    def below(x: Plane, y: Plane) -> Plane:
        return 344 + 5 * np.sin(x * np.float32(0.03)) - y

    solid(canvas, (-40, 322, 440, 440), below, m.DARK.tinted(1.6), bevel=14, sunk=True)


def _flange(canvas: Canvas) -> None:
    def plate(x: Plane, y: Plane) -> Plane:
        sheet = shapes.block(x - 350, y - 60, 92, 130, 26)
        return shapes.blend(sheet, shapes.disc(x - 262, y - 168, 30), 14)

    solid(canvas, (200, -60, 440, 230), plate, m.ALUMINIUM, bevel=9, tilt=0.7, height=9)
    hex_screw(canvas, (264.0, 170.0), 17, 0.4, m.YELLOW_ZINC)
    hex_screw(canvas, (376.0, 166.0), 17, 0.9, m.YELLOW_ZINC)


def parts(
    canvas: Canvas, rng: np.random.Generator, defects: Sequence[str]
) -> list[tuple[str, Plane]]:
    """Connector, cables and harness, what holds it, what is wrong, what lies before it."""
    _branch(canvas, rng)
    trunk = shapes.spline(jittered(TRUNK, rng, 1.6))
    tube(canvas, trunk, 17, m.TAPE, height=8, stripe=wound(24))
    regions = _fastenings(canvas, rng, defects.count("fastening"))
    with canvas.outline(ghost="blue_hoop" in defects) as mask:
        _hoop(canvas, rng)
    if "blue_hoop" in defects:
        regions.append(("blue_hoop", mask))
    for defect, draw in (("cardboard", cardboard), ("obstruction", cloth)):
        if defect in defects:
            spot = (float(rng.uniform(110, 290)), float(rng.uniform(95, 190)))
            with canvas.outline() as mask:
                draw(canvas, spot, rng)
            regions.append((defect, mask))
    return regions


def _fastenings(canvas: Canvas, rng: np.random.Generator, broken: int) -> list[tuple[str, Plane]]:
    """All fastenings, `broken` of them open; the regions of those."""
    regions = []
    opened = set(rng.permutation(len(FASTENINGS))[:broken].tolist())
    for i, (x, y, angle) in enumerate(FASTENINGS):
        with canvas.outline() as mask:
            _foot(canvas, (x, y), angle)
            if i in opened:
                _strap_open(canvas, rng, (x, y), angle)
            else:
                _strap_closed(canvas, (x, y), angle)
        if i in opened:
            regions.append(("fastening", mask))
    return regions


def _branch(canvas: Canvas, rng: np.random.Generator) -> None:
    """Four cables from the trunk up to the connector on the flange."""
    for i, material in enumerate(CABLES):
        off = (i - 1.5) * 9
        ends: list[Point] = [
            (96, 276),
            (150, 258 - off * 0.3),
            (196 + off * 0.4, 196 + off),
            (232, 140 + off),
            (SOCKET[0], SOCKET[1] + off * 0.9),
        ]
        tube(canvas, shapes.spline(jittered(ends, rng, 1.5)), 4.2, material, height=4)
    angle, grey = -0.25 + float(rng.normal(0, 0.02)), m.GREY_PLASTIC
    barrel(canvas, SOCKET, angle, 34, 27, grey.tinted(0.75), corner=5, bulge=0.45, height=7)
    for i in range(3):
        rib = place(SOCKET, angle, -14 + 13 * i, 0)
        slab(canvas, rib, angle, 3.2, 21, grey.tinted(0.6), corner=2, height=2)
    lock = place(SOCKET, angle, 26, 0)
    barrel(canvas, lock, angle, 9, 11, m.GREEN_PLASTIC, bulge=0.4, height=4)


def _hoop(canvas: Canvas, rng: np.random.Generator) -> None:
    """A blue hoop around the trunk: a band and the tall ring above it."""
    turn = HOOP[2] + float(rng.normal(0, 0.03))
    centre = (HOOP[0] + float(rng.normal(0, 1)), HOOP[1] + float(rng.normal(0, 1)))
    eye = place(centre, turn, 0, -36)
    angles = np.linspace(0, 2 * np.pi, 33)
    ellipse = [place(eye, turn, 12.5 * np.cos(a), 19 * np.sin(a)) for a in angles]
    tube(canvas, ellipse, 4.6, m.BLUE_PLASTIC, height=7)
    barrel(canvas, centre, turn, 9.5, 21, m.BLUE_PLASTIC, height=4)


def _foot(canvas: Canvas, centre: Point, angle: float) -> None:
    foot = place(centre, angle, 0, 30)
    slab(canvas, foot, angle, 15, 9, m.NATURAL.tinted(0.85), corner=4, bevel=5)


def _strap_closed(canvas: Canvas, centre: Point, angle: float) -> None:
    """The strap over the trunk with its latch."""

    def slit(u: Plane, v: Plane) -> Plane:
        return 1 - np.float32(0.3) * ((np.abs(u) < 1.2) & (v > -16))

    barrel(canvas, centre, angle, 13, 23, m.NATURAL, corner=4, shine=slit)
    latch = place(centre, angle, 0, 22)
    barrel(canvas, latch, angle, 9, 6, m.NATURAL.tinted(1.15), height=3)


def _strap_open(canvas: Canvas, rng: np.random.Generator, centre: Point, angle: float) -> None:
    """The strap standing up on its hinge, its hollow side to the camera."""
    swing = angle + float(rng.choice((-1.0, 1.0)) * rng.uniform(0.35, 1.0))
    hinge = place(centre, angle, 0, -20)
    lid = place(hinge, swing, 0, -21)
    barrel(canvas, hinge, angle, 13, 5, m.NATURAL.tinted(0.9), corner=4, height=4)
    slab(canvas, lid, swing, 13, 22, m.NATURAL, corner=5, bevel=5, height=9)
    slab(canvas, lid, swing, 8, 16, m.NATURAL.tinted(0.6), corner=4, bevel=5, sunk=True)
