"""Walk one RLE frame by its header and its runs (PS3.5 annex G); nothing is decoded, but where each segment ends."""

from __future__ import annotations

import struct
from itertools import pairwise

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.codestream import AFTER_STREAM, FrameStream, is_padding
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged


def walk(data: bytes, layout: PixelLayout) -> FrameStream:
    """Every segment begins inside the frame, in order; each holds a byte of each pixel, one for each byte plane.

    What lies in a segment behind its last run is left out, and the segments move up. InstanceError("damaged") for other
    frames, ("pixel-format") for one whose last run says more than there are pixels.
    """
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
    wanted = layout.rows * layout.columns
    ends = [_end(data, start, stop, wanted) for start, stop in pairwise(used)]
    if all(is_padding(data[end:stop]) for end, stop in zip(ends, used[1:], strict=True)):
        return FrameStream((data,), frozenset(), len(data))
    return FrameStream(_moved_up([data[at:end] for at, end in zip(used, ends, strict=False)]), _REMOVED, len(data))


_REMOVED = frozenset({AFTER_STREAM})


def _end(data: bytes, at: int, stop: int, wanted: int) -> int:
    """Where the run ends that gives the last of `wanted` bytes (PS3.5 G.3.2)."""
    literal = False
    while wanted > 0:
        if at >= stop:
            raise damaged("an RLE segment of a frame holds fewer pixels than Rows and Columns")
        head = data[at]
        literal = head < 128
        if literal:
            at += head + 2
            wanted -= head + 1
        elif head > 128:
            at += 2
            wanted -= 257 - head
        else:
            at += 1
    if at > stop:
        raise damaged("a run of a frame's RLE segment is longer than the segment")
    if wanted and literal:
        raise InstanceError("pixel-format", "the last run of an RLE segment holds more than the image")
    return at


def _moved_up(segments: list[bytes]) -> tuple[bytes, ...]:
    """Header and segments, each padded to even length."""
    even = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    offsets, at = list[int](), 64
    for segment in even:
        offsets.append(at)
        at += len(segment)
    return (struct.pack("<16L", len(even), *offsets, *[0] * (15 - len(even))), *even)
