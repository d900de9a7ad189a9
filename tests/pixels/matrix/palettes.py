"""Palette Color Lookup Tables of the phantoms (PS3.3 C.7.6.3.1.5 and C.7.9.2), each with a single darkest entry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cell import BIG_ENDIAN, Cell

_ENTRIES, _DARKEST, _FIRST = 200, 37, 20
Table = NDArray[np.int64]


def darkest_index(cell: Cell) -> int:
    """The stored value whose colour is the darkest of the cell's palette."""
    return _first(cell) + _DARKEST


def _first(cell: Cell) -> int:
    """The first value mapped; one that no cell of 8 bits has."""
    return 256 if "unreachable" in cell.words else _FIRST if "first" in cell.words else 0


def _colours(cell: Cell) -> tuple[Table, Table, Table]:
    """Three tables that fall in straight lines to the darkest entry and rise behind it; none is black itself."""
    top = 255 if "lut8" in cell.words else 65535
    down = np.linspace(top // 2, top // 50, _DARKEST + 1).round()
    up = np.linspace(top // 50, top, _ENTRIES - _DARKEST).round()
    red = np.concatenate([down, up[1:]]).astype(np.int64)
    return red, red // 2 + top // 40, np.full(_ENTRIES, top // 30)


def palette(cell: Cell) -> dict[str, Any]:
    """The elements of the palette, their words in the byte order of the cell's transfer syntax."""
    elements: dict[str, Any] = {}
    bits = 8 if "lut8" in cell.words else 16
    first = _first(cell)
    segmented = bool(cell.words & {"segmented", "indirect"})
    for name, table in zip(("Red", "Green", "Blue"), _colours(cell), strict=True):
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [_ENTRIES, first, bits]
        if segmented:
            data = np.array(_segments(table, "indirect" in cell.words), "<u2").tobytes()
        else:
            data = table.astype("<u2" if bits == 16 else "u1").tobytes()
        if cell.transfer_syntax == BIG_ENDIAN:
            data = np.frombuffer(data, "<u2").astype(">u2").tobytes()
        elements[f"{'Segmented' if segmented else ''}{name}PaletteColorLookupTableData"] = data
    return elements


def _segments(table: Table, indirect: bool) -> list[int]:
    """One discrete entry, a line down and a line up; or all discrete, twice half by way of an indirect segment."""
    if not indirect:
        return [0, 1, int(table[0]), 1, _DARKEST, int(table[_DARKEST]), 1, _ENTRIES - _DARKEST - 1, int(table[-1])]
    half = _ENTRIES // 2
    return [0, half, *(int(value) for value in table[:half]), 2, 1, 0, 0]
