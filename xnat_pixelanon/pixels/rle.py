"""Walk one RLE frame by its header (PS3.5 annex G); the runs themselves are not decoded."""

from __future__ import annotations

import struct
from itertools import pairwise

from xnat_pixelanon.pixels.codestream import FrameStream
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged


def walk(data: bytes, layout: PixelLayout) -> FrameStream:
    """Every segment begins inside the frame, in order, and there are as many as byte planes; else InstanceError."""
    if len(data) < 64:
        raise damaged("a frame's RLE header is truncated")
    count, *offsets = struct.unpack("<16L", data[:64])
    if count != layout.samples * ((layout.bits_allocated + 7) // 8) or not 1 <= count <= 15:
        raise damaged("a frame has another number of RLE segments than Samples per Pixel and Bits Allocated ask for")
    used = [*offsets[:count], len(data)]
    if used[0] != 64 or any(later <= earlier for earlier, later in pairwise(used)):
        raise damaged("the RLE segments of a frame are out of order or outside the frame")
    if any(offsets[count:]):
        raise damaged("the RLE header of a frame has offsets of segments that do not exist")
    return FrameStream((data,), frozenset(), len(data))
