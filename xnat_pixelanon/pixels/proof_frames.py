"""Compare native pixel data frame by frame, in bands of rows: equal outside the boxes, constant and black inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pixels.proof_black import shows_black
from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable

_BAND = 1 << 20
Bytes = NDArray[np.uint8]


@dataclass(slots=True)
class Comparison:
    """What a comparison found; `taken_out`: the copy lacks carriers that the source has in its pixel element."""

    findings: list[str] = field(default_factory=list)
    frames: int = 0
    taken_out: bool = False

    def add(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A frame is `planes` times `rows` of `cells`; a cell holds `bytes` bytes for `columns` columns."""

    frames: int
    planes: int
    rows: int
    cells: int
    bytes: int
    columns: int

    @property
    def frame_bytes(self) -> int:
        return self.planes * self.rows * self.cells * self.bytes


def compare_native(source: Reopened, written: Reopened, boxes: Sequence[Rectangle]) -> Comparison:
    """Native values of two files whose labels are known to be equal."""
    result = Comparison()
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
    mask = _overlay_mask(source)
    result.taken_out = mask is not None or source.length > expected + expected % 2
    if boxes:
        _compare_frames(source, written, boxes, mask, result)
    else:
        _compare_values(source, written, expected, mask, result)
        result.frames = source.frames
    return result


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


def _overlay_mask(source: Reopened) -> int | None:
    """The bits of a cell that are image, where overlays are embedded in others; None where none are."""
    for group in range(0x6000, 0x601F, 2):
        if (group, 0x0102) not in source.header or (group, 0x3000) in source.header:
            continue
        wide = (group, 0x0100) in source.header and source.header[group, 0x0100].value != 1
        if source.header[group, 0x0102].value or wide:
            shift = source.number("HighBit") - source.number("BitsStored") + 1
            return ((1 << source.number("BitsStored")) - 1) << shift
    return None


def _band(opened: Reopened, at: int, count: int) -> Bytes:
    """Bytes of the value in the order of the pixels, `at` counted from its first byte."""
    if not _swapped(opened):
        return np.frombuffer(opened.read(opened.begin + at, count), np.uint8)
    first, last = at - at % 2, at + count + (at + count) % 2
    words = np.frombuffer(opened.read(opened.begin + first, last - first), ">u2")
    pixels: Bytes = words.astype("<u2").view(np.uint8)
    return pixels[at - first : at - first + count]


def _masked(opened: Reopened, data: Bytes, mask: int | None) -> Bytes:
    if mask is None:
        return data
    words = np.ascontiguousarray(data).view(_cell_type(opened))
    kept: Bytes = (words & words.dtype.type(mask)).astype(words.dtype).view(np.uint8)
    return kept


def _has_plane(written: Reopened, data: Bytes) -> bool:
    """Whether bits outside Bits Stored are other than a sign carried on, or a cell of the padding value."""
    if written.tag != 0x7FE00010:
        return False
    allocated, stored = written.number("BitsAllocated"), written.number("BitsStored")
    if allocated not in (8, 16, 32) or stored == allocated:
        return False
    shift = written.number("HighBit") + 1 - stored
    cells = np.ascontiguousarray(data).reshape(-1).view(_cell_type(written))
    if not int(cells.max(initial=0)) >> (shift + stored) and not shift:
        return False
    wide = cells.astype(np.int64)
    above, below = wide >> (shift + stored), wide % (1 << shift)
    plain = above == 0
    if written.number("PixelRepresentation") == 1:
        ones = (1 << (allocated - stored - shift)) - 1
        negative = (wide >> (shift + stored - 1)) & 1 == 1
        plain |= (above == ones) & (negative | (ones > 1))
    padding = written.header.get("PixelPaddingValue")
    known = wide == int(padding) % (1 << allocated) if isinstance(padding, int) else np.zeros(wide.shape, bool)
    return not bool((known | (plain & (below == 0))).all())


def _cell_type(opened: Reopened) -> np.dtype[np.unsignedinteger]:
    return np.dtype(f"{'<' if opened.little_endian else '>'}u{opened.number('BitsAllocated') // 8}")


def _compare_values(source: Reopened, written: Reopened, expected: int, mask: int | None, result: Comparison) -> None:
    for at in range(0, expected, _BAND):
        count = min(_BAND, expected - at)
        after = _band(written, at, count)
        if not np.array_equal(_masked(source, _band(source, at, count), mask), after):
            result.add("the copy's pixels differ from the source's")
            return
        if _has_plane(written, after):
            result.add("the copy has something in bits that hold no pixel value")
            return


def _matrix(source: Reopened) -> _Matrix:
    rows, columns, samples = (source.number(keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    size = source.number("BitsAllocated") // 8
    if samples == 3 and str(source.header.get("PhotometricInterpretation")).endswith("_422"):
        return _Matrix(source.frames, 1, rows, columns // 2, 4 * size, 2)
    if samples > 1 and source.number("PlanarConfiguration") == 1:
        return _Matrix(source.frames, samples, rows, columns, size, 1)
    return _Matrix(source.frames, 1, rows, columns, samples * size, 1)


def _bands(matrix: _Matrix) -> Iterator[tuple[int, int, int]]:
    """First row, number of rows and place in its plane of every band."""
    line = matrix.cells * matrix.bytes
    height = max(1, _BAND // line)
    for row in range(0, matrix.rows, height):
        yield row, min(height, matrix.rows - row), row * line


def _compare_frames(
    source: Reopened, written: Reopened, boxes: Sequence[Rectangle], mask: int | None, result: Comparison
) -> None:
    matrix = _matrix(source)
    plane_bytes = matrix.rows * matrix.cells * matrix.bytes
    black: list[bytes | None] = [None] * matrix.planes
    for frame in range(matrix.frames):
        for plane in range(matrix.planes):
            start = frame * matrix.frame_bytes + plane * plane_bytes
            for row, height, place in _bands(matrix):
                count = height * matrix.cells * matrix.bytes
                before = _masked(source, _band(source, start + place, count), mask).reshape(height, -1)
                after = _band(written, start + place, count).reshape(height, -1)
                if _has_plane(written, after):
                    result.add("the copy has something in bits that hold no pixel value")
                black[plane] = _compare_band(before, after, row, matrix, boxes, black[plane], result)
        result.frames += 1
        if result.findings:
            return
    if not shows_black(source, b"".join(cell or b"" for cell in black)):
        result.add("a box does not show as black")


def _compare_band(
    before: Bytes,
    after: Bytes,
    row: int,
    matrix: _Matrix,
    boxes: Sequence[Rectangle],
    black: bytes | None,
    result: Comparison,
) -> bytes | None:
    """Compare some rows of a frame; gives the one cell that all boxes of this plane hold."""
    changed = before != after
    for box in boxes:
        top, bottom = max(box.top - row, 0), min(box.bottom - row, len(after))
        if top >= bottom:
            continue
        left, right = box.left // matrix.columns * matrix.bytes, -(-box.right // matrix.columns) * matrix.bytes
        changed[top:bottom, left:right] = False
        inside = after[top:bottom, left:right].reshape(-1, matrix.bytes)
        black = inside[0].tobytes() if black is None else black
        if not (inside == np.frombuffer(black, np.uint8)).all():
            result.add("a box is not of one value in every frame")
    if changed.any():
        result.add("pixels outside the boxes differ from the source's")
    return black
