"""Putting shapes on a canvas as bodies with rounded rims and shadows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict, Unpack

import numpy as np
from scipy import ndimage

from scoring.sampledata.canvas import Box, Canvas, Material, Plane, Window
from scoring.sampledata.shapes import Point, block, disc, ring, turned

Shape = Callable[[Plane, Plane], Plane]
Relief = Callable[[Plane, Plane], tuple[Plane, Plane]]  # (x, y) -> slopes along x and y


def around(centre: Point, reach: float) -> Box:
    """The square box of half side `reach` around a point."""
    return (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)


class Rim(TypedDict, total=False):
    """How a body stands out; the arguments of `solid` of the same names."""

    bevel: float
    tilt: float
    height: float
    shine: Shape | None
    sunk: bool


def solid(
    canvas: Canvas,
    box: Box,
    shape: Shape,
    material: Material,
    *,
    bevel: float = 3.0,
    tilt: float = 0.75,
    height: float = 4.0,
    shine: Shape | None = None,
    relief: Relief | None = None,
    sunk: bool = False,
) -> None:
    """A flat body with rounded edges.

    `shape`: signed distance, negative inside, in pixels. `bevel`: width of the rounded rim;
    `tilt`: slope at the rim, 0..0.98; `height`: how far it stands off what is below (its shadow);
    `shine`: a factor on the colour; `relief`: slopes of its face, as of a barrel or a pattern;
    `sunk`: rims slope inwards, as of a hole, and nothing is cast.
    """
    window = canvas.window(box)
    if window is None:
        return
    distance = shape(window.x, window.y)
    coverage = np.clip(0.5 - distance, 0, 1)
    if not sunk:
        cast(canvas, window, coverage, height)
    slope = np.clip(1 + distance / np.float32(bevel), 0, 1) * np.float32(-tilt if sunk else tilt)
    gy, gx = np.gradient(distance) if min(distance.shape) > 1 else (distance * 0, distance * 0)
    nx, ny = gx * slope, gy * slope
    if relief is not None:
        rx, ry = relief(window.x, window.y)
        nx, ny = nx + rx, ny + ry
    tone = None if shine is None else shine(window.x, window.y)
    canvas.put(window, coverage, nx, ny, material, tone)


def slab(
    canvas: Canvas,
    centre: Point,
    angle: float,
    half_w: float,
    half_h: float,
    material: Material,
    corner: float = 3.0,
    **rim: Unpack[Rim],
) -> None:
    """A flat block with rounded corners, turned by `angle`; `rim` as of `solid`."""
    reach = float(np.hypot(half_w, half_h)) + 3
    shape = placed(block, centre, angle, half_w, half_h, corner)
    solid(canvas, around(centre, reach), shape, material, **rim)


def puck(
    canvas: Canvas, centre: Point, radius: float, material: Material, **rim: Unpack[Rim]
) -> None:
    """A round flat body; `rim` as of `solid`."""
    solid(canvas, around(centre, radius + 3), placed(disc, centre, 0.0, radius), material, **rim)


def groove(canvas: Canvas, centre: Point, radius: float, half: float, material: Material) -> None:
    """A ring cut into what is there, `half` wide to either side of `radius`."""
    shape = placed(ring, centre, 0.0, radius, half)
    solid(canvas, around(centre, radius + half + 3), shape, material, bevel=half, sunk=True)


def barrel(
    canvas: Canvas,
    centre: Point,
    angle: float,
    half_w: float,
    half_h: float,
    material: Material,
    *,
    corner: float = 3.0,
    bevel: float = 3.0,
    height: float = 5.0,
    bulge: float = 0.93,
    shine: Shape | None = None,
) -> None:
    """A piece of a cylinder seen from the side: its axis runs along `angle`.

    `half_w`: to either end, `half_h`: its radius in the picture; `bulge`: slope reached at its
    flanks; `shine`: a factor on the colour, of (along, across) in pixels.
    """
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))

    def round_(x: Plane, y: Plane) -> tuple[Plane, Plane]:
        across = turned(x, y, centre, angle)[1] / np.float32(half_h)
        slope = np.clip(across, -1, 1) * np.float32(bulge)
        return -s * slope, c * slope

    solid(
        canvas,
        around(centre, float(np.hypot(half_w, half_h)) + 3),
        placed(block, centre, angle, half_w, half_h, corner),
        material,
        bevel=bevel,
        tilt=0.35,
        height=height,
        relief=round_,
        shine=None if shine is None else placed(shine, centre, angle),
    )


def placed(form: Callable[..., Plane], centre: Point, angle: float, *sizes: float) -> Shape:
    """A form around the origin, such as `shapes.block`, brought to its place in the picture."""

    def shape(x: Plane, y: Plane) -> Plane:
        return form(*turned(x, y, centre, angle), *sizes)

    return shape


def cast(canvas: Canvas, window: Window, coverage: Plane, height: float) -> None:
    """The shadow of a body `height` pixels up: a soft contact shadow and one away from the lamp."""
    if height <= 0:
        return
    reach = int(3 * height) + 4
    lx, ly, _ = canvas.light.direction
    box = (
        float(window.x[0, 0]) - reach, float(window.y[0, 0]) - reach,
        float(window.x[0, -1]) + reach, float(window.y[-1, 0]) + reach,
    )  # fmt: skip
    wide = canvas.window(box)
    if wide is None:
        return
    top, left = window.rows.start - wide.rows.start, window.columns.start - wide.columns.start
    shadow = np.zeros((wide.y.shape[0], wide.x.shape[1]), np.float32)
    rows, columns = coverage.shape
    shadow[top : top + rows, left : left + columns] = coverage
    soft = ndimage.gaussian_filter(shadow, 0.45 * height + 0.7, truncate=2.5)
    dy, dx = round(-1.4 * height * ly), round(-1.4 * height * lx)
    moved = _shifted(soft, dy, dx)
    canvas.darken(wide, np.maximum(np.float32(0.62) * moved, np.float32(0.4) * soft))


def _shifted(plane: Plane, dy: int, dx: int) -> Plane:
    result = np.zeros_like(plane)
    h, w = plane.shape
    if abs(dy) < h and abs(dx) < w:
        result[max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = plane[
            max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
    return result
