"""Files made of raw values, as odd as they come: pydicom has no say in what is written here."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import pydicom
from header_makers import BIG_ENDIAN, EXPLICIT, IMPLICIT
from pydicom.dataset import Dataset

DEFLATED = "1.2.840.10008.1.2.1.99"
_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
Raw = tuple[int, str, "bytes | list[list[Raw]]"]
"""Tag, VR, and value; of a sequence its items."""


def encoded(elements: Sequence[Raw], syntax: str = EXPLICIT, *, undefined: bool = False) -> bytes:
    """Elements in the order of their tags; of several with one tag the last. `undefined`: sequences without lengths."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    out = b""
    for tag, vr, value in sorted({raw[0]: raw for raw in elements}.values(), key=lambda raw: raw[0]):
        data = value if isinstance(value, bytes) else _items(value, syntax, undefined)
        data += b" "[: len(data) % 2]
        length = 0xFFFFFFFF if undefined and not isinstance(value, bytes) else len(data)
        if syntax != IMPLICIT and vr not in _LONG and length > 0xFFFF:
            vr = "UN"
        out += struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
        if syntax == IMPLICIT:
            out += struct.pack("<L", length)
        elif vr in _LONG:
            out += vr.encode() + struct.pack(order + "HL", 0, length)
        else:
            out += vr.encode() + struct.pack(order + "H", length)
        out += data
        if length == 0xFFFFFFFF:
            out += struct.pack(order + "HHL", 0xFFFE, 0xE0DD, 0)
    return out


def _items(items: Sequence[Sequence[Raw]], syntax: str, undefined: bool) -> bytes:
    order = ">" if syntax == BIG_ENDIAN else "<"
    out = b""
    for item in items:
        data = encoded(item, syntax, undefined=undefined)
        end = struct.pack(order + "HHL", 0xFFFE, 0xE00D, 0) if undefined else b""
        out += struct.pack(order + "HHL", 0xFFFE, 0xE000, 0xFFFFFFFF if undefined else len(data)) + data + end
    return out


def raw_file(
    elements: Sequence[Raw], syntax: str = EXPLICIT, *, undefined: bool = False, title: bytes = b"NORTHAE"
) -> bytes:
    """A file of these elements. `title`: Source Application Entity Title."""
    meta = encoded([(0x00020001, "OB", b"\0\1"), (0x00020010, "UI", syntax.encode()), (0x00020016, "AE", title)])
    body = encoded(elements, syntax, undefined=undefined)
    return (
        bytes(128) + b"DICM" + encoded([(0x00020000, "UL", struct.pack("<L", len(meta)))]) + meta + packed(body, syntax)
    )


def packed(body: bytes, syntax: str) -> bytes:
    """The data set as it stands in a file of that syntax."""
    if syntax != DEFLATED:
        return body
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def looked_into(data: bytes) -> Dataset:
    """Opened by pydicom, and some elements read before it is cleaned or proved, as the pixels room does."""
    ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    for keyword in ("Rows", "Columns", "BitsAllocated", "PhotometricInterpretation", "RescaleSlope", "NumberOfFrames"):
        ds.get(keyword)
    return ds
