"""Bits of native cells that hold no pixel value (PS3.5 8.1.1): a plane of text can lie there that no overlay declares.

Equipment and earlier anonymisers take overlay groups out of the header and leave the planes in the cells. What is told
from such a plane: zeros, a sign that is carried on to the top of the cell, and the padding value (PS3.3 C.7.5.1.1.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.layout import VALUE_ERRORS, PixelLayout
from xnat_pixelanon.pixels.source import CHUNK, PixelSource
from xnat_pixelanon.pixels.structure import read_exactly

UNDECLARED = "bits above or below the stored ones are in use, and no overlay says for what"


def check_unused_bits(source: PixelSource, layout: PixelLayout) -> None:
    """InstanceError("pixel-format") where a cell of native pixel data has something in bits where nothing may be."""
    spare = native_spare_bits(source, layout)
    if spare is None or layout.overlay_bits:
        return
    assert source.element is not None
    source.stream.seek(source.element.value_offset)
    remaining = layout.value_bytes
    while remaining:
        count = min(CHUNK, remaining)
        remaining -= count
        if spare.in_use(np.frombuffer(read_exactly(source.stream, count), cell_type(layout))):
            raise InstanceError("pixel-format", UNDECLARED)


def cell_type(layout: PixelLayout) -> np.dtype[np.unsignedinteger]:
    """Of a native cell as it lies in the file; single bits are taken as octets."""
    return np.dtype(f"{'>' if layout.big_endian else '<'}u{max(layout.bits_allocated // 8, 1)}")


def native_spare_bits(source: PixelSource, layout: PixelLayout) -> SpareBits | None:
    """Those of native cells; None for cells of other widths than 8, 16 and 32 bits."""
    if layout.bits_allocated not in (8, 16, 32):
        return None
    return SpareBits.of(layout, source.header, layout.bits_allocated)


@dataclass(frozen=True, slots=True)
class SpareBits:
    """What may be in the bits of a cell that hold no pixel value; see the first lines of this module."""

    mask: int
    above: int
    sign: int
    """0 for unsigned cells, else the sign bit."""
    padding: tuple[int, ...]

    @classmethod
    def of(cls, layout: PixelLayout, header: Dataset, bits: int) -> SpareBits | None:
        """Of cells of `bits` bits; None where all of them are stored ones."""
        every = (1 << bits) - 1
        if layout.keyword != "PixelData" or bits == 1 or layout.stored_mask & every == every:
            return None
        return cls(
            layout.stored_mask,
            every & ~((1 << (layout.high_bit + 1)) - 1),
            1 << layout.high_bit if layout.signed else 0,
            tuple(value & every for value in _padding(header)),
        )

    def in_use(self, cells: NDArray[np.unsignedinteger]) -> bool:
        """Whether one of the cells has something where nothing may be."""
        return bool(int(np.bitwise_or.reduce(cells, axis=None)) & ~self.mask) and self._unexplained(cells)

    def _unexplained(self, cells: NDArray[np.unsignedinteger]) -> bool:
        rest = cells & ~np.array(self.mask, cells.dtype)
        strange = rest != 0
        if self.sign:
            # one bit alone cannot be told from a plane but by the sign
            sign = cells & np.array(self.sign, cells.dtype)
            strange &= (rest != self.above) | ((sign == 0) if self.above.bit_count() == 1 else False)
        for value in self.padding:
            strange &= cells != np.array(value, cells.dtype)
        return bool(strange.any())


def _padding(header: Dataset) -> list[int]:
    try:
        value = header.get("PixelPaddingValue")
        return [] if value is None else [int(value)]
    except VALUE_ERRORS:
        return []
