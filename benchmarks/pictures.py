"""Seeded pictures: a CT-like body with noise, a speckled ultrasound fan, and invented text burned into the boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.shapes import Box, Shape

SEED = 20250301
_DISTINCT = 16
Array = np.ndarray[Any, np.dtype[Any]]


def frames_of(shape: Shape, count: int, number: int) -> Array:
    """Frames of file `number` as (frames, rows, columns[, samples]), little endian, the text burned in.

    At most 16 of the `count` are distinct; a long file repeats them.
    """
    generator = np.random.default_rng([SEED, sum(shape.name.encode()), number])
    count = min(count, _DISTINCT)
    cells = _fan(shape, count, generator) if shape.look == "cine" else _body(shape, count, generator)
    for box in shape.boxes:
        _burn(cells, box, number, (1 << shape.bits_stored) - 6)
    return cells


def _grid(shape: Shape) -> tuple[Array, Array]:
    down, right = np.mgrid[0 : shape.rows, 0 : shape.columns]
    return (down / shape.rows - 0.5).astype("f4"), (right / shape.columns - 0.5).astype("f4")


def _body(shape: Shape, count: int, generator: np.random.Generator) -> Array:
    """An ellipse with organs and noise of half a percent of the range of a CT; 1 is its lowest value, never black."""
    down, right = _grid(shape)
    # A CT holds 12 bits of signal also where 16 are stored.
    top = 60000 if shape.look == "radiograph" else 4000
    body = np.clip(1.6 - 4 * np.hypot(down * 1.3, right), 0, 1)
    body = top * (0.1 + body * (0.35 + 0.12 * np.sin(right * 31) * np.cos(down * 23)))
    cells = np.empty((count, shape.rows, shape.columns), "<u2")
    for frame in cells:
        noisy = body * generator.uniform(0.9, 1.0) + generator.normal(0, top * 0.004, body.shape).astype("f4")
        frame[...] = np.clip(noisy, 1, top - 1)
    return cells


def _fan(shape: Shape, count: int, generator: np.random.Generator) -> Array:
    """Grey speckle in a fan, with a patch of colour flow; black around it."""
    down, right = _grid(shape)
    angle, radius = np.arctan2(right, down + 0.65), np.hypot(right, down + 0.65)
    fan = (np.abs(angle) < 0.6) & (radius > 0.25) & (radius < 1.1)
    flow = (np.abs(right) < 0.08) & (np.abs(down) < 0.1)
    cells = np.zeros((count, shape.rows, shape.columns, 3), "u1")
    for frame in cells:
        speckle = generator.rayleigh(50, fan.shape) * fan * (0.6 + 0.4 * np.cos(radius * 40))
        frame[...] = np.clip(speckle, 0, 255).astype("u1")[..., None]
        frame[flow, 0] |= 96
    return cells


def _burn(cells: Array, box: Box, number: int, value: int) -> None:
    """Lines of text that fill the box, the same in every frame."""
    top, left, bottom, right = box
    stencil = Image.new("L", (right - left, bottom - top))
    pencil = ImageDraw.Draw(stencil)
    text = f"PHANTOM^BENCH  TEST-{number:06d}  01.01.1901  NOWHERE HOSPITAL   " * 4
    for line in range(2, bottom - top - 10, 12):
        pencil.text((4, line), text, fill=255)
    cells[:, top:bottom, left:right][:, np.asarray(stencil) > 127] = value
