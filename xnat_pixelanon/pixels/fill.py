"""The fill table: the stored value that displays as black (PS3.3 C.7.6.3.1.2), by photometric interpretation."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydicom.dataset import Dataset

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.layout import VALUE_ERRORS, PixelLayout
from xnat_pixelanon.pixels.palette import read_palette

_WIDTHS = {"PixelData": (1, 8, 16, 32), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}
_FLOATS = {
    "FloatPixelData": ("FloatPixelPaddingValue", "f", "L"),
    "DoubleFloatPixelData": ("DoubleFloatPixelPaddingValue", "d", "Q"),
}


@dataclass(frozen=True, slots=True)
class Fill:
    """The values of one cell: one for each sample, or Y Y Cb Cr for a native 4:2:2 pair; unsigned, as stored.

    `text` is for the report. All bits of the cell are meant, those above and below the stored ones too.
    """

    values: tuple[int, ...]
    text: str


def _refused(why: str) -> InstanceError:
    return InstanceError("pixel-format", why)


def fill_of(layout: PixelLayout, header: Dataset) -> Fill:
    """What a box is filled with; InstanceError("pixel-format") where no rectangle can be blackened."""
    if layout.bits_allocated not in _WIDTHS[layout.keyword]:
        raise _refused(f"Bits Allocated {layout.bits_allocated} cannot be blackened")
    row = FILLS.get(layout.photometric)
    if row is None or (layout.photometric in ONLY_COMPRESSED and not layout.encapsulated):
        raise _refused("this Photometric Interpretation cannot be blackened in data of this kind")
    if layout.samples != row.samples:
        raise _refused("Samples per Pixel does not fit Photometric Interpretation")
    if layout.samples > 1 and layout.planar is None and not layout.encapsulated:
        raise _refused("Planar Configuration is missing")
    if not layout.photometric.startswith("MONOCHROME"):
        if layout.keyword != "PixelData" or layout.signed:
            raise _refused("colour pixel data are signed or floating point")
        if layout.bits_allocated == 1 or layout.high_bit != layout.bits_stored - 1:
            raise _refused("colour pixel data of one bit, or with High Bit other than Bits Stored less one")
    return row.fill(layout, header)


def _monochrome(layout: PixelLayout, header: Dataset) -> Fill:
    """The darkest stored value; signed ones are sign-extended, for readers that take the whole cell as the value."""
    if layout.keyword != "PixelData":
        return _padding(layout, header)
    stored = layout.bits_stored
    lowest, highest = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if layout.signed else (0, (1 << stored) - 1)
    value = highest if layout.inverse else lowest
    cell = (1 << layout.bits_allocated) - 1
    if layout.overlay_bits:  # the other bits are cleared over the whole image
        cell = layout.stored_mask
    shift = layout.high_bit + 1 - stored
    return Fill((value << shift & cell,), f"{value} ({layout.photometric})")


def _padding(layout: PixelLayout, header: Dataset) -> Fill:
    """Floating point values are shown through mappings of the receiver: padding says "no value", else zero does."""
    keyword, number, cell = _FLOATS[layout.keyword]
    try:
        found = header.get(keyword)
        value = 0.0 if found is None else float(found)
        (bits,) = struct.unpack(f"<{cell}", struct.pack(f"<{number}", value))
    except VALUE_ERRORS as error:
        raise _refused(f"{keyword} cannot be read") from error
    return Fill((int(bits),), f"{value:g} ({'padding value' if found is not None else 'zero'})")


def _rgb(layout: PixelLayout, header: Dataset) -> Fill:
    return Fill((0, 0, 0), f"0, 0, 0 ({layout.photometric})")


def _ybr_full(layout: PixelLayout, header: Dataset) -> Fill:
    grey = 1 << (layout.bits_stored - 1)
    return Fill((0, grey, grey), f"0, {grey}, {grey} ({layout.photometric})")


def _ybr_422(layout: PixelLayout, header: Dataset) -> Fill:
    """Full range black is Y 0, partial (studio) range Y 16 of 256. Decoded frames have three samples for each pixel."""
    partial = layout.photometric == "YBR_PARTIAL_422"
    if layout.encapsulated and not partial:
        return _ybr_full(layout, header)
    if layout.planar == 1 or (layout.columns % 2 and not layout.encapsulated):
        raise _refused("4:2:2 data are planar or have an odd number of columns")
    grey = 1 << (layout.bits_stored - 1)
    black = grey >> 3 if partial else 0
    values = (black, grey, grey) if layout.encapsulated else (black, black, grey, grey)
    return Fill(values, f"{black}, {grey}, {grey} ({layout.photometric})")


def _palette(layout: PixelLayout, header: Dataset) -> Fill:
    """The index of the darkest entry that a pixel can have; the first one where several are equally dark."""
    if layout.bits_allocated == 32:
        raise _refused("a palette has indices of 32 bits")
    palette = read_palette(header, big_endian=layout.big_endian)
    reachable = range(palette.first, min(palette.first + palette.entries, 1 << layout.bits_stored))
    if not reachable:
        raise _refused("no pixel value reaches the palette")
    index = min(reachable, key=palette.brightness)
    return Fill((index,), f"{index} (PALETTE COLOR, its darkest entry)")


@dataclass(frozen=True, slots=True)
class _Row:
    samples: int
    fill: Callable[[PixelLayout, Dataset], Fill]


FILLS: Mapping[str, _Row] = MappingProxyType(
    {
        "MONOCHROME1": _Row(1, _monochrome),
        "MONOCHROME2": _Row(1, _monochrome),
        "PALETTE COLOR": _Row(1, _palette),
        "RGB": _Row(3, _rgb),
        "YBR_FULL": _Row(3, _ybr_full),
        "YBR_FULL_422": _Row(3, _ybr_422),
        "YBR_PARTIAL_422": _Row(3, _ybr_422),
        "YBR_RCT": _Row(3, _rgb),
        "YBR_ICT": _Row(3, _rgb),
    }
)
ONLY_COMPRESSED = frozenset({"YBR_RCT", "YBR_ICT"})
"""The transformation is undone by the decoder: the cells are RGB (PS3.5 8.2.4)."""
