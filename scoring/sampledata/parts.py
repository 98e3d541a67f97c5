"""Parts that several categories share: ground, screws, holes, a gloved hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata import materials as m
from scoring.sampledata import shapes
from scoring.sampledata.canvas import Canvas, Material, Plane, blotches, target_size
from scoring.sampledata.shapes import Point, disc
from scoring.sampledata.solids import Shape, around, barrel, groove, placed, puck, solid


def ground(
    canvas: Canvas,
    rng: np.random.Generator,
    material: Material,
    *,
    relief: float = 0.05,
    largest: float = 90.0,
    dirt: float = 0.2,
) -> None:
    """Cover the whole canvas: gently uneven, blotched."""
    window = canvas.window(canvas.frame)
    assert window is not None
    size = target_size(canvas)
    gy, gx = np.gradient(blotches(size, rng, largest, 2) * np.float32(relief * largest / 2))
    tone = 1 + np.float32(dirt) * blotches(size, rng, largest * 0.7, 5)
    canvas.put(window, np.ones(size, np.float32), gx, gy, material, tone)


def hole(canvas: Canvas, centre: Point, radius: float, *, thread: bool = True) -> None:
    """An empty hole: dark, with a worn rim and a hint of thread."""
    rim = m.STEEL.tinted(0.75)
    puck(canvas, centre, 1.14 * radius, rim, bevel=0.3 * radius, tilt=0.6, sunk=True)
    puck(canvas, centre, radius, m.DARK, bevel=0.5 * radius, tilt=0.7, sunk=True)
    if thread:
        for share in (0.82, 0.64):
            groove(canvas, centre, share * radius, 0.05 * radius + 0.3, m.STEEL.tinted(0.3))


def hex_screw(
    canvas: Canvas, centre: Point, radius: float, angle: float, material: Material = m.ZINC
) -> None:
    """A flanged hexagon screw seen from above; `radius` of its flange."""

    def head(u: Plane, v: Plane) -> Plane:
        return np.maximum(shapes.regular(u, v, 0.62 * radius, 6), disc(u, v, 0.69 * radius))

    flange, face = material.tinted(0.92), material.tinted(0.86)
    puck(canvas, centre, radius, flange, bevel=0.42 * radius, tilt=0.5, height=0.12 * radius)
    solid(
        canvas,
        around(centre, radius),
        placed(head, centre, angle),
        material,
        bevel=0.13 * radius,
        tilt=0.85,
        height=0.26 * radius,
    )
    puck(canvas, centre, 0.42 * radius, face, bevel=0.1 * radius, tilt=0.45, sunk=True)


def torx_screw(
    canvas: Canvas, centre: Point, radius: float, angle: float, material: Material = m.ZINC
) -> None:
    """A pan-head screw with a six-lobed drive on a washer; `radius` of the washer."""

    def drive(u: Plane, v: Plane) -> Plane:
        lobes = 1 + np.float32(0.2) * np.cos(6 * np.arctan2(v, u))
        return (np.sqrt(u * u + v * v) - np.float32(0.24 * radius) * lobes) * np.float32(0.8)

    washer = m.STEEL.tinted(0.95)
    puck(canvas, centre, radius, washer, bevel=0.09 * radius, tilt=0.7, height=0.08 * radius)
    puck(canvas, centre, 0.68 * radius, material, bevel=0.5 * radius, tilt=0.8, height=0.2 * radius)
    cut = placed(drive, centre, angle)
    solid(canvas, around(centre, radius), cut, m.DARK, bevel=0.12 * radius, tilt=0.8, sunk=True)


def screw_outline(canvas: Canvas, centre: Point, radius: float) -> Plane:
    """The coverage that a round-flanged screw would have, drawn or not; canvas-sized."""
    with canvas.outline(ghost=True) as mask:
        puck(canvas, centre, radius, m.ZINC)
    return mask


def glove(
    canvas: Canvas, wrist: Point, angle: float, size: float, rng: np.random.Generator
) -> None:
    """A gloved hand reaching in from `wrist` along `angle` (radians); `size`: width of its palm."""
    fingers = _fingers(size, rng)

    def hand(u: Plane, v: Plane) -> Plane:
        palm = shapes.capsule(u, v, (0.65 * size, 0), (1.05 * size, 0), 0.5 * size, 0.52 * size)
        heel = shapes.capsule(u, v, (-size, 0), (0.3 * size, 0), 0.42 * size, 0.38 * size)
        distance = shapes.blend(palm, heel, 0.2 * size)
        for root, tip, radius in fingers:
            finger = shapes.capsule(u, v, root, tip, radius * 1.1, radius * 0.85)
            distance = shapes.blend(distance, finger, 0.05 * size)
        return distance

    def folds(u: Plane, v: Plane) -> Plane:
        wave = np.sin(v * np.float32(7 / size)) * 2
        return 1 + np.float32(0.07) * np.sin(u * np.float32(26 / size) + wave)

    solid(
        canvas,
        around(wrist, 3.2 * size),
        placed(hand, wrist, angle),
        m.GLOVE,
        bevel=0.36 * size,
        tilt=0.93,
        height=0.14 * size,
        shine=placed(folds, wrist, angle),
    )
    _arm(canvas, wrist, angle, size, folds)


def _fingers(size: float, rng: np.random.Generator) -> list[tuple[Point, Point, float]]:
    """Root, tip and radius of four fingers and a thumb, in the hand's own frame."""
    spread = rng.uniform(0.10, 0.2)
    fingers: list[tuple[Point, Point, float]] = []
    for i, length in enumerate((1.0, 1.15, 1.08, 0.85)):
        lean = (i - 1.5) * spread + rng.normal(0, 0.03)
        root = (1.25 * size, (i - 1.5) * 0.27 * size)
        reach = length * rng.uniform(0.8, 1.0) * size
        tip = (root[0] + reach * float(np.cos(lean)), root[1] + reach * float(np.sin(lean)))
        fingers.append((root, tip, 0.15 * size))
    thumb = ((0.6 * size, -0.45 * size), (1.35 * size, -0.95 * size), 0.17 * size)
    return [*fingers, thumb]


def _arm(canvas: Canvas, wrist: Point, angle: float, size: float, folds: Shape) -> None:
    """The sleeve and the knitted cuff behind a gloved hand."""

    def sleeve(u: Plane, v: Plane) -> Plane:
        return shapes.capsule(u, v, (-4 * size, 0), (-0.75 * size, 0), 0.68 * size, 0.56 * size)

    def knit(u: Plane, v: Plane) -> Plane:
        return 1 + np.float32(0.12) * np.sin(v * np.float32(70 / size)) + 0 * u

    solid(
        canvas,
        around(wrist, 4.6 * size),
        placed(sleeve, wrist, angle),
        m.SLEEVE,
        bevel=0.6 * size,
        tilt=0.92,
        height=0.12 * size,
        shine=placed(folds, wrist, angle),
    )
    barrel(
        canvas,
        shapes.place(wrist, angle, -0.3 * size, 0),
        angle,
        0.42 * size,
        0.47 * size,
        m.CUFF,
        corner=0.12 * size,
        bevel=0.1 * size,
        height=0.05 * size,
        shine=knit,
    )


def jittered(points: Sequence[Point], rng: np.random.Generator, amount: float) -> list[Point]:
    """The points, each moved a little (standard deviation `amount` pixels)."""
    moved = np.asarray(points) + rng.normal(0, amount, (len(points), 2))
    return [(float(x), float(y)) for x, y in moved]
