"""Round bodies along a line: cables, hoses, pipes, wires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scoring.sampledata.canvas import Canvas, Material, Plane, Window
from scoring.sampledata.shapes import Point
from scoring.sampledata.solids import cast

Stripe = Callable[[Plane, Plane], Plane]  # (length along, -1..1 across) -> factor on the colour


@dataclass
class Trace:
    """Where a window's pixels lie along a line."""

    distance: Plane  # to the line, pixels
    dx: Plane  # from the nearest point
    dy: Plane
    tx: Plane  # direction of the line there
    ty: Plane
    s: Plane  # length from its start


def trace(window: Window, line: Sequence[Point], reach: float) -> Trace:
    """Distance and position of each pixel to a polyline; exact within `reach`, else infinite."""
    shape = (window.y.shape[0], window.x.shape[1])
    t = Trace(np.full(shape, np.inf, np.float32), *(np.zeros(shape, np.float32) for _ in range(5)))
    x0, y0, start = float(window.x[0, 0]), float(window.y[0, 0]), 0.0
    for (ax, ay), (bx, by) in pairwise(line):
        length = float(np.hypot(bx - ax, by - ay)) or 1e-6
        rows, cols = _near(ay, by, reach, y0), _near(ax, bx, reach, x0)
        px, py = window.x[:, cols] - np.float32(ax), window.y[rows] - np.float32(ay)
        ux, uy = np.float32((bx - ax) / length), np.float32((by - ay) / length)
        along = np.clip(px * ux + py * uy, 0, np.float32(length))
        ox, oy = px - along * ux, py - along * uy
        distance = np.sqrt(ox * ox + oy * oy)
        nearer = distance < t.distance[rows, cols]
        for plane, value in (
            (t.distance, distance), (t.dx, ox), (t.dy, oy), (t.tx, ux), (t.ty, uy),
            (t.s, along + np.float32(start)),
        ):  # fmt: skip
            np.copyto(plane[rows, cols], np.asarray(value, np.float32), where=nearer)
        start += length
    return t


def _near(a: float, b: float, reach: float, origin: float) -> slice:
    """The indices within `reach` of the stretch from a to b."""
    first, last = min(a, b) - reach - origin, max(a, b) + reach - origin
    return slice(max(0, int(first)), max(0, int(last) + 2))


def tube(
    canvas: Canvas,
    line: Sequence[Point],
    radius: float,
    material: Material,
    *,
    height: float = 5.0,
    ribs: float = 0.0,
    rib_depth: float = 0.5,
    stripe: Stripe | None = None,
) -> None:
    """A round body along a polyline: cable, hose, pipe.

    `radius` pixels; `ribs`: length of one corrugation, 0 for a smooth one; `rib_depth`: its slope;
    `stripe`: a pattern on its skin.
    """
    xs, ys = [p[0] for p in line], [p[1] for p in line]
    reach = radius + 2
    window = canvas.window((min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach))
    if window is None:
        return
    t = trace(window, line, reach)
    edge = np.float32(radius)
    wave: Plane | None = None
    if ribs:
        phase = t.s * np.float32(2 * np.pi / ribs)
        edge = edge - np.float32(0.06 * radius) * (1 - np.cos(phase))
        wave = np.sin(phase) * np.float32(rib_depth)
    coverage = np.clip(edge - t.distance + np.float32(0.5), 0, 1)
    cast(canvas, window, coverage, height)
    nx, ny = t.dx * np.float32(0.97 / radius), t.dy * np.float32(0.97 / radius)
    if wave is not None:
        nx, ny = nx + wave * t.tx, ny + wave * t.ty
    tone = None
    if stripe is not None:
        side = (t.dx * t.ty - t.dy * t.tx) * np.float32(1 / radius)
        tone = stripe(t.s, np.clip(side, -1, 1))
    canvas.put(window, coverage, nx, ny, material, tone)


def wound(pitch: float, depth: float = 0.25) -> Stripe:
    """Tape wound around: dark edges, once every `pitch` pixels."""

    def stripe(s: Plane, side: Plane) -> Plane:
        turn = s / np.float32(pitch) + np.arcsin(side) * np.float32(0.28)
        share = turn - np.floor(turn)
        return np.float32(1) - np.float32(depth) * (share < 0.14) + np.float32(0.1) * share

    return stripe
