"""The streaming patcher of native pixel data: a copy in chunks, with the boxes filled on the way.

Native data are lines of equal length whatever the frames: frames x rows of them, or frames x planes x rows where each
sample has a plane of its own. Chunks are whole frames, or bands of lines of a frame that is larger than a chunk; so
memory does not grow with frames, and nothing outside the boxes is ever changed or decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.fill import Fill
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.sink import Sink
from xnat_pixelanon.pixels.source import CHUNK, PixelSource
from xnat_pixelanon.pixels.structure import read_into
from xnat_pixelanon.pixels.unused_bits import UNDECLARED, SpareBits, native_spare_bits
from xnat_pixelanon.pixels.walk import swapped_words

Octets = NDArray[np.uint8]


def effective_box(layout: PixelLayout, rectangle: Rectangle) -> Rectangle:
    """The box that is really filled: in 4:2:2 two columns share their chroma, so it grows to even columns."""
    if not layout.subsampled:
        return rectangle
    right = rectangle.right + rectangle.right % 2
    return Rectangle(rectangle.top, rectangle.left - rectangle.left % 2, rectangle.bottom, right)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The geometry of the value: a line is `cells` of `cell` bytes, each for `width` columns; rows follow each other.

    In data of 1 bit a cell is a byte here, and eight lines together are whole bytes of the value (PS3.5 8.1.1).
    """

    frames: int
    planes: int
    rows: int
    cells: int
    cell: int
    width: int
    bits: bool

    @classmethod
    def of(cls, layout: PixelLayout) -> _Lines:
        size, bits = max(layout.bits_allocated // 8, 1), layout.bits_allocated == 1
        frames, rows, columns = layout.frames, layout.rows, layout.columns
        if layout.subsampled:
            return cls(frames, 1, rows, columns // 2, 4 * size, 2, bits)
        planes = layout.samples if layout.planar == 1 else 1
        return cls(frames, planes, rows, columns, size * layout.samples // planes, 1, bits)

    @property
    def bytes(self) -> int:
        return self.cells * self.cell

    @property
    def frame(self) -> int:
        """Lines of a frame."""
        return self.planes * self.rows

    def chunks(self) -> Iterator[tuple[int, int]]:
        """First line and number of lines of each chunk; all but the last are an even number of bytes of the value."""
        whole = 16 if self.bits else 2  # lines
        step = max(whole, CHUNK // self.bytes // whole * whole)
        if not self.bits and self.frame <= step:
            step = max(1, step // self.frame) * self.frame
            step += self.frame if step * self.bytes % 2 else 0
        total = self.frames * self.frame
        for first in range(0, total, step):
            yield first, min(step, total - first)


def write_value(
    source: PixelSource, layout: PixelLayout, fill: Fill | None, boxes: Sequence[Rectangle], sink: Sink
) -> None:
    """The value of the pixel element, without what lies behind the last frame, and padded to even length.

    InstanceError("pixel-format") where bits that hold no pixel value are in use and no overlay says for what.
    """
    assert source.element is not None
    source.stream.seek(source.element.value_offset)
    swapped, spare = swapped_words(source, layout), native_spare_bits(source, layout)
    if fill is None and not layout.overlay_bits:
        _copy(source, layout, swapped, spare, sink)
        return
    lines = _Lines.of(layout)
    buffer = bytearray(0)
    for first, count in lines.chunks():
        size = (count * lines.cells + 7) // 8 if lines.bits else count * lines.bytes
        buffer = buffer if len(buffer) == size + size % 2 else bytearray(size + size % 2)
        chunk = _read(source, buffer, size, swapped)
        if layout.overlay_bits:
            _clear_unused_bits(chunk, layout)
        elif spare is not None and spare.in_use(chunk.view(_word(layout))):
            raise InstanceError("pixel-format", UNDECLARED)
        if fill is not None:
            _patch(chunk, first, count, layout, lines, fill, boxes)
        _write(buffer, swapped, sink)


def _copy(source: PixelSource, layout: PixelLayout, swapped: bool, spare: SpareBits | None, sink: Sink) -> None:
    remaining, buffer = layout.value_bytes, bytearray(min(CHUNK, layout.value_bytes + layout.value_bytes % 2))
    while remaining:
        size = min(CHUNK, remaining)
        remaining -= size
        buffer = buffer if len(buffer) == size + size % 2 else bytearray(size + size % 2)
        chunk = _read(source, buffer, size, swapped)
        if spare is not None and spare.in_use(chunk.view(_word(layout))):
            raise InstanceError("pixel-format", UNDECLARED)
        _write(buffer, swapped, sink)


def _read(source: PixelSource, buffer: bytearray, size: int, swapped: bool) -> Octets:
    """`size` bytes in the order of the pixels; in swapped words an odd last byte comes after its pad byte."""
    read_into(source.stream, memoryview(buffer)[: len(buffer) if swapped else size])
    if swapped:
        _exchange(buffer)
    buffer[size:] = bytes(len(buffer) - size)  # the pad byte
    return np.frombuffer(buffer, np.uint8, size)


def _write(buffer: bytearray, swapped: bool, sink: Sink) -> None:
    if swapped:
        _exchange(buffer)
    sink.write(buffer)


def _exchange(buffer: bytearray) -> None:
    np.frombuffer(buffer, np.uint16).byteswap(inplace=True)


def _word(layout: PixelLayout) -> np.dtype[np.unsignedinteger]:
    return np.dtype(f"{'>' if layout.big_endian else '<'}u{max(layout.bits_allocated // 8, 1)}")


def _clear_unused_bits(chunk: Octets, layout: PixelLayout) -> None:
    words = chunk.view(_word(layout))
    words &= layout.stored_mask


def _patch(
    chunk: Octets, first: int, count: int, layout: PixelLayout, lines: _Lines, fill: Fill, boxes: Sequence[Rectangle]
) -> None:
    if not lines.bits:
        _fill_boxes(chunk.reshape(count, lines.cells, lines.cell), first, layout, lines, fill, boxes)
        return
    cells = np.unpackbits(chunk, bitorder="little")
    picture = cells[: count * lines.cells].reshape(count, lines.cells, 1)
    _fill_boxes(picture, first, layout, lines, fill, boxes)
    chunk[:] = np.packbits(cells, bitorder="little")


def _fill_boxes(
    cells: Octets, first: int, layout: PixelLayout, lines: _Lines, fill: Fill, boxes: Sequence[Rectangle]
) -> None:
    """`cells`: (lines, cells, bytes), from line `first` of the value on."""
    share = len(fill.values) // lines.planes
    values = [np.array(fill.values[at : at + share], _word(layout)).view(np.uint8) for at in range(0, 3, share)]
    spans = [slice(box.left // lines.width, box.right // lines.width) for box in boxes]
    if first % lines.frame == 0 and len(cells) % lines.frame == 0:
        frames = cells.reshape(-1, lines.planes, lines.rows, lines.cells, lines.cell)
        for plane in range(lines.planes):
            for box, span in zip(boxes, spans, strict=True):
                frames[:, plane, box.top : box.bottom, span] = values[plane]
        return
    for start in range(first - first % lines.rows, first + len(cells), lines.rows):
        plane = start // lines.rows % lines.planes
        for box, span in zip(boxes, spans, strict=True):
            top, bottom = max(start + box.top - first, 0), max(start + box.bottom - first, 0)
            cells[top:bottom, span] = values[plane]
