"""Bits of native cells that hold no pixel value (PS3.5 8.1.1): a plane of text can lie there that no overlay declares.

Equipment and earlier anonymisers take overlay groups out of the header and leave the planes in the cells. What is told
from such a plane: zeros, a sign that is carried on to the top of the cell, and the padding value (PS3.3 C.7.5.1.1.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from xnat_pixelanon.pixels.layout import VALUE_ERRORS, PixelLayout
from xnat_pixelanon.pixels.source import CHUNK, PixelSource
from xnat_pixelanon.pixels.structure import read_exactly


def unused_bits_in_use(source: PixelSource, layout: PixelLayout) -> bool:
    """Whether a cell of native pixel data has something in bits where nothing may be."""
    mask = layout.stored_mask
    if layout.bits_allocated not in (8, 16, 32) or mask == (1 << layout.bits_allocated) - 1:
        return False
    assert source.element is not None
    size = layout.bits_allocated // 8
    word = np.dtype(f"{'>' if layout.big_endian else '<'}u{size}")
    source.stream.seek(source.element.value_offset)
    remaining = layout.value_bytes
    while remaining:
        count = min(CHUNK, remaining)
        remaining -= count
        cells = np.frombuffer(read_exactly(source.stream, count), word)
        if int(np.bitwise_or.reduce(cells)) & ~mask and _unexplained(cells, layout, source.header):
            return True
    return False


def _unexplained(cells: NDArray[np.unsignedinteger], layout: PixelLayout, header: Dataset) -> bool:
    above = (1 << layout.bits_allocated) - (1 << (layout.high_bit + 1))
    rest = cells & ~np.array(layout.stored_mask, cells.dtype)
    strange = rest != 0
    if layout.signed:
        # one bit alone cannot be told from a plane but by the sign
        sign = cells & np.array(1 << layout.high_bit, cells.dtype)
        strange &= (rest != above) | ((sign == 0) if above.bit_count() == 1 else False)
    for value in _padding(header):
        strange &= cells != np.array(value & ((1 << layout.bits_allocated) - 1), cells.dtype)
    return bool(strange.any())


def _padding(header: Dataset) -> list[int]:
    try:
        value = header.get("PixelPaddingValue")
        return [] if value is None else [int(value)]
    except VALUE_ERRORS:
        return []
