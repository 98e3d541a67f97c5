"""Brake and fuel pipes along the floor of a car, in plastic holders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.parts import glove, ground, hex_screw
from scoring.sampledata.scenes.loose import LYING_ACROSS, cloth
from scoring.sampledata.solids import barrel, slab
from scoring.sampledata.tubes import tube

HOLDERS = (236.0, 768.0)
PIPES = (  # height in the picture, radius, surface
    (268.0, 25.0, m.COATED_PIPE),
    (342.0, 16.0, m.ZINC),
    (404.0, 16.0, m.YELLOW_ZINC),
    (478.0, 29.0, m.SATIN_PLASTIC),
)


def backdrop(canvas: Canvas, rng: np.random.Generator) -> None:
    """Floor panel with swages, a beam, the pipes and their holders."""
    ground(canvas, rng, m.PAINT.tinted(0.8), relief=0.03, largest=260, dirt=0.16)
    beam = m.PAINT.tinted(0.66)
    slab(canvas, (500.0, 100.0), 0, 620, 70, beam, bevel=34, tilt=0.7, height=9)
    for x in (90.0, 360.0, 630.0, 900.0):
        swage = m.PAINT.tinted(0.86)
        slab(canvas, (x, 640.0), 0, 98, 56, swage, corner=34, bevel=24, tilt=0.6, height=5)
    for x in (160.0, 520.0, 850.0):
        hex_screw(canvas, (x, 100.0), 27, float(rng.uniform(0, 1)), m.YELLOW_ZINC)
    canvas.defocus(1.4)
    for y, radius, material in PIPES:
        bows = y + rng.normal(0, 3, 4)
        line = list(zip((-70.0, 330.0, 680.0, 1070.0), bows.tolist(), strict=True))
        tube(canvas, shapes.spline(line, 16), radius, material, height=15)
    barrel(canvas, (520.0, 478.0), 0, 46, 33, m.BLUE_PLASTIC.tinted(0.8), corner=6, height=3)
    for x in HOLDERS:
        _holder(canvas, x)


def _holder(canvas: Canvas, x: float) -> None:
    """A holder: a base, a half shell over every pipe, the screw that holds it."""
    base, shell = m.BLACK_PLASTIC.tinted(1.2), m.SATIN_PLASTIC.tinted(1.2)
    slab(canvas, (x, 374.0), 0, 52, 162, base, corner=14, bevel=8, height=14)
    for y, radius, _ in PIPES:
        barrel(canvas, (x, y), 0, 41, radius + 7, shell, corner=7, height=6)
        for side in (-24.0, 24.0):
            barrel(canvas, (x + side, y), 0, 4, radius + 9, shell.tinted(1.25), height=2)
    hex_screw(canvas, (x, 373.0), 17, 0.4, m.ZINC)


def parts(
    canvas: Canvas, rng: np.random.Generator, defects: Sequence[str]
) -> list[tuple[str, Plane]]:
    """What does not belong in view: something left hanging across, a person's arm."""
    regions = []
    halves = rng.permutation(((170, 400), (600, 830)))  # two of them share the picture
    for number, defect in enumerate(defects):
        left, right = (220, 800) if len(defects) == 1 else halves[number % 2]
        x = float(rng.uniform(left, right))
        with canvas.outline() as mask:
            if defect == "operator":
                wrist = (x, float(rng.uniform(610, 680)))
                glove(canvas, wrist, -np.pi / 2 + float(rng.uniform(-0.35, 0.35)), 118, rng)
            else:
                _obstruction(canvas, x, rng)
        regions.append((defect, mask))
    return regions


def _obstruction(canvas: Canvas, x: float, rng: np.random.Generator) -> None:
    kind = int(rng.integers(len(LYING_ACROSS) + 1))
    if kind == len(LYING_ACROSS):
        spot = (x, float(rng.uniform(280, 470)))
        cloth(canvas, spot, rng, size=float(rng.uniform(105, 150)))
    else:
        LYING_ACROSS[kind](canvas, x, rng)
