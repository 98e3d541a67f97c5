"""The drawing surface: per pixel a colour, a slope and a finish; light comes last.

Parts are put on a `Canvas` as coverage + surface normal + `Material`; `shading.shade` then lights
the whole scene at once, so that every part of a picture agrees on where the lamp stands.
Coordinates are those of the finished picture (x to the right, y down, pixels); a margin around it
leaves room for the camera to move.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.sampledata.seeding import generator

Plane = NDArray[np.floating]
Colour = tuple[float, float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom

R, G, B, NX, NY, SPEC, GLOSS, METAL, SHADE = range(9)


@dataclass(frozen=True)
class Material:
    """A surface. Amounts 0..1; `gloss`: how sharp its highlights are, 5 (dull) to 200 (wet)."""

    colour: Colour
    spec: float = 0.15
    gloss: float = 20.0
    metal: float = 0.0
    grain: float = 0.0  # slope noise, as of cast metal or moulded plastic
    mottle: float = 0.0  # colour noise, as of dirt and wear

    def tinted(self, factor: float) -> Material:
        """The same surface, lighter (> 1) or darker (< 1)."""
        r, g, b = (min(1.0, c * factor) for c in self.colour)
        return replace(self, colour=(r, g, b))


@dataclass(frozen=True)
class Light:
    """The lamp of one picture."""

    direction: tuple[float, float, float]
    colour: Colour
    ambient: Colour
    slope: tuple[float, float, float]  # change of brightness along x, along y, to the rim
    lamp: float  # height of the reflected lamp, -1..1
    tilt: float  # turn of the reflected surroundings, radians


DAYLIGHT = Light((-0.35, -0.5, 0.79), (0.75, 0.75, 0.75), (0.4, 0.4, 0.4), (0, 0, 0), 0.5, 0.0)


@dataclass(frozen=True)
class Window:
    """A rectangle of a canvas: its slices, and its x (1, w) and y (h, 1) coordinates."""

    rows: slice
    columns: slice
    x: Plane
    y: Plane


class Canvas:
    """Nine float32 planes of a picture of `size` (width, height) with `margin` pixels around."""

    def __init__(self, size: tuple[int, int], margin: int) -> None:
        self.size = size
        self.margin = margin
        width, height = size[0] + 2 * margin, size[1] + 2 * margin
        self.planes: NDArray[np.float32] = np.zeros((9, height, width), np.float32)
        self.planes[SHADE] = 1.0
        self.light = DAYLIGHT
        self._outlines: list[Plane] = []
        self._ghost = False

    def copy(self, light: Light) -> Canvas:
        """The same scene to draw on, under another lamp."""
        twin = object.__new__(Canvas)
        twin.size, twin.margin, twin.light = self.size, self.margin, light
        twin.planes = self.planes.copy()
        twin._outlines, twin._ghost = [], False
        return twin

    @property
    def frame(self) -> Box:
        """Everything that can be drawn on, in picture coordinates."""
        m = float(self.margin)
        return (-m, -m, self.size[0] + m, self.size[1] + m)

    def window(self, box: Box) -> Window | None:
        """The part of `box` on the canvas, None where there is none."""
        height, width = self.planes.shape[1:]
        left, top = (int(max(0, np.floor(v) + self.margin)) for v in box[:2])
        right = int(min(width, np.ceil(box[2]) + self.margin + 1))
        bottom = int(min(height, np.ceil(box[3]) + self.margin + 1))
        if left >= right or top >= bottom:
            return None
        x = np.arange(left - self.margin, right - self.margin, dtype=np.float32)[None, :]
        y = np.arange(top - self.margin, bottom - self.margin, dtype=np.float32)[:, None]
        return Window(slice(top, bottom), slice(left, right), x, y)

    @contextmanager
    def outline(self, *, ghost: bool = False) -> Iterator[Plane]:
        """Collect the coverage of all that is put meanwhile; `ghost`: without drawing it."""
        mask = np.zeros(self.planes.shape[1:], np.float32)
        self._outlines.append(mask)
        before, self._ghost = self._ghost, self._ghost or ghost
        try:
            yield mask
        finally:
            self._outlines.pop()
            self._ghost = before

    def put(
        self,
        window: Window,
        coverage: Plane,
        nx: Plane,
        ny: Plane,
        material: Material,
        shine: Plane | None = None,
    ) -> None:
        """Lay a surface over the window. All planes have the window's shape (h, w).

        `coverage` 0..1; (nx, ny) the in-picture part of the unit normal; `shine`: a factor on the
        material's colour, pixel by pixel.
        """
        for mask in self._outlines:
            part = mask[window.rows, window.columns]
            np.maximum(part, coverage, out=part)
        if self._ghost:
            return
        target = self.planes[:, window.rows, window.columns]
        bump_x, bump_y, tone = (t[window.rows, window.columns] for t in grain(target_size(self)))
        factor = 1 + material.mottle * tone if material.mottle else np.float32(1)
        if shine is not None:
            factor = factor * shine
        if material.grain:
            nx, ny = nx + material.grain * bump_x, ny + material.grain * bump_y
        values = (
            *(c * factor for c in material.colour), nx, ny,
            material.spec, material.gloss, material.metal, 1.0,
        )  # fmt: skip
        for plane, value in zip(target, values, strict=True):
            plane += coverage * (value - plane)
        # half-covered rims have no slope of their own: no glints there
        target[[SPEC, METAL]] *= 1 - np.float32(3.4) * coverage * (1 - coverage)

    def darken(self, window: Window, amount: Plane) -> None:
        """Take light away: `amount` 0..1 of shape (h, w)."""
        if not self._ghost:
            self.planes[SHADE, window.rows, window.columns] *= 1 - amount

    def defocus(self, blur: float) -> None:
        """Blur all that is there (standard deviation in pixels), as things behind the focus."""
        for plane in self.planes:
            ndimage.gaussian_filter(plane, blur, output=plane, truncate=3.0)

    def tone(self, window: Window, factor: Plane) -> None:
        """Multiply the colour (not the light) of what is there."""
        if not self._ghost:
            self.planes[R : B + 1, window.rows, window.columns] *= factor


def target_size(canvas: Canvas) -> tuple[int, int]:
    """The canvas's rows and columns, the margin included."""
    height, width = canvas.planes.shape[1:]
    return int(height), int(width)


@lru_cache(maxsize=4)
def grain(size: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    """Fine slopes along x and y and a blotchy tone, each about -1..1, of shape `size`."""
    rng = generator("grain", *size)
    fine = ndimage.gaussian_filter(rng.standard_normal(size, dtype=np.float32), 0.6, mode="wrap")
    slope_y, slope_x = np.gradient(fine / fine.std())
    tone = blotches(size, rng, 40, 4)
    return slope_x.astype(np.float32), slope_y.astype(np.float32), tone


def blotches(
    size: tuple[int, int], rng: np.random.Generator, largest: float, octaves: int
) -> Plane:
    """Cloudy noise of zero mean, about -1..1: `octaves` sizes, each half the one before."""
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        step = max(largest / 2**octave, 1.0)
        coarse = rng.standard_normal((int(size[0] / step) + 4, int(size[1] / step) + 4), np.float32)
        rows = np.linspace(1, coarse.shape[0] - 2, size[0], dtype=np.float32)
        columns = np.linspace(1, coarse.shape[1] - 2, size[1], dtype=np.float32)
        half = _between(coarse, rows)
        total += _between(half.T, columns).T * np.float32(0.6**octave)
    return (total / (3 * total.std())).astype(np.float32)


def _between(values: Plane, positions: Plane) -> Plane:
    """Rows of `values` at fractional positions, with smooth steps between neighbours."""
    index = positions.astype(np.intp)
    share = (positions - index)[:, None]
    share = share * share * (3 - 2 * share)
    below = values[np.minimum(index + 1, len(values) - 1)]
    return values[index] * (1 - share) + below * share
