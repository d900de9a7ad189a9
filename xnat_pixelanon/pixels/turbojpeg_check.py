"""Whether the libturbojpeg of this machine does what turbojpeg.py declares of it: tried on two small frames."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.turbojpeg import Library, Missing, Plane, Transformer, dc_pattern

_EDITS_WRONG = "the installed libturbojpeg does not edit a frame as it should"
_TELLS_NOTHING = "the installed libturbojpeg does not tell when a frame is truncated"


def self_test(library: Library) -> str:
    """Empty when two small frames come out as they must and a truncated one does not; else what is wrong.

    A few milliseconds. A library with another layout of its structures may end the process here: so it is no later.
    """
    noise = np.random.default_rng(1).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    grey = bytes(imagecodecs.jpeg8_encode(noise[..., 0].copy(), level=100))
    colour = bytes(imagecodecs.jpeg8_encode(noise, level=100, subsampling="420", outcolorspace="YCBCR"))
    # The first block of grey; of colour the second and third MCU of 16 x 16 pixels, from column 16 to the edge.
    block = (Plane(5, 3, {0: ((0, dc_pattern(-1024, 1)),)}),)
    luma, chroma = ((2, dc_pattern(-1024, 3)),), ((1, dc_pattern(0, 2)),)
    mcus = (Plane(5, 3, {0: luma, 1: luma}), Plane(3, 2, {0: chroma}), Plane(3, 2, {0: chroma}))
    try:
        with Transformer(library) as transformer:
            blackened = bytes(transformer.transform(grey, 24, 40, block))
            if not _only_black(grey, blackened, (slice(0, 8), slice(0, 8)), ring=0):
                return _EDITS_WRONG
            blackened = bytes(transformer.transform(colour, 24, 40, mcus))
            if not _only_black(colour, blackened, (slice(0, 16), slice(16, 40)), ring=1):
                return _EDITS_WRONG
            return "" if _refused(transformer, colour[: len(colour) // 2], mcus) else _TELLS_NOTHING
    except (InstanceError, Missing, RuntimeError, ValueError):  # imagecodecs raises one of the last two
        return _EDITS_WRONG


def _refused(transformer: Transformer, data: bytes, planes: tuple[Plane, ...]) -> bool:
    try:
        transformer.transform(data, 24, 40, planes)
    except InstanceError as error:
        return error.code == "damaged"
    return False


def _only_black(source: bytes, result: bytes, box: tuple[slice, slice], *, ring: int) -> bool:
    """Whether nothing but the box changed, which is 0, but for a ring on both sides of its edge."""
    before, after = imagecodecs.jpeg8_decode(source), imagecodecs.jpeg8_decode(result)
    rows, columns = box
    inner = after[_inwards(rows, ring, 24), _inwards(columns, ring, 40)]
    outside = np.ones(before.shape[:2], bool)
    outside[max(rows.start - ring, 0) : rows.stop + ring, max(columns.start - ring, 0) : columns.stop + ring] = False
    unchanged: NDArray[Any] = before[outside] == after[outside]
    return not inner.any() and bool(unchanged.all())


def _inwards(side: slice, ring: int, length: int) -> slice:
    """The side without the ring, which is not at the edge of the image."""
    return slice(side.start + ring * (side.start > 0), side.stop - ring * (side.stop < length))
