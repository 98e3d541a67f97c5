"""Signed distances of plane shapes: negative inside, in pixels; they combine with min and max.

Every function takes x of shape (1, w) or (h, w) and y of (h, 1) or (h, w), and gives (h, w).
Source of the formulas: elementary geometry; `blend` is a polynomial smooth minimum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.sampledata.canvas import Plane

Point = tuple[float, float]


def turned(x: Plane, y: Plane, centre: Point, angle: float) -> tuple[Plane, Plane]:
    """Coordinates in a frame at `centre`, turned by `angle` radians (clockwise on screen)."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    return dx * c + dy * s, dy * c - dx * s


def place(centre: Point, angle: float, u: float, v: float) -> Point:
    """The picture's coordinates of (u, v) of the frame that `turned` makes."""
    c, s = np.cos(angle), np.sin(angle)
    return (float(centre[0] + u * c - v * s), float(centre[1] + u * s + v * c))


def disc(x: Plane, y: Plane, radius: float) -> Plane:
    """A disc around the origin."""
    return np.sqrt(x * x + y * y) - np.float32(radius)


def ring(x: Plane, y: Plane, radius: float, half: float) -> Plane:
    """A ring around the origin, `half` thick to either side of `radius`."""
    return np.abs(disc(x, y, radius)) - np.float32(half)


def block(x: Plane, y: Plane, half_w: float, half_h: float, corner: float = 0.0) -> Plane:
    """A rectangle around the origin with rounded corners."""
    qx, qy = np.abs(x) - np.float32(half_w - corner), np.abs(y) - np.float32(half_h - corner)
    outside = np.sqrt(np.maximum(qx, 0) ** 2 + np.maximum(qy, 0) ** 2)
    return outside + np.minimum(np.maximum(qx, qy), 0) - np.float32(corner)


def regular(x: Plane, y: Plane, radius: float, sides: int, turn: float = 0.0) -> Plane:
    """A regular polygon around the origin; `radius` to its sides."""
    angles = turn + np.arange(sides) * (2 * np.pi / sides)
    planes = [x * np.float32(np.cos(a)) + y * np.float32(np.sin(a)) for a in angles]
    return np.maximum.reduce(planes) - np.float32(radius)


def capsule(x: Plane, y: Plane, a: Point, b: Point, ra: float, rb: float) -> Plane:
    """A limb from `a` (radius ra) to `b` (radius rb)."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    px, py = x - np.float32(a[0]), y - np.float32(a[1])
    along = np.clip((px * dx + py * dy) / np.float32(dx * dx + dy * dy + 1e-6), 0, 1)
    distance = np.sqrt((px - along * np.float32(dx)) ** 2 + (py - along * np.float32(dy)) ** 2)
    return distance - (np.float32(ra) + along * np.float32(rb - ra))


def blend(a: Plane, b: Plane, soft: float) -> Plane:
    """Union with a fillet of about `soft` pixels."""
    h = np.clip(0.5 + (b - a) / np.float32(2 * soft), 0, 1)
    return b + (a - b) * h - np.float32(soft) * h * (1 - h)


def spline(points: Sequence[Point], step: float = 7.0) -> list[Point]:
    """A smooth polyline through all points (Catmull-Rom), about `step` pixels a segment."""
    p = np.asarray([points[0], *points, points[-1]], np.float64)
    line: list[Point] = []
    for i in range(1, len(p) - 2):
        n = max(2, int(np.hypot(*(p[i + 1] - p[i])) / step))
        t = np.linspace(0, 1, n, endpoint=False)[:, None]
        a, b, c, d = p[i - 1], p[i], p[i + 1], p[i + 2]
        curve = 0.5 * (
            2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )  # fmt: skip
        line += [(float(q[0]), float(q[1])) for q in curve]
    return [*line, (float(p[-1][0]), float(p[-1][1]))]
