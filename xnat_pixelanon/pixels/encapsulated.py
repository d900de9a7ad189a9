"""Encapsulated pixel data without a box: copied as they are, or frame by frame with the carriers left out."""

from __future__ import annotations

import struct

from xnat_pixelanon.pixels.fragments import FragmentTable
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.sink import Sink
from xnat_pixelanon.pixels.source import CHUNK, PixelSource
from xnat_pixelanon.pixels.structure import ITEM, SEQUENCE_END, UNDEFINED, damaged, read_exactly
from xnat_pixelanon.pixels.walk import Survey, walk_frames

_PIXEL_DATA = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED)


def write_encapsulated(source: PixelSource, layout: PixelLayout, survey: Survey, sink: Sink) -> None:
    """The Extended Offset Table where the source has one, and the pixel element with all its fragments."""
    assert source.element is not None
    assert survey.table is not None
    if survey.rewrite:
        _write_scrubbed(source, layout, survey, survey.table, sink)
        return
    if source.extended_offsets:
        _write_extended(sink, source.extended_offsets, source.extended_lengths)
    sink.write(_PIXEL_DATA)
    source.stream.seek(source.element.value_offset)
    remaining = survey.table.end - source.element.value_offset
    while remaining:
        count = min(CHUNK, remaining)
        sink.write(read_exactly(source.stream, count))
        remaining -= count


def _write_scrubbed(source: PixelSource, layout: PixelLayout, survey: Survey, table: FragmentTable, sink: Sink) -> None:
    """One fragment a frame; offset tables where the source has them, filled in when the offsets are known."""
    extended_at = sink.position()
    if source.extended_offsets:
        _write_extended(sink, (0,) * survey.frames, (0,) * survey.frames)
    sink.write(_PIXEL_DATA)
    # the Basic Offset Table counts in 32 bits; without one, one fragment a frame tells the frames as well
    sized = bool(table.basic_offsets) and table.end - table.fragments[0].offset < UNDEFINED
    basic_at = sink.position() + 8
    sink.write(_item(b"\0" * (4 * survey.frames if sized else 0)))
    first = sink.position()
    offsets, lengths = list[int](), list[int]()
    for _, frame in walk_frames(source, layout, survey.divided):
        data = b"".join(frame.pieces)
        if len(data) >= UNDEFINED - 1:
            raise damaged("a compressed frame is too large for a fragment")
        offsets.append(sink.position() - first)
        lengths.append(len(data))
        sink.write(_item(data))
    sink.write(struct.pack("<HHL", SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0))
    if sized:
        sink.patch(basic_at, struct.pack(f"<{survey.frames}L", *offsets))
    if source.extended_offsets:
        sink.patch(extended_at, _extended(tuple(offsets), tuple(lengths)))


def _item(data: bytes) -> bytes:
    padded = data + b"\0" * (len(data) % 2)
    return struct.pack("<HHL", ITEM >> 16, ITEM & 0xFFFF, len(padded)) + padded


def _extended(offsets: tuple[int, ...], lengths: tuple[int, ...]) -> bytes:
    parts = []
    for number, values in ((0x0001, offsets), (0x0002, lengths)):
        parts.append(struct.pack(f"<HH2sHL{len(values)}Q", 0x7FE0, number, b"OV", 0, 8 * len(values), *values))
    return b"".join(parts)


def _write_extended(sink: Sink, offsets: tuple[int, ...], lengths: tuple[int, ...]) -> None:
    sink.write(_extended(offsets, lengths))
