"""A small PNG writer: one filter a row, one deflate pass, no metadata: equal pixels, equal bytes.

General encoders try several row filters and spend most of a sample's drawing time on it. Grainy
pictures and smooth maps both do well with one fixed filter, hence these few lines.
Source: PNG specification, third edition, sections 5 (structure) and 9 (filtering).
"""

from __future__ import annotations

import struct
import zlib

import imagecodecs
import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2}  # samples a pixel -> PNG colour type (grey, truecolour)
_FILTER_SUB = 1  # each byte minus the same byte of the pixel to its left
_FILTER_UP = 2  # each byte minus the one above


def encode_png(pixels: NDArray[np.uint8] | NDArray[np.uint16], *, level: int = 1) -> bytes:
    """The PNG file of a picture.

    `pixels`: uint8 or uint16, shape (h, w) for grey or (h, w, 3) for RGB; `level`: effort 1..12.
    Raises ValueError for any other shape or type.
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1] if pixels.ndim == 3 else 0
    if channels not in _COLOUR_TYPE or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"pixels: {pixels.dtype} of shape {pixels.shape}; expected uint8 or uint16, (h, w[, 3])"
        )
    height, width = pixels.shape[:2]
    depth = pixels.dtype.itemsize * 8
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPE[channels], 0, 0, 0)
    rows = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">"), copy=False))
    step = channels * pixels.dtype.itemsize
    filtered = _filter(rows.view(np.uint8).reshape(height, -1), step)
    body = bytes(imagecodecs.deflate_encode(filtered.tobytes(), level=level))
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _filter(rows: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """The rows with their filter byte: Sub on the first, then Up for one-sample rows, else Sub."""
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _FILTER_SUB
    filtered[:, 1 : step + 1] = rows[:, :step]
    np.subtract(rows[:, step:], rows[:, :-step], out=filtered[:, step + 1 :])
    if step == 1:
        filtered[1:, 0] = _FILTER_UP
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered


def _chunk(kind: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)
