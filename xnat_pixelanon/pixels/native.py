"""The streaming patcher of native pixel data: a copy in chunks, with the boxes filled on the way.

Native data are lines of equal length whatever the frames: frames x rows of them, or frames x planes x rows where each
sample has a plane of its own. Chunks are whole frames, or bands of lines of a frame that is larger than a chunk; so
memory does not grow with frames, and nothing outside the boxes is ever changed or decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.buffers import Buffer, borrowed_buffer
from xnat_pixelanon.pixels.fill import Fill
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.sink import Sink
from xnat_pixelanon.pixels.source import CHUNK, PixelSource
from xnat_pixelanon.pixels.structure import read_into
from xnat_pixelanon.pixels.unused_bits import UNDECLARED, SpareBits, cell_type, native_spare_bits
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
    lines = _Lines.of(layout)
    with borrowed_buffer() as buffer:
        if fill is None and not layout.overlay_bits:
            _copy(source, layout, swapped, spare, sink, buffer)
            return
        for first, count in lines.chunks():
            size = (count * lines.cells + 7) // 8 if lines.bits else count * lines.bytes
            chunk = _read(source, buffer.of(size + size % 2), size, swapped)
            if layout.overlay_bits:
                _clear_unused_bits(chunk, layout)
            elif spare is not None and spare.in_use(chunk.view(cell_type(layout))):
                raise InstanceError("pixel-format", UNDECLARED)
            if fill is not None:
                _patch(chunk, first, count, layout, lines, fill, boxes)
            _write(buffer.of(size + size % 2), swapped, sink)


def _copy(
    source: PixelSource, layout: PixelLayout, swapped: bool, spare: SpareBits | None, sink: Sink, buffer: Buffer
) -> None:
    for at in range(0, layout.value_bytes, CHUNK):
        size = min(CHUNK, layout.value_bytes - at)
        chunk = _read(source, buffer.of(size + size % 2), size, swapped)
        if spare is not None and spare.in_use(chunk.view(cell_type(layout))):
            raise InstanceError("pixel-format", UNDECLARED)
        _write(buffer.of(size + size % 2), swapped, sink)


def _read(source: PixelSource, octets: Octets, size: int, swapped: bool) -> Octets:
    """`size` bytes in the order of the pixels; in swapped words an odd last byte comes after its pad byte."""
    read_into(source.stream, octets.data if swapped else octets[:size].data)
    if swapped:
        _exchange(octets)
    octets[size:] = 0  # the pad byte
    return octets[:size]


def _write(octets: Octets, swapped: bool, sink: Sink) -> None:
    if swapped:
        _exchange(octets)
    sink.write(octets.data)


def _exchange(octets: Octets) -> None:
    octets.view(np.uint16).byteswap(inplace=True)


def _clear_unused_bits(chunk: Octets, layout: PixelLayout) -> None:
    words = chunk.view(cell_type(layout))
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
    parts = (fill.values[at : at + share] for at in range(0, len(fill.values), share))
    values = [np.array(part, cell_type(layout)).view(np.uint8) for part in parts]
    picture, step, values = _whole_cells(cells, values)
    spans = [slice(box.left // lines.width * step, box.right // lines.width * step) for box in boxes]
    if first % lines.frame == 0 and len(picture) % lines.frame == 0:
        frames = picture.reshape(-1, lines.planes, lines.rows, *picture.shape[1:])
        for plane in range(lines.planes):
            for box, span in zip(boxes, spans, strict=True):
                frames[:, plane, box.top : box.bottom, span] = values[plane]
        return
    for start in range(first - first % lines.rows, first + len(picture), lines.rows):
        plane = start // lines.rows % lines.planes
        for box, span in zip(boxes, spans, strict=True):
            top, bottom = max(start + box.top - first, 0), max(start + box.bottom - first, 0)
            picture[top:bottom, span] = values[plane]


def _whole_cells(cells: Octets, values: list[Octets]) -> tuple[NDArray[Any], int, list[NDArray[Any]]]:
    """The same memory with a cell in as few numbers as can be, which fills faster; how many those are; the values."""
    width = cells.shape[-1]
    if all((value == value[0]).all() for value in values):
        return cells.reshape(len(cells), -1), width, [value[:1] for value in values]
    if width in (2, 4, 8):
        return cells.view(f"u{width}")[..., 0], 1, [value.view(f"u{width}") for value in values]
    return cells, 1, list(values)
