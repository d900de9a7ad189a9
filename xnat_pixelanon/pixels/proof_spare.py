"""Bits of a copy's cells that hold no pixel value: a plane of text in them that no overlay declares is a finding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.pixels.proof_read import Reopened


def has_plane(opened: Reopened, cells: NDArray[np.unsignedinteger], bits: int) -> bool:
    """Whether they are other than a sign carried on, or a cell of the padding value. `bits`: those of a cell."""
    stored = opened.number("BitsStored")
    shift = opened.number("HighBit") + 1 - stored
    if stored >= bits or not cells.size:
        return False
    if not shift and int(cells.max()) >> stored == 0:
        return False
    signed = opened.number("PixelRepresentation") == 1
    if signed and not shift and bits == 8 * cells.dtype.itemsize:
        numbers = cells.view(cells.dtype.str.replace("u", "i"))
        if -(1 << (stored - 1)) <= int(numbers.min()) and int(numbers.max()) < 1 << (stored - 1):
            return False
    wide = cells.astype(np.int64)
    above, below = wide >> (shift + stored), wide % (1 << shift)
    plain = above == 0
    ones = (1 << (bits - stored - shift)) - 1
    if signed and ones > 0:
        negative = (wide >> (shift + stored - 1)) & 1 == 1
        plain |= (above == ones) & (negative | (ones > 1))
    padding = opened.header.get("PixelPaddingValue")
    known = wide == int(padding) % (1 << bits) if isinstance(padding, int) else np.zeros(wide.shape, bool)
    return not bool((known | (plain & (below == 0))).all())
