"""The stored values of a phantom: noise to all bits, strokes as of burned-in text, and what a codec makes of a cell.

Values are unsigned and as wide as the cell, (frames, rows, columns, samples), so that every bit is compared.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cell import HTJ2K, Cell, is_lossy

Cells = NDArray[np.uint64]
_LETTERS = ("####.", "#...#", "####.", "#....", "#....")  # a P, as of PHANTOM
_PLACES = ((1, 2), (1, 9), (20, 30), (45, 70))


def stored_values(cell: Cell) -> Cells:
    """Values of Bits Stored bits, two's complement where signed, not yet moved to their place in the cell."""
    rng = np.random.default_rng(zlib.crc32(str(cell).encode()))
    shape = (cell.frames, cell.rows, cell.columns, cell.samples)
    if cell.floating:
        return _floats(rng, cell, shape)
    values = rng.integers(0, 1 << cell.stored, shape, dtype=np.uint64)
    _write_letters(values, (1 << cell.stored) - 1)
    if cell.transfer_syntax == HTJ2K and is_lossy(cell):
        values = _calmed(values, cell)
    if cell.native and cell.photometric == "YBR_PARTIAL_420":
        values[..., 1:] = values[:, ::2, ::2, 1:].repeat(2, axis=1).repeat(2, axis=2)
    if cell.subsampled:
        values[:, :, 1::2, 1:] = values[:, :, : cell.columns // 2 * 2 : 2, 1:]
    return values


def _floats(rng: np.random.Generator, cell: Cell, shape: tuple[int, ...]) -> Cells:
    """The bits of finite numbers of both signs."""
    numbers = rng.normal(0, 1e4, shape)
    if "float" in cell.words:
        return numbers.astype("<f4").view("<u4").astype(np.uint64)
    return numbers.astype("<f8").view("<u8").astype(np.uint64)


def _calmed(values: Cells, cell: Cell) -> Cells:
    """The middle half of the range: our HTJ2K streams have 16 bits whatever the value, and a loss must not leave it."""
    quarter, mask = 1 << (cell.stored - 2), np.uint64((1 << cell.stored) - 1)
    if cell.signed:
        return (sign_extended(values, cell.stored - 1, 63).astype(np.int64) << 1 >> 2).astype(np.uint64) & mask
    return (values >> np.uint64(1)) + np.uint64(quarter)


def _write_letters(values: Cells, brightest: int) -> None:
    """Letters of the highest value on a ground of the lowest, where they fit."""
    ink = np.array([[char == "#" for char in line] for line in _LETTERS], bool)[..., None] * np.uint64(brightest)
    height, width = ink.shape[:2]
    for top, left in _PLACES:
        if top + height <= values.shape[1] and left + width <= values.shape[2]:
            values[:, top : top + height, left : left + width] = ink


def placed(values: Cells, cell: Cell) -> Cells:
    """The whole cell: the value at High Bit, its sign carried on above unless the variant says `bare-sign`."""
    cells = values << np.uint64(cell.shift)
    if cell.signed and not cell.floating and "bare-sign" not in cell.words:
        cells = sign_extended(cells, cell.high_bit, cell.allocated)
    return cells


def sign_extended(cells: Cells, high_bit: int, allocated: int) -> Cells:
    """Bits above `high_bit` are made those of the sign."""
    above = np.uint64((1 << allocated) - (1 << (high_bit + 1)))
    negative = (cells >> np.uint64(high_bit)) & np.uint64(1) == 1
    return np.where(negative, cells | above, cells)


def normal(decoded: NDArray[Any], *, stored: int, allocated: int, signed: bool) -> Cells:
    """What a codec decoded, as cells: AssertionError where bits above Bits Stored are neither zero nor the sign.

    Codecs give a value of Bits Stored, of 16 bits or of the cell's width, signed or not; only the value counts.
    """
    cells = decoded.astype(np.int64).view(np.uint64) & np.uint64((1 << allocated) - 1)
    value = cells & np.uint64((1 << stored) - 1)
    extended = sign_extended(value, stored - 1, allocated) if signed else value
    assert ((cells == value) | (cells == extended)).all(), "a codestream has bits above Bits Stored in use"
    return extended
