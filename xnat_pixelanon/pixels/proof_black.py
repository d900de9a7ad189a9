"""Whether a stored cell shows as black, worked out from what a display does with it (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut

from xnat_pixelanon.pixels.proof_read import Reopened

_COLOURS = ("Red", "Green", "Blue")
_FLOATS = {0x7FE00008: ("<L", "<f", "FloatPixelPaddingValue"), 0x7FE00009: ("<Q", "<d", "DoubleFloatPixelPaddingValue")}


def shows_black(source: Reopened, values: Sequence[int], bits: int, photometric: str) -> bool:
    """`values`: the samples of one pixel (or of a native 4:2:2 pair), unsigned, as cells of `bits` bits.

    `photometric`: how they are taken; of decoded frames what is left when the decoder has done its part.
    """
    if source.tag in _FLOATS:
        return len(values) == 1 and photometric == "MONOCHROME2" and _is_padding(source, values[0])
    if photometric in ("MONOCHROME1", "MONOCHROME2") and len(values) == 1:
        return _grey_is_black(source, values[0], bits, photometric)
    if photometric == "RGB" and len(values) == 3:
        return not any(values)
    if photometric == "PALETTE COLOR" and len(values) == 1:
        return _entry_is_darkest(source, values[0])
    middle = 2 ** (min(source.number("BitsStored"), bits) - 1)
    foot, gain = (middle / 8, 255 / 219) if photometric.startswith("YBR_PARTIAL") else (0.0, 1.0)
    if photometric.startswith("YBR_") and len(values) == 3:
        return _ybr_is_black(values, middle, foot, gain)
    if photometric.endswith("_422") and len(values) == 4:
        return all(_ybr_is_black((values[luma], *values[2:]), middle, foot, gain) for luma in (0, 1))
    return False


def _is_padding(source: Reopened, raw: int) -> bool:
    """A floating point cell holds the padding value, or zero where there is none."""
    cell, number, keyword = _FLOATS[source.tag]
    wanted = source.header.get(keyword)
    (found,) = struct.unpack(number, struct.pack(cell, raw))
    return bool(found == (0 if wanted is None else struct.unpack(number, struct.pack(number, float(wanted)))[0]))


def _grey_is_black(source: Reopened, raw: int, bits: int, photometric: str) -> bool:
    """The shown grey, from 0 to 1 over the range of stored values; bits above are the sign or nothing."""
    stored = min(source.number("BitsStored"), bits)  # a codestream may have fewer bits than the header says
    shift = source.number("HighBit") + 1 - source.number("BitsStored")
    value, rest, below = (raw >> shift) % 2**stored, raw >> (shift + stored), raw % 2**shift
    lowest = 0
    if source.number("PixelRepresentation") == 1:
        lowest = -(2 ** (stored - 1))
        value = value - 2**stored if value >= -lowest else value
    spare = max(bits - stored - shift, 0)
    if below or rest not in (0, 2**spare - 1 if value < 0 else 0):
        return False
    shown = (value - lowest) / (2**stored - 1)
    if photometric == "MONOCHROME1" or source.header.get("PresentationLUTShape") == "INVERSE":
        shown = 1 - shown
    if float(source.header.get("RescaleSlope") or 1) < 0:
        shown = 1 - shown
    return bool(shown == 0)


def _ybr_is_black(ybr: Sequence[int], middle: int, foot: float, gain: float) -> bool:
    """Converted to RGB (PS3.3 C.7.6.3.1.2), no colour reaches half a step."""
    luma, blue, red = (ybr[0] - foot) * gain, ybr[1] - middle, ybr[2] - middle
    rgb = (luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue)
    return max(rgb) < 0.5


def _entry_is_darkest(source: Reopened, index: int) -> bool:
    """No entry that a pixel of Bits Stored can reach is darker; 16 bit entries, or 8 bit ones in pairs."""
    count, first, _ = (int(value) for value in source.header["RedPaletteColorLookupTableDescriptor"].value)
    count = count or 65536
    if "RedPaletteColorLookupTableData" in source.header:
        colours = np.sum([_table(source, colour, count) for colour in _COLOURS], axis=0)
    else:
        reached = np.arange(first, first + count, dtype=np.uint16 if first + count <= 65536 else np.int64)
        colours = apply_color_lut(reached, source.header).astype(np.int64).sum(axis=-1)
    reachable = colours[: max(2 ** source.number("BitsStored") - first, 0)]
    place = min(max(index - first, 0), count - 1)
    return bool(reachable.size) and bool(colours[place] <= reachable.min())


def _table(source: Reopened, colour: str, count: int) -> NDArray[np.int64]:
    data = bytes(source.header[f"{colour}PaletteColorLookupTableData"].value)
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if source.little_endian else ">u2")
    if len(data) < 2 * count:
        words = words.astype("<u2").view(np.uint8)
    return words[:count].astype(np.int64)
