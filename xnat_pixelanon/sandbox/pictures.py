"""Before and after side by side, for the README; of phantoms only, never of a real image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_WIDTH = 1200
_GAP = 16
_CAPTION = 36
_PAPER = (250, 250, 250)
_INK = (30, 30, 30)


def before_after(before: NDArray[Any], after: NDArray[Any], out_png: Path) -> None:
    """Write one PNG, 1200 pixels wide, with both pictures under the words "before" and "after".

    Each is one displayed frame: (rows, columns) or (rows, columns, 3); uint8 is taken as it is, other values are
    stretched over the range that both share, so that equal pixels stay equal to the eye.
    """
    low = float(min(before.min(), after.min()))
    high = float(max(before.max(), after.max()))
    width = (_WIDTH - 3 * _GAP) // 2
    shown = [_image(one, low, high) for one in (before, after)]
    heights = [max(1, round(one.height * width / one.width)) for one in shown]
    page = Image.new("RGB", (_WIDTH, _CAPTION + max(heights) + _GAP), _PAPER)
    ink = ImageDraw.Draw(page)
    for index, (word, one, height) in enumerate(zip(("before", "after"), shown, heights, strict=True)):
        left = _GAP + index * (width + _GAP)
        ink.text((left, 8), word, fill=_INK, font=ImageFont.load_default(20))
        page.paste(one.resize((width, height), Image.Resampling.LANCZOS), (left, _CAPTION))
    out_png.parent.mkdir(parents=True, exist_ok=True)
    page.save(out_png, "PNG", optimize=True)


def _image(array: NDArray[Any], low: float, high: float) -> Image.Image:
    if array.dtype != np.uint8:
        array = np.rint((array.astype(np.float64) - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
    return Image.fromarray(array).convert("RGB")
