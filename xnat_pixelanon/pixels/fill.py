"""The fill table: the stored value that displays as black (PS3.3 C.7.6.3.1.2), by photometric interpretation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydicom.dataset import Dataset

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.palette import read_palette


@dataclass(frozen=True, slots=True)
class Fill:
    """The values of one cell: one for each sample, or Y Y Cb Cr for a native 4:2:2 pair; unsigned, as stored.

    `text` is for the report. All bits of the cell are meant, those above Bits Stored too.
    """

    values: tuple[int, ...]
    text: str


def _refused(why: str) -> InstanceError:
    return InstanceError("pixel-format", why)


def fill_of(layout: PixelLayout, header: Dataset) -> Fill:
    """What a box is filled with; InstanceError("pixel-format") where no rectangle can be blackened."""
    if layout.keyword != "PixelData":
        raise _refused("float pixel data cannot be blackened")
    if layout.bits_allocated not in (8, 16, 32):
        raise _refused(f"Bits Allocated {layout.bits_allocated} cannot be blackened")
    if layout.high_bit != layout.bits_stored - 1:
        raise _refused("High Bit is not Bits Stored less one")
    row = FILLS.get(layout.photometric)
    if row is None:
        raise _refused("this Photometric Interpretation cannot be blackened in native data")
    if layout.samples != row.samples:
        raise _refused("Samples per Pixel does not fit Photometric Interpretation")
    if layout.samples > 1 and layout.planar is None:
        raise _refused("Planar Configuration is missing")
    if layout.signed and not layout.photometric.startswith("MONOCHROME"):
        raise _refused("colour pixel data are signed")
    return row.fill(layout, header)


def _monochrome(layout: PixelLayout, header: Dataset) -> Fill:
    """The darkest stored value; signed ones are sign-extended, for readers that take the whole cell as the value."""
    stored = layout.bits_stored
    lowest, highest = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if layout.signed else (0, (1 << stored) - 1)
    value = highest if layout.inverse else lowest
    cell = (1 << layout.bits_allocated) - 1
    if layout.overlay_bits:  # the bits above Bits Stored are cleared over the whole image
        cell = layout.stored_mask
    return Fill((value & cell,), f"{value} ({layout.photometric})")


def _rgb(layout: PixelLayout, header: Dataset) -> Fill:
    return Fill((0, 0, 0), "0, 0, 0 (RGB)")


def _ybr_full(layout: PixelLayout, header: Dataset) -> Fill:
    grey = 1 << (layout.bits_stored - 1)
    return Fill((0, grey, grey), f"0, {grey}, {grey} (YBR_FULL)")


def _ybr_422(layout: PixelLayout, header: Dataset) -> Fill:
    """Full range black is Y 0, partial (studio) range Y 16 of 256."""
    if layout.planar != 0 or layout.columns % 2:
        raise _refused("4:2:2 data are planar or have an odd number of columns")
    if layout.bits_allocated != 8 or layout.bits_stored != 8:
        raise _refused("4:2:2 data are not of 8 bits")
    black = 16 if layout.photometric == "YBR_PARTIAL_422" else 0
    return Fill((black, black, 128, 128), f"{black}, 128, 128 ({layout.photometric})")


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
    }
)
