"""Pictures that look like what they claim, burned-in text, and an independent judge of whether text is legible.

Pictures are float32 arrays (frames, rows, columns) of displayed brightness, 0 black to 1 white.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Grey = NDArray[np.float32]
LEGIBLE = 0.55
"""Correlation from which on text counts as legible; speckle and anatomy reach about 0.4 by chance."""
_WINDOW = 4
"""Characters looked at together: one short run that can be read is a leak."""


class Burned(NamedTuple):
    """Text drawn into every frame: its upper left corner (left, top) and its size, all in pixels."""

    text: str
    at: tuple[int, int]
    size: int = 16


class Scene(NamedTuple):
    """What a picture is drawn from: its size, a number 0..1 for place in the body or time, and the noise."""

    rows: int
    columns: int
    phase: float
    rng: np.random.Generator

    @property
    def grid(self) -> tuple[Grey, Grey]:
        """x and y of every pixel centre, -1..1 over the picture."""
        y, x = np.mgrid[0 : self.rows, 0 : self.columns].astype(np.float32)
        return (2 * x + 1) / self.columns - 1, (2 * y + 1) / self.rows - 1

    def noise(self, amount: float) -> Grey:
        return self.rng.normal(0, amount, (self.rows, self.columns)).astype(np.float32)


def draw(kind: str, rows: int, columns: int, *, frames: int = 1, phase: float = 0.5, seed: int = 0) -> Grey:
    """A picture of `kind`, one of PICTURES; frames move as a cine does. Deterministic for a seed."""
    rng = np.random.default_rng(seed)
    steps = [phase + frame / max(frames, 8) for frame in range(frames)]
    scenes = (Scene(rows, columns, step % 1.0 if step > 1 else step, rng) for step in steps)
    return np.stack([np.clip(PICTURES[kind](scene), 0, 1) for scene in scenes]).astype(np.float32)


def burn(picture: Grey, burned: Burned) -> None:
    """Draw the text in white into every frame, in place; ValueError when no pixel of it lies inside."""
    mask = text_mask(picture.shape[1], picture.shape[2], burned)
    if not mask.any():
        raise ValueError("the burned-in text lies outside the picture")
    picture *= 1 - mask
    picture += mask


def text_mask(rows: int, columns: int, burned: Burned) -> Grey:
    """How much of each pixel of a rows x columns picture the text covers, 0..1."""
    image = Image.new("L", (columns, rows))
    ImageDraw.Draw(image).text(burned.at, burned.text, fill=255, font=_font(burned.size))
    covered: Grey = np.asarray(image, np.float32) / np.float32(255)
    return covered


def text_box(burned: Burned) -> tuple[int, int, int, int]:
    """top, left, bottom, right of all pixels that the text touches, ends exclusive."""
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        burned.at, burned.text, font=_font(burned.size)
    )
    return int(np.floor(top)), int(np.floor(left)), int(np.ceil(bottom)), int(np.ceil(right))


def text_score(array: NDArray[Any], text: str, at: tuple[int, int], size: int) -> float:
    """How well the best-readable run of four characters is still there, 0..1.

    `array` is one frame (rows, columns), or (rows, columns, samples) whose samples are averaged, in any stored
    values; polarity does not matter. The score is the normalised correlation of the pixels with the drawn glyphs.
    """
    plane = np.asarray(array, np.float64)
    plane = plane.mean(axis=2) if plane.ndim == 3 else plane
    burned = Burned(text, at, size)
    mask = text_mask(plane.shape[0], plane.shape[1], burned).astype(np.float64)
    top, _, bottom, _ = text_box(burned)
    rows = slice(max(top - 1, 0), bottom + 1)
    font = _font(size)
    edges = [at[0] + round(font.getlength(text[:index])) for index in range(len(text) + 1)]
    ends = [min(first + _WINDOW, len(text)) for first in range(max(len(text) - _WINDOW, 0) + 1)]
    runs = [(edges[end - min(_WINDOW, end)], edges[end]) for end in ends]
    whole = [run for run in runs if run[1] <= plane.shape[1]] or runs
    return max(
        (_correlation(mask[rows, max(a - 1, 0) : b + 1], plane[rows, max(a - 1, 0) : b + 1]) for a, b in whole),
        default=0.0,
    )


def text_seen(array: NDArray[Any], text: str, at: tuple[int, int], size: int) -> bool:
    """Whether any run of four characters of the burned-in text is still legible at its place (see text_score)."""
    return text_score(array, text, at, size) >= LEGIBLE


def _correlation(glyphs: NDArray[np.float64], pixels: NDArray[np.float64]) -> float:
    if not glyphs.size:
        return 0.0
    a, b = glyphs - glyphs.mean(), pixels - pixels.mean()
    power = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return abs(float((a * b).sum())) / power if power > 1e-9 else 0.0


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _ellipse(x: Grey, y: Grey, centre: tuple[Any, float], radii: tuple[float, float]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2 < 1
    return found


def _smooth(noise: Grey) -> Grey:
    """Grains of about three pixels, as ultrasound speckle has."""
    for axis in (0, 1):
        noise = (np.roll(noise, 1, axis) + noise + np.roll(noise, -1, axis)) / np.float32(3)
    return noise


def _ultrasound(scene: Scene) -> Grey:
    """A sector scan: speckle between layers, and a dark cyst that moves with time."""
    x, y = scene.grid
    depth, angle = np.hypot(x, y + 1.05), np.arctan2(x, y + 1.05)
    fan = (np.abs(angle) < 0.62) & (depth > 0.3) & (depth < 1.85)
    speckle = _smooth(scene.rng.rayleigh(0.5, x.shape).astype(np.float32))
    layers = 0.55 + 0.25 * np.sin(9 * depth + 2 * np.sin(3 * angle)) - 0.18 * depth
    beat = 0.05 * np.sin(2 * np.pi * scene.phase)
    cyst = _ellipse(x, y, (0.12 + beat, 0.1), (0.2 + beat, 0.16))
    wall = _ellipse(x, y, (0.12 + beat, 0.1), (0.23 + beat, 0.19)) & ~cyst
    tissue = np.where(cyst, 0.06, np.where(wall, 0.85, layers)) * (0.35 + 0.9 * speckle)
    ruler = (x > 0.93) & (x < 0.95 + 0.02 * (np.floor(y * 40) % 5 == 0)) & (np.floor(y * 40) % 2 == 0)
    return np.where(fan, tissue, np.where(ruler, 0.5, 0.0)).astype(np.float32)


def _ct_axial(scene: Scene) -> Grey:
    """A slice of a trunk: skin, fat, lungs that shrink towards the abdomen, heart or liver, spine, table."""
    x, y = scene.grid
    lung = 0.36 * (1 - 0.8 * scene.phase)
    out = np.full(x.shape, 0.02, np.float32)
    out[np.abs(y - 0.82 - 0.06 * x * x) < 0.02] = 0.3
    out[_ellipse(x, y, (0, 0), (0.86, 0.68))] = 0.4
    out[_ellipse(x, y, (0, 0), (0.78, 0.6))] = 0.52
    for side in (-1, 1):
        out[_ellipse(x, y, (side * 0.4, -0.02), (lung * 0.8, lung * 1.1))] = 0.1
        for rib in range(5):
            at = (side * (0.62 - 0.1 * abs(rib - 2)), -0.42 + 0.2 * rib)
            out[_ellipse(x, y, at, (0.05, 0.035))] = 0.85
    out[_ellipse(x, y, (0.08, -0.12), (0.2, 0.24))] = 0.6
    out[_ellipse(x, y, (0, 0.38), (0.13, 0.12))] = 0.9
    out[_ellipse(x, y, (0, 0.38), (0.05, 0.05))] = 0.5
    out[_ellipse(x, y, (-0.16, 0.2), (0.05, 0.05))] = 0.68
    return out + scene.noise(0.015)


def _ct_scout(scene: Scene) -> Grey:
    """A localizer: the trunk from the front, with spine, ribs and the lines of the planned slices."""
    x, y = scene.grid
    width = 0.42 + 0.12 * np.exp(-(((y + 0.45) / 0.3) ** 2)) + 0.06 * np.cos(3 * y)
    body = np.abs(x) < width
    out = np.where(body, 0.3 + 0.35 * np.sqrt(np.clip(1 - (x / width) ** 2, 0, 1)), 0.03).astype(np.float32)
    for side in (-1, 1):
        out[_ellipse(x, y, (side * 0.24, -0.35), (0.18, 0.36))] *= 0.5
    ribs = body & (y < 0.1) & (np.sin(38 * (y - 0.35 * x * x)) > 0.75)
    out[ribs] += 0.12
    spine = np.abs(x) < 0.06 + 0.01 * np.sin(60 * y)
    out[spine & body] += 0.22
    head = _ellipse(x, y, (0, -0.98), (0.2, 0.22))
    out[head] = 0.7
    planned = body & (np.abs(((y + 0.6) * 9) % 1 - 0.5) < 0.04) & (np.abs(y) < 0.6)
    out[planned] = 0.95
    return out + scene.noise(0.01)


def _mr_head(scene: Scene) -> Grey:
    """An axial head: scalp, dark skull, folded cortex, ventricles."""
    x, y = scene.grid
    scale = 0.72 + 0.25 * float(np.sin(np.pi * scene.phase))
    x, y = x / scale, y / scale
    out = np.full(x.shape, 0.02, np.float32)
    out[_ellipse(x, y, (0, 0), (0.72, 0.9))] = 0.75
    out[_ellipse(x, y, (0, 0), (0.67, 0.85))] = 0.08
    brain = _ellipse(x, y, (0, 0), (0.61, 0.78))
    folds = np.sin(17 * x + 3 * np.sin(9 * y)) * np.sin(15 * y + 3 * np.cos(11 * x))
    radius = np.hypot(x / 0.61, y / 0.78)
    cortex = 0.42 + 0.12 * folds * np.clip(2.2 * radius - 0.9, 0, 1)
    out[brain] = np.where(radius < 0.62, 0.58, cortex)[brain]
    for side in (-1, 1):
        out[_ellipse(x, y, (side * (0.12 + 0.1 * y * y), -0.02), (0.07, 0.26))] = 0.12
    out[(np.abs(x) < 0.012) & brain & (np.abs(y) > 0.3)] = 0.1
    return out + scene.noise(0.02)


def _xray(scene: Scene) -> Grey:
    """A chest from the front: dark lungs, ribs, spine, heart shadow, clavicles."""
    x, y = scene.grid
    body = (np.abs(x) < 0.92 - 0.1 * y * y) & (y > -0.95)
    out = np.where(body, 0.62, 0.02).astype(np.float32)
    for side in (-1, 1):
        out[_ellipse(x, y, (side * 0.42, -0.05), (0.32, 0.72))] = 0.2
    ribs = body & (np.abs(x) > 0.1) & (np.sin(22 * (y + 0.5 * (np.abs(x) - 0.4) ** 2) - 4 * np.abs(x)) > 0.6)
    out[ribs] += 0.16
    out[_ellipse(x, y, (0.14, 0.2), (0.3, 0.34))] = 0.66
    out[np.abs(x) < 0.09] += 0.14
    out[body & (y > 0.6 + 0.3 * (np.abs(x) - 0.42) ** 2 * 4)] = 0.72
    out[body & (np.abs(y + 0.72 + 0.16 * np.abs(x)) < 0.03) & (np.abs(x) > 0.12)] = 0.85
    return out + scene.noise(0.012)


def _angiogram(scene: Scene) -> Grey:
    """Contrast running down branching vessels over a grey background."""
    x, y = scene.grid
    out = (0.62 - 0.15 * (x * x + y * y)).astype(np.float32)
    filled = -1 + 2.2 * (0.3 + scene.phase)
    for branch, width in ((0.0, 0.045), (0.45, 0.03), (-0.4, 0.03), (0.8, 0.018), (-0.75, 0.018)):
        course = branch * np.clip(y + 0.7, 0, None) + 0.06 * np.sin(5 * y + 7 * branch)
        out[(np.abs(x - course) < width) & (y < filled)] = 0.15
    return out + scene.noise(0.02)


def _screen(scene: Scene) -> Grey:
    """A workstation's screen: title bar, panels, lines of greeked text, a curve."""
    x, y = scene.grid
    out = np.full(x.shape, 0.12, np.float32)
    out[y < -0.86] = 0.32
    for left in (-0.95, 0.05):
        panel = (x > left) & (x < left + 0.88) & (y > -0.7) & (y < 0.85)
        out[panel] = 0.2
    words = (np.floor((y + 0.6) * 18) % 2 == 0) & (np.sin(70 * x + 9 * np.floor((y + 0.6) * 18)) > -0.3)
    out[words & (x > -0.9) & (x < -0.25) & (y > -0.6) & (y < 0.6)] = 0.5
    out[(np.abs(y - 0.1 - 0.35 * np.sin(6 * x)) < 0.012) & (x > 0.1) & (x < 0.88)] = 0.9
    out[((np.abs(x - 0.1) < 0.004) & (np.abs(y) < 0.6)) | ((np.abs(y - 0.6) < 0.006) & (x > 0.1) & (x < 0.88))] = 0.6
    return out


def _labels(scene: Scene) -> Grey:
    """A segmented organ: white inside, black outside."""
    x, y = scene.grid
    return _ellipse(x, y, (-0.2, 0.0), (0.25 + 0.1 * scene.phase, 0.3)).astype(np.float32)


PICTURES: Mapping[str, Callable[[Scene], Grey]] = MappingProxyType(
    {
        "ultrasound": _ultrasound,
        "ct-axial": _ct_axial,
        "ct-scout": _ct_scout,
        "mr-head": _mr_head,
        "xray": _xray,
        "angiogram": _angiogram,
        "screen": _screen,
        "labels": _labels,
    }
)
