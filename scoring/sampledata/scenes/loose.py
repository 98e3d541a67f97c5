"""Things that were left lying about: cardboard, a cloth, a strap, a hose, a piece of foil."""

from __future__ import annotations

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Plane
from scoring.sampledata.parts import jittered
from scoring.sampledata.shapes import Point, block, place, turned
from scoring.sampledata.solids import around, placed, slab, solid
from scoring.sampledata.tubes import tube


def _sin(phase: Plane, k: float, shift: float = 0.0) -> Plane:
    """sin(k * phase + shift), in the plane's own precision."""
    return np.sin(phase * np.float32(k) + np.float32(shift))


def cardboard(canvas: Canvas, centre: Point, rng: np.random.Generator) -> None:
    """A torn piece of corrugated board with its folded edge."""
    turn = float(rng.uniform(-0.6, 0.6))
    half_w, half_h = float(rng.uniform(58, 82)), float(rng.uniform(36, 52))
    tear = rng.uniform(0, 6, 2)
    fold = -0.45 * half_h

    def sheet(u: Plane, v: Plane) -> Plane:
        ragged = 3 * _sin(v, 0.21, tear[0]) + 2 * _sin(v, 0.53, tear[1])
        return np.maximum(block(u, v, half_w, half_h, 2), u - np.float32(half_w - 7) + ragged)

    def flutes(u: Plane, v: Plane) -> Plane:
        crease = np.exp(-(((v - np.float32(fold)) / np.float32(1.6)) ** 2))
        return 1 + np.float32(0.05) * _sin(u, 0.9) - np.float32(0.3) * crease

    def bent(x: Plane, y: Plane) -> tuple[Plane, Plane]:
        v = turned(x, y, centre, turn)[1]
        lean = np.where(v < fold, np.float32(-0.3), np.float32(0.06))
        return -np.float32(np.sin(turn)) * lean, np.float32(np.cos(turn)) * lean

    solid(
        canvas,
        around(centre, 130),
        placed(sheet, centre, turn),
        m.CARDBOARD,
        bevel=1.5,
        tilt=0.5,
        height=7,
        shine=placed(flutes, centre, turn),
        relief=bent,
    )


def cloth(canvas: Canvas, centre: Point, rng: np.random.Generator, size: float = 74) -> None:
    """A crumpled wiping cloth."""
    waves, lobes = rng.uniform(0, 2 * np.pi, 6), rng.uniform(0.05, 0.16, 4)
    k = 9 / size

    def rag(u: Plane, v: Plane) -> Plane:
        angle = np.arctan2(v, u)
        edge = np.ones_like(angle)
        for i in range(4):
            edge += np.float32(lobes[i]) * _sin(angle, i + 2, waves[i])
        return (np.sqrt(u * u + np.float32(1.7) * v * v) - np.float32(size) * edge) * 0.8

    def folds(x: Plane, y: Plane) -> tuple[Plane, Plane]:
        u, v = turned(x, y, centre, 0.0)
        a = np.sin(np.float32(k) * (u + np.float32(0.6) * v) + 2 * _sin(v, 0.5 * k, waves[4]))
        b = np.sin(np.float32(1.7 * k) * (v - np.float32(0.3) * u) + np.float32(waves[5]) + a)
        return np.float32(0.42) * a + np.float32(0.1) * b, np.float32(0.3) * b + a / 5

    solid(
        canvas,
        around(centre, 1.6 * size),
        placed(rag, centre, 0.0),
        m.CLOTH,
        bevel=0.12 * size,
        tilt=0.5,
        height=0.12 * size,
        relief=folds,
    )


def hose(canvas: Canvas, x: float, rng: np.random.Generator) -> None:
    """A corrugated conduit that hangs across the view."""
    points = [(x, -80), (x + 20, 150), (x - 10, 380), (x + 30, 600), (x, 830)]
    line = shapes.spline(jittered(points, rng, 45), 12)
    radius = float(rng.uniform(20, 30))
    tube(canvas, line, radius, m.RUBBER.tinted(1.3), height=24, ribs=13, rib_depth=0.5)


def cable(canvas: Canvas, x: float, rng: np.random.Generator) -> None:
    """A loose cable with its plug, hanging in a bow."""
    foot = float(rng.uniform(480, 660))
    points = [(x - 150, -80), (x - 90, 0.25 * foot), (x, 0.6 * foot), (x, foot)]
    line = shapes.spline(jittered(points, rng, 18), 12)
    tube(canvas, line, float(rng.uniform(9, 14)), m.BLACK_PLASTIC, height=20)
    end, before = line[-1], line[-4]
    turn = float(np.arctan2(end[1] - before[1], end[0] - before[0]))
    plug = place(end, turn, 34, 0)
    slab(canvas, plug, turn, 44, 27, m.GREY_PLASTIC, corner=8, bevel=14, tilt=0.8, height=16)
    for u in (-16, 0, 16):
        rib = place(plug, turn, u, 0)
        slab(canvas, rib, turn, 4, 24, m.GREY_PLASTIC.tinted(0.7), bevel=4, height=3)


def strap(canvas: Canvas, x: float, rng: np.random.Generator) -> None:
    """A woven lashing strap."""

    def weave(s: Plane, side: Plane) -> Plane:
        seam = np.abs(np.abs(side) - np.float32(0.72)) < 0.07
        threads = _sin(s, 0.9) * _sin(side, 30)
        return np.float32(0.82) + np.float32(0.1) * threads - np.float32(0.3) * seam

    points = [(x - 60, -80), (x, 200), (x + 40, 420), (x - 20, 830)]
    line = shapes.spline(jittered(points, rng, 40), 14)
    tube(canvas, line, float(rng.uniform(26, 36)), m.WEBBING, height=16, stripe=weave)


def foil(canvas: Canvas, x: float, rng: np.random.Generator) -> None:
    """A crumpled piece of shiny packing foil."""
    centre = (x, float(rng.uniform(280, 480)))
    waves, size = rng.uniform(0, 2 * np.pi, 5), float(rng.uniform(85, 130))

    def sheet(u: Plane, v: Plane) -> Plane:
        ragged = 9 * _sin(u, 0.06, waves[1]) + 6 * _sin(v, 0.09, waves[2])
        return block(u, v, size, size * 0.7, 12) + ragged

    def facets(x: Plane, y: Plane) -> tuple[Plane, Plane]:
        a = np.sin(x * np.float32(0.07) + y * np.float32(0.03) + np.float32(waves[3]))
        b = np.sin(y * np.float32(0.08) - x * np.float32(0.045) + np.float32(waves[4]) + 1.5 * a)
        c = np.float32(0.14) * np.sin(x * np.float32(0.19) + y * np.float32(0.23) + 2 * b)
        crease = np.float32(0.26) * np.tanh(4 * a * b), np.float32(0.26) * np.tanh(4 * (a - b))
        return crease[0] + c, crease[1] - c * b

    outline = placed(sheet, centre, float(waves[0]))
    box = around(centre, 1.7 * size)
    solid(canvas, box, outline, m.FOIL, bevel=4, tilt=0.4, height=14, relief=facets)


LYING_ACROSS = (hose, cable, strap, foil)
