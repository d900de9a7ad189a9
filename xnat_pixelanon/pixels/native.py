"""The streaming patcher of native pixel data: a copy in chunks, with the boxes filled on the way.

Native data are lines of equal length whatever the frames: frames x rows of them, or frames x planes x rows where each
sample has a plane of its own. A line's place in its frame tells whether a box crosses it; nothing else is looked at, so
memory does not grow with frames and nothing outside the box is ever decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels.fill import Fill
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.sink import Sink
from xnat_pixelanon.pixels.source import CHUNK, PixelSource
from xnat_pixelanon.pixels.structure import read_exactly
from xnat_pixelanon.pixels.walk import swapped_words


def effective_box(layout: PixelLayout, rectangle: Rectangle) -> Rectangle:
    """The box that is really filled: in 4:2:2 two columns share their chroma, so it grows to even columns."""
    if not layout.subsampled:
        return rectangle
    right = rectangle.right + rectangle.right % 2
    return Rectangle(rectangle.top, rectangle.left - rectangle.left % 2, rectangle.bottom, right)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The geometry of the value: `cell` bytes hold `width` columns; a plane's rows follow each other."""

    planes: int
    cell: int
    width: int
    bytes: int

    @classmethod
    def of(cls, layout: PixelLayout) -> _Lines:
        size = layout.bits_allocated // 8
        if layout.subsampled:
            return cls(1, 4 * size, 2, layout.columns // 2 * 4 * size)
        planes = layout.samples if layout.planar == 1 else 1
        cell = size * layout.samples // planes
        return cls(planes, cell, 1, layout.columns * cell)


def write_value(
    source: PixelSource, layout: PixelLayout, fill: Fill | None, boxes: Sequence[Rectangle], sink: Sink
) -> None:
    """The value of the pixel element, without what lies behind the last frame, and padded to even length."""
    assert source.element is not None
    source.stream.seek(source.element.value_offset)
    expected = layout.value_bytes
    swapped = swapped_words(source, layout)
    if fill is None and not layout.overlay_bits:
        _copy(source, expected, swapped, sink)
        return
    lines = _Lines.of(layout)
    total = expected // lines.bytes
    step = max(2, CHUNK // lines.bytes // 2 * 2)  # even: swapped words never cross a chunk
    for first in range(0, total, step):
        count = min(step, total - first)
        chunk = _read_chunk(source, count * lines.bytes, swapped)
        if layout.overlay_bits:
            _clear_unused_bits(chunk, layout)
        if fill is not None:
            _fill_boxes(chunk.reshape(count, lines.bytes), first, layout, lines, fill, boxes)
        _write_chunk(chunk, swapped, sink)


def _copy(source: PixelSource, expected: int, swapped: bool, sink: Sink) -> None:
    remaining = expected
    while remaining:
        count = min(CHUNK, remaining)
        _write_chunk(_read_chunk(source, count, swapped), swapped, sink)
        remaining -= count


def _read_chunk(source: PixelSource, count: int, swapped: bool) -> NDArray[np.uint8]:
    """`count` bytes in the order of the pixels; in swapped words an odd last byte comes after its pad byte."""
    data = bytearray(read_exactly(source.stream, count + count % 2 if swapped else count))
    chunk = np.frombuffer(data, np.uint8)
    return _exchanged(chunk)[:count] if swapped else chunk


def _write_chunk(chunk: NDArray[np.uint8], swapped: bool, sink: Sink) -> None:
    if chunk.size % 2:  # only the last chunk of odd data
        chunk = np.append(chunk, np.uint8(0))
    sink.write((_exchanged(chunk) if swapped else chunk).data)


def _exchanged(chunk: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return chunk.reshape(-1, 2)[:, ::-1].reshape(-1)


def _word(layout: PixelLayout) -> np.dtype[np.unsignedinteger]:
    return np.dtype(f"{'>' if layout.big_endian else '<'}u{layout.bits_allocated // 8}")


def _clear_unused_bits(chunk: NDArray[np.uint8], layout: PixelLayout) -> None:
    words = chunk.view(_word(layout))
    words &= layout.stored_mask


def _fill_boxes(
    chunk: NDArray[np.uint8],
    first: int,
    layout: PixelLayout,
    lines: _Lines,
    fill: Fill,
    boxes: Sequence[Rectangle],
) -> None:
    line = np.arange(first, first + len(chunk))
    row, plane = line % layout.rows, line // layout.rows % lines.planes
    cells = chunk.reshape(len(chunk), -1, lines.cell)
    per_plane = len(fill.values) // lines.planes
    for number in range(lines.planes):
        values = np.array(fill.values[number * per_plane : (number + 1) * per_plane], _word(layout)).view(np.uint8)
        for box in boxes:
            crossed = (row >= box.top) & (row < box.bottom) & (plane == number)
            cells[crossed, box.left // lines.width : box.right // lines.width] = values
