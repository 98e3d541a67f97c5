"""Light on a finished canvas: diffuse light, highlights, reflections on metal, falloff."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scoring.sampledata.canvas import GLOSS, METAL, NX, NY, SHADE, SPEC, Canvas, Light, Plane

_STRIP = 48  # rows at a time, so that the planes at work stay in the processor's cache
_STEPS = 1023


def random_light(rng: np.random.Generator) -> Light:
    """A lamp of a workshop at some hour: above, a little to a side, cold or warm, near or far."""
    angle = rng.uniform(-0.75, 0.75) - np.pi / 2
    lift = rng.uniform(0.45, 0.72)
    across, down = float(np.cos(angle) * lift), float(np.sin(angle) * lift)
    warm = float(np.clip(rng.normal(0, 0.03), -0.07, 0.07))
    power, fill = rng.uniform(0.68, 1.0), rng.uniform(0.34, 0.54)
    tint = (1 + warm, 1.0, 1 - warm)
    return Light(
        (across, down, float(np.sqrt(1 - lift**2))),
        (power * tint[0], power, power * tint[2]),
        (fill * (1 - 0.3 * warm), fill, fill * (1 + 0.3 * warm)),
        (rng.uniform(-0.16, 0.16), rng.uniform(-0.14, 0.1), rng.uniform(0.05, 0.22)),
        rng.uniform(0.35, 0.7),
        rng.uniform(-0.9, -0.3),
    )


def shade(canvas: Canvas) -> NDArray[np.uint8]:
    """The lit picture of a canvas, margin included, uint8 of shape (h, w, 3)."""
    _, height, width = canvas.planes.shape
    picture = np.empty((height, width, 3), np.uint8)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    for top in range(0, height, _STRIP):
        rows = slice(top, top + _STRIP)
        _shade_rows(canvas.planes[:, rows], canvas.light, across, down[rows], picture[rows])
    return picture


def _shade_rows(
    planes: NDArray[np.float32], light: Light, across: Plane, down: Plane, out: NDArray[np.uint8]
) -> None:
    nx, ny, nz = _unit_normals(planes[NX], planes[NY])
    lx, ly, lz = (np.float32(v) for v in light.direction)
    facing = np.maximum(nx * lx + ny * ly + nz * lz, 0)
    half = np.float32(1 / np.sqrt(2 + 2 * lz))
    toward = (nx * lx + ny * ly + nz * (lz + 1)) * half - 1
    highlight = planes[SPEC] * np.exp(planes[GLOSS] * toward)
    sx, sy, rim = (np.float32(v) for v in light.slope)
    shadow = planes[SHADE] * (1 + sx * across + sy * down - rim * (across**2 + down**2))
    mirrored = _surroundings(nx, ny, nz, light) * planes[METAL]
    plain = 1 - planes[METAL]
    curve = tone_curve()
    for channel in range(3):
        ambient, lamp = np.float32(light.ambient[channel]), np.float32(light.colour[channel])
        lit = planes[channel] * (plain * (ambient + lamp * facing) + mirrored)
        value = (lit + highlight * lamp) * shadow * np.float32(_STEPS / 1.6)
        out[..., channel] = curve[np.clip(value, 0, _STEPS).astype(np.uint16)]


def _unit_normals(nx: Plane, ny: Plane) -> tuple[Plane, Plane, Plane]:
    """Slopes as unit vectors that never quite turn away from the camera."""
    steep = nx * nx + ny * ny
    scale = 1 / np.sqrt(np.maximum(steep * np.float32(1 / 0.95), 1))
    return nx * scale, ny * scale, np.sqrt(np.maximum(1 - steep, np.float32(0.05)))


def _surroundings(nx: Plane, ny: Plane, nz: Plane, light: Light) -> Plane:
    """What a polished surface mirrors: a hall with a dark floor and one broad lamp."""
    c, s = np.float32(np.cos(light.tilt)), np.float32(np.sin(light.tilt))
    upward = nz * (ny * -c + nx * s)  # half the reflected direction's height, -0.5..0.5
    step = np.clip((upward + np.float32(0.5)) * np.float32(511), 0, 511).astype(np.int16)
    return _hall(round(light.lamp, 2))[step]


@lru_cache(maxsize=128)
def _hall(lamp: float) -> NDArray[np.float32]:
    """Brightness of the surroundings by height, 512 steps from the floor to the ceiling."""
    height = np.linspace(-1, 1, 512)
    wall = 0.42 + 0.3 * np.tanh(3 * height)
    glow = 0.95 * np.exp(-(((height - lamp) / 0.2) ** 2))
    bench = 0.28 * np.exp(-(((height + 0.55) / 0.13) ** 2))
    edge = -0.18 * np.exp(-(((height + 0.08) / 0.09) ** 2))
    return (wall + glow + bench + edge).astype(np.float32)


@lru_cache(maxsize=1)
def tone_curve() -> NDArray[np.uint8]:
    """Light 0..1.6 in 1024 steps to 8 bits: nearly straight, bending over into white."""
    light = np.linspace(0, 1.6, _STEPS + 1)
    bent = np.where(light < 0.75, light, 0.75 + 0.25 * (1 - np.exp(-(light - 0.75) / 0.25)))
    lifted = 0.015 + 0.985 * bent**0.95
    return np.round(255 * np.clip(lifted, 0, 1)).astype(np.uint8)
