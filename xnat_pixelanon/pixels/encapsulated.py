"""The sequence of fragments of encapsulated pixel data (PS3.5 A.4): copied as it is, or written frame by frame."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.fragments import FragmentTable
from xnat_pixelanon.pixels.sink import Sink
from xnat_pixelanon.pixels.source import CHUNK, PixelSource
from xnat_pixelanon.pixels.structure import ITEM, SEQUENCE_END, UNDEFINED, damaged, read_exactly

_PIXEL_DATA = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED)


def copy_fragments(source: PixelSource, table: FragmentTable, sink: Sink) -> None:
    """The Extended Offset Table where the source has one, and the pixel element with all its fragments."""
    assert source.element is not None
    if source.extended_offsets:
        sink.write(_extended(source.extended_offsets, source.extended_lengths))
    sink.write(_PIXEL_DATA)
    source.stream.seek(source.element.value_offset)
    remaining = table.end - source.element.value_offset
    while remaining:
        count = min(CHUNK, remaining)
        sink.write(read_exactly(source.stream, count))
        remaining -= count


def write_frames(frames: Iterable[bytes], count: int, sink: Sink, *, basic: bool, extended: bool, largest: int) -> None:
    """`count` frames, one fragment each, with the offset tables asked for, filled in when the offsets are known.

    `largest`: bytes that all frames together will not exceed. The Basic Offset Table counts in 32 bits: where that may
    not do it stays empty, and one fragment a frame tells the frames as well. InstanceError("pixel-format") for a frame
    that no fragment can hold.
    """
    extended_at = sink.position()
    if extended:
        sink.write(_extended((0,) * count, (0,) * count))
    sink.write(_PIXEL_DATA)
    sized = basic and not extended and largest + 8 * count < UNDEFINED
    basic_at = sink.position() + 8
    sink.write(_item(b"\0" * (4 * count if sized else 0)))
    first = sink.position()
    offsets, lengths = list[int](), list[int]()
    for data in frames:
        if len(data) >= UNDEFINED - 1:
            raise InstanceError("pixel-format", "a compressed frame is too large for a fragment")
        offsets.append(sink.position() - first)
        lengths.append(len(data))
        sink.write(_item(data))
    if len(offsets) != count or (sized and offsets[-1] >= UNDEFINED):
        raise damaged("the frames written are not as many, or not as large, as they had to be")
    sink.write(struct.pack("<HHL", SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0))
    if sized:
        sink.patch(basic_at, struct.pack(f"<{count}L", *offsets))
    if extended:
        sink.patch(extended_at, _extended(tuple(offsets), tuple(lengths)))


def _item(data: bytes) -> bytes:
    padded = data + b"\0" * (len(data) % 2)
    return struct.pack("<HHL", ITEM >> 16, ITEM & 0xFFFF, len(padded)) + padded


def _extended(offsets: tuple[int, ...], lengths: tuple[int, ...]) -> bytes:
    parts = []
    for number, values in ((0x0001, offsets), (0x0002, lengths)):
        parts.append(struct.pack(f"<HH2sHL{len(values)}Q", 0x7FE0, number, b"OV", 0, 8 * len(values), *values))
    return b"".join(parts)
