"""Walk one RLE frame by its header and its runs (PS3.5 annex G), to where each segment ends."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

import imagecodecs

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.codestream import AFTER_STREAM, FrameStream, StreamForm, is_padding
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged


def walk(data: bytes, layout: PixelLayout) -> FrameStream:
    """Every segment begins inside the frame, in order; each holds a byte of each pixel, one for each byte plane.

    What lies in a segment behind its last run is left out, and the segments move up. InstanceError("damaged") for other
    frames, ("pixel-format") for one whose last run says more than there are pixels.
    """
    used = segment_bounds(data, layout)
    wanted, form = layout.rows * layout.columns, form_of(layout)
    if all(_exactly(data[start:stop], wanted) for start, stop in pairwise(used)):
        return FrameStream((data,), frozenset(), len(data), form)
    ends = [_end(data, start, stop, wanted) for start, stop in pairwise(used)]
    if all(is_padding(data[end:stop]) for end, stop in zip(ends, used[1:], strict=True)):
        return FrameStream((data,), frozenset(), len(data), form)
    moved = joined([data[at:end] for at, end in zip(used, ends, strict=False)])
    return FrameStream(moved, frozenset({AFTER_STREAM}), len(data), form)


def form_of(layout: PixelLayout) -> StreamForm:
    """RLE keeps the whole cell, so its precision is Bits Allocated."""
    return StreamForm("run-length", layout.bits_allocated)


def segment_bounds(data: bytes, layout: PixelLayout) -> list[int]:
    """Where each segment begins, and the end of the last one (PS3.5 G.3.1); InstanceError("damaged")."""
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
    return used


def _exactly(segment: bytes, wanted: int) -> bool:
    """Whether the runs of a segment give `wanted` bytes and nothing follows them; False where only a walk can tell."""
    if b"\x80" in segment[-2:]:  # runs of nothing
        return False
    try:
        return len(imagecodecs.packbits_decode(segment)) == wanted
    except RuntimeError:
        return False


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


def joined(segments: Sequence[bytes]) -> tuple[bytes, ...]:
    """A frame of these segments: its header, and each segment padded to even length."""
    even = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    offsets, at = list[int](), 64
    for segment in even:
        offsets.append(at)
        at += len(segment)
    return (struct.pack("<16L", len(even), *offsets, *[0] * (15 - len(even))), *even)
