"""Compare native pixel data frame by frame, in bands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xnat_pixelanon.pixels.proof_black import shows_black
from xnat_pixelanon.pixels.proof_boxes import Boxes, Comparison, Octets, equal, look
from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable
from xnat_pixelanon.pixels.proof_spare import has_plane

_BAND = 1 << 20


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A frame is `planes` times `rows` of `cells`; a cell holds `bits` bits for `columns` columns."""

    frames: int
    planes: int
    rows: int
    cells: int
    bits: int
    columns: int

    @classmethod
    def of(cls, source: Reopened) -> _Matrix:
        rows, columns, samples = (source.number(keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
        bits = source.number("BitsAllocated")
        if samples == 3 and str(source.header.get("PhotometricInterpretation")).endswith("_422"):
            return cls(source.frames, 1, rows, columns // 2, 4 * bits, 2)
        if samples > 1 and source.number("PlanarConfiguration") == 1:
            return cls(source.frames, samples, rows, columns, bits, 1)
        return cls(source.frames, 1, rows, columns, samples * bits, 1)

    def bands(self) -> Iterator[tuple[int, int, int, int]]:
        """Plane, first row, number of rows, and place of its first bit in the frame, of every band."""
        line = self.cells * self.bits
        height = max(1, 8 * _BAND // line)
        for plane in range(self.planes):
            for row in range(0, self.rows, height):
                yield plane, row, min(height, self.rows - row), (plane * self.rows + row) * line


def compare_native(source: Reopened, written: Reopened, boxes: Boxes, result: Comparison) -> None:
    """Native values of two files whose labels are known to be equal."""
    expected = _expected_bytes(source)
    if source.length < expected:
        raise Unreadable("the source's pixel data are too short")
    if written.length != expected + expected % 2:
        raise Unreadable("the copy's pixel data have another length than its frames")
    if written.begin + written.length != written.size:
        result.add("something lies behind the copy's pixel data")
    swapped = _swapped(source)
    if swapped != _swapped(written):
        raise Unreadable("the copy's pixel data have another VR")
    if expected % 2 and written.read(written.begin + expected - (1 if swapped else 0), 1) != b"\0":
        result.add("the copy's pad byte is not zero")
    mask = source.overlay_mask()
    result.taken_out = mask is not None or source.length > expected + expected % 2
    if not boxes.free:
        _compare_values(source, written, expected, mask, result)
        return
    matrix = _Matrix.of(source)
    _compare_frames(source, written, matrix, boxes, mask, result)
    if matrix.bits == 1:  # its frames are not bytes that follow each other
        for at in range(0, expected, _BAND):
            result.digest.update(_read(written, at, min(_BAND, expected - at)).data)


def _expected_bytes(source: Reopened) -> int:
    rows, columns, allocated = (source.number(keyword) for keyword in ("Rows", "Columns", "BitsAllocated"))
    samples = source.number("SamplesPerPixel")
    photometric = str(source.header.get("PhotometricInterpretation"))
    per_frame = rows * columns * samples * allocated
    if samples == 3 and photometric in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        per_frame = rows * (columns + columns % 2) * 2 * allocated
    elif samples == 3 and photometric == "YBR_PARTIAL_420":
        per_frame //= 2
    return -(-source.frames * per_frame // 8)


def _swapped(opened: Reopened) -> bool:
    return not opened.little_endian and opened.number("BitsAllocated") <= 8 and opened.vr != "OB"


def _read(opened: Reopened, at: int, count: int) -> Octets:
    """Bytes of the value in the order of the pixels, `at` counted from its first byte; to be overwritten at will."""
    if not _swapped(opened):
        return opened.octets(opened.begin + at, count)
    first, last = at - at % 2, at + count + (at + count) % 2
    words = opened.octets(opened.begin + first, last - first).view(">u2")
    pixels: Octets = words.astype("<u2").view(np.uint8)
    return pixels[at - first : at - first + count]


def _band(opened: Reopened, matrix: _Matrix, bit: int, height: int) -> Octets:
    """(height, cells, octets of a cell) from a bit of the value on; cells of one bit take an octet here."""
    if matrix.bits > 1:
        count = height * matrix.cells * matrix.bits // 8
        return _read(opened, bit // 8, count).reshape(height, matrix.cells, matrix.bits // 8)
    count = height * matrix.cells
    octets = _read(opened, bit // 8, (bit % 8 + count + 7) // 8)
    single = np.unpackbits(octets, bitorder="little")[bit % 8 : bit % 8 + count]
    return np.ascontiguousarray(single).reshape(height, matrix.cells, 1)


def _masked(opened: Reopened, data: Octets, mask: int | None) -> Octets:
    if mask is not None:
        words = data.view(_cell_type(opened))
        words &= words.dtype.type(mask)
    return data


def _cell_type(opened: Reopened) -> np.dtype[np.unsignedinteger]:
    return np.dtype(f"{'<' if opened.little_endian else '>'}u{max(opened.number('BitsAllocated') // 8, 1)}")


def _compare_frames(
    source: Reopened, written: Reopened, matrix: _Matrix, boxes: Boxes, mask: int | None, result: Comparison
) -> None:
    black: list[set[bytes]] = [set() for _ in range(matrix.planes)]
    frame_bits = matrix.planes * matrix.rows * matrix.cells * matrix.bits
    for frame in range(matrix.frames):
        for plane, row, height, place in matrix.bands():
            before = _masked(source, _band(source, matrix, frame * frame_bits + place, height), mask)
            after = _band(written, matrix, frame * frame_bits + place, height)
            seen = look(before, after, boxes, row, matrix.columns)
            for finding in seen.findings:
                result.add(finding)
            if seen.black is not None:
                black[plane].add(seen.black)
            if matrix.bits > 1:
                _read_through(written, after.reshape(-1), result)
        result.frames += 1
        if result.findings:
            return
    if boxes.dark and any(len(cells) != 1 for cells in black):
        result.add("a box is not of one value in every frame")
    elif boxes.dark and not _is_black(source, b"".join(cell for cells in black for cell in cells)):
        result.add("a box does not show as black")


def _is_black(source: Reopened, cell: bytes) -> bool:
    values = tuple(int(value) for value in np.frombuffer(cell, _cell_type(source)))
    return shows_black(source, values, source.number("BitsAllocated"), source.photometric)


def _compare_values(source: Reopened, written: Reopened, expected: int, mask: int | None, result: Comparison) -> None:
    for at in range(0, expected, _BAND):
        count = min(_BAND, expected - at)
        after = _read(written, at, count)
        if not equal(_masked(source, _read(source, at, count), mask), after):
            result.add("the copy's pixels differ from the source's")
            return
        _read_through(written, after, result)
    result.frames = source.frames


def _read_through(written: Reopened, after: Octets, result: Comparison) -> None:
    """Look for planes in bits that are not stored ones, and hash: digests are of little endian cells."""
    allocated = written.number("BitsAllocated")
    integers = written.tag == 0x7FE00010 and allocated in (8, 16, 32)
    if integers and has_plane(written, after.view(_cell_type(written)), allocated):
        result.add("the copy has something in bits that hold no pixel value")
    little = written.little_endian or allocated <= 8
    octets = after if little else after.view(f"u{allocated // 8}").byteswap()
    result.digest.update(octets.data)
