"""From the lit scene to the file's pixels: a camera never quite still, sharp or noiseless."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from scoring.sampledata.canvas import Plane
from scoring.sampledata.seeding import generator

_TILE = (1024, 1280)


@dataclass(frozen=True)
class Camera:
    """One exposure: affine view (Pillow's six numbers), gain, blur radius, noise in grey levels."""

    view: tuple[float, float, float, float, float, float]
    gain: float
    blur: float
    noise: float


def random_camera(rng: np.random.Generator, size: tuple[int, int], margin: int) -> Camera:
    """A view within the canvas: up to about 2 degrees, 2 % and a third of the margin off."""
    angle = np.clip(rng.normal(0, 0.012), -0.03, 0.03)
    zoom = np.clip(rng.normal(1, 0.008), 0.98, 1.02)
    dx, dy = np.clip(rng.normal(0, 0.18, 2), -0.4, 0.4) * margin
    c, s = np.cos(angle) * zoom, np.sin(angle) * zoom
    cx, cy = size[0] / 2, size[1] / 2
    view = (c, -s, cx + margin + dx - c * cx + s * cy, s, c, cy + margin + dy - s * cx - c * cy)
    return Camera(
        tuple(float(v) for v in view),  # type: ignore[arg-type]
        float(np.clip(rng.normal(1, 0.06), 0.85, 1.15)),
        float(max(0.0, rng.normal(0.45, 0.25)) * margin / 36),
        float(rng.uniform(0.7, 1.6)),
    )


def expose(
    picture: NDArray[np.uint8], camera: Camera, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photograph, uint8 (h, w, 3), of a lit scene with its margin."""
    image = Image.fromarray(picture)
    image = image.transform(size, Image.Transform.AFFINE, camera.view, Image.Resampling.BILINEAR)
    if camera.blur > 0.2:
        image = image.filter(ImageFilter.BoxBlur(camera.blur))
    top, left = rng.integers(0, _TILE[0] - size[1]), rng.integers(0, _TILE[1] - size[0])
    noise = _noise()[top : top + size[1], left : left + size[0]]
    value = np.asarray(image) * np.float32(camera.gain) + noise * np.float32(camera.noise)
    return np.clip(value + np.float32(0.5), 0, 255).astype(np.uint8)


def project(mask: Plane, camera: Camera, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where a coverage plane (0..1, with margin) lies in the photograph: (h, w), true from 1/2."""
    grey = Image.fromarray(np.round(mask * 255).astype(np.uint8))
    view = grey.transform(size, Image.Transform.AFFINE, camera.view, Image.Resampling.BILINEAR)
    return np.asarray(view) >= 128


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.float32]:
    """A sheet of sensor noise (three channels, standard deviation 1), to take pieces of."""
    rng = generator("sensor noise")
    fine = rng.standard_normal((*_TILE, 3), dtype=np.float32)
    coarse = ndimage.gaussian_filter(rng.standard_normal(_TILE, dtype=np.float32), 1.2)
    return 0.9 * fine + (coarse / coarse.std() * np.float32(0.5))[..., None]
