"""Palette Color Lookup Tables: plain (PS3.3 C.7.6.3.1.5 and .6) and segmented ones (C.7.9.2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.layout import VALUE_ERRORS


@dataclass(frozen=True, slots=True)
class Palette:
    """The stored value that the first entry belongs to, and the entries of red, green and blue."""

    first: int
    tables: tuple[tuple[int, ...], ...]

    @property
    def entries(self) -> int:
        return len(self.tables[0])

    def brightness(self, value: int) -> int:
        """The sum of the three colours; values outside the table take its first or last entry."""
        index = min(max(value - self.first, 0), self.entries - 1)
        return sum(table[index] for table in self.tables)


def _refused(why: str) -> InstanceError:
    return InstanceError("pixel-format", why)


def read_palette(header: Dataset, *, big_endian: bool) -> Palette:
    """The palette of `header`; InstanceError("pixel-format") where it cannot be told for certain."""
    descriptors, tables = [], []
    for colour in ("Red", "Green", "Blue"):
        try:
            count, first, bits = (int(value) for value in header[f"{colour}PaletteColorLookupTableDescriptor"].value)
            plain = header.get(f"{colour}PaletteColorLookupTableData")
            segmented = header.get(f"Segmented{colour}PaletteColorLookupTableData")
        except VALUE_ERRORS as error:
            raise _refused("a palette descriptor cannot be read") from error
        if bits not in (8, 16) or first < 0 or not isinstance(plain or segmented, bytes):
            raise _refused("a palette has entries of another width, begins at a negative value or has no data")
        descriptors.append((count, first, bits))
        entries = _plain(plain, count or 65536, big_endian) if plain else _expand(segmented, bits, big_endian)
        if len(entries) != (count or 65536):
            raise _refused("a palette has another length than its descriptor says")
        tables.append(entries)
    if len(set(descriptors)) != 1:
        raise _refused("the palettes have different descriptors")
    return Palette(descriptors[0][1], tuple(tables))


def _words(data: bytes, big_endian: bool) -> tuple[int, ...]:
    order = ">" if big_endian else "<"
    return struct.unpack(f"{order}{len(data) // 2}H", data[: len(data) // 2 * 2])


def _halves(data: bytes, big_endian: bool) -> tuple[int, ...]:
    """Two 8 bit entries in each word, the first one in its lower half."""
    return tuple(half for word in _words(data, big_endian) for half in (word & 0xFF, word >> 8))


def _plain(data: bytes, count: int, big_endian: bool) -> tuple[int, ...]:
    """16 bit words, or 8 bit entries packed into words: the length tells."""
    if len(data) >= 2 * count:
        return _words(data, big_endian)[:count]
    return _halves(data, big_endian)[:count]


def _expand(data: bytes, bits: int, big_endian: bool) -> tuple[int, ...]:
    """Discrete (0) and linear (1) segments; indirect ones (2) are refused."""
    numbers = _words(data, big_endian) if bits == 16 else _halves(data, big_endian)
    entries: list[int] = []
    at = 0
    while at + 2 < len(numbers) and len(entries) <= 65536:
        kind, length = numbers[at], numbers[at + 1]
        if kind == 0 and at + 2 + length <= len(numbers):
            entries += numbers[at + 2 : at + 2 + length]
            at += 2 + length
        elif kind == 1 and entries:
            entries += _line(entries[-1], numbers[at + 2], length)
            at += 3
        else:
            raise _refused("a segmented palette has a segment that is not discrete or linear")
    return tuple(entries)


def _line(start: int, end: int, length: int) -> Sequence[int]:
    return [round(start + (end - start) * step / length) for step in range(1, length + 1)]
