"""Whether a stored cell shows as black, worked out from what a display does with it (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut

from xnat_pixelanon.pixels.proof_read import Reopened

_COLOURS = ("Red", "Green", "Blue")


def shows_black(source: Reopened, cell: bytes) -> bool:
    """`cell`: the bytes of all samples of one pixel (or of a 4:2:2 pair) as they lie in the file."""
    size = source.number("BitsAllocated") // 8
    values = np.frombuffer(cell, f"{'<' if source.little_endian else '>'}u{size}").astype(np.int64)
    photometric = str(source.header.get("PhotometricInterpretation")).strip()
    if photometric in ("MONOCHROME1", "MONOCHROME2") and values.size == 1:
        return _grey_is_black(source, int(values[0]), photometric)
    if photometric == "RGB" and values.size == 3:
        return not values.any()
    if photometric == "PALETTE COLOR" and values.size == 1:
        return _entry_is_darkest(source, int(values[0]))
    if photometric == "YBR_FULL" and values.size == 3:
        return _ybr_is_black(values, 2 ** (source.number("BitsStored") - 1), 0, 1.0)
    if photometric.endswith("_422") and values.size == 4:
        foot, gain = (16, 255 / 219) if photometric == "YBR_PARTIAL_422" else (0, 1.0)
        pairs = (values[[luma, 2, 3]] for luma in (0, 1))
        return all(_ybr_is_black(pair, 128, foot, gain) for pair in pairs)
    return False


def _grey_is_black(source: Reopened, raw: int, photometric: str) -> bool:
    """The shown grey, from 0 to 1 over the range of stored values; bits above are the sign or nothing."""
    stored = source.number("BitsStored")
    value, rest = raw % 2**stored, raw >> stored
    lowest = 0
    if source.number("PixelRepresentation") == 1:
        lowest = -(2 ** (stored - 1))
        value = value - 2**stored if value >= -lowest else value
    spare = source.number("BitsAllocated") - stored
    if rest not in (0, 2**spare - 1 if value < 0 else 0):
        return False
    shown = (value - lowest) / (2**stored - 1)
    if photometric == "MONOCHROME1" or source.header.get("PresentationLUTShape") == "INVERSE":
        shown = 1 - shown
    if float(source.header.get("RescaleSlope") or 1) < 0:
        shown = 1 - shown
    return bool(shown == 0)


def _ybr_is_black(ybr: NDArray[np.int64], middle: int, foot: int, gain: float) -> bool:
    """Converted to RGB (PS3.3 C.7.6.3.1.2), no colour reaches half a step."""
    luma, blue, red = (int(ybr[0]) - foot) * gain, int(ybr[1]) - middle, int(ybr[2]) - middle
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
