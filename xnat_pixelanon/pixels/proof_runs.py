"""RLE frames compared as the planes of bytes that are coded (PS3.5 annex G): no cells are put together for it.

Cells are equal, or all of one value, where the bytes that make them are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import imagecodecs
import numpy as np

from xnat_pixelanon.pixels.proof_boxes import Boxes, Octets, look
from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable
from xnat_pixelanon.pixels.proof_spare import has_plane
from xnat_pixelanon.pixels.proof_streams import run_end

_BESIDE = "a frame of the copy still has text or bytes beside its image"
_SIZE = "the RLE segments of a frame do not fit its size"
Cell = tuple[int, ...]
"""The samples of one pixel."""


def compare_runs(
    source: Reopened, written: Reopened, frames: tuple[bytes, bytes], boxes: Boxes, mask: int | None
) -> tuple[list[str], Cell | None]:
    """What is wrong with the copy's frame, the second one; and the cell that all dark boxes hold, if any lie here.

    `mask`: the bits of a source's cell that are kept; None: all.
    """
    rows, columns, samples = (source.number(keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    width = source.number("BitsAllocated") // 8
    before, after, findings, black = [], list[Octets](), list[str](), b""
    for segment in _segments(frames[0], samples * width):
        before.append(_plane(segment, rows, columns))
    for segment in _segments(frames[1], samples * width):
        plane, alone = _plane_alone(segment, rows, columns)
        after.append(plane)
        if not alone:
            findings.append(_BESIDE)
    if frames[1][4 * (1 + len(after)) : 64].strip(b"\0"):
        findings.append(_BESIDE)
    if _spare_bits(written, after, samples, width):
        findings.append("the copy has something in bits that hold no pixel value")
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        if mask is not None:
            one &= np.uint8(mask >> _place(number, width) & 0xFF)
        seen = look(one, other, boxes)
        findings += seen.findings
        black += seen.black or b""
    if len(black) != len(after):
        return findings, None
    return findings, tuple(int.from_bytes(black[at : at + width], "big") for at in range(0, len(black), width))


def _place(number: int, width: int) -> int:
    """The lowest bit of a cell that is in a plane; the most significant byte of a sample comes first (PS3.5 G.2)."""
    return 8 * (width - 1 - number % width)


def _segments(data: bytes, wanted: int) -> Iterator[bytes]:
    count, *offsets = struct.unpack("<16L", data[:64])
    if not 1 <= count <= 15 or offsets[0] != 64:
        raise Unreadable("the RLE header of a frame is not well-formed")
    if count != wanted:
        raise Unreadable(_SIZE)
    for start, stop in zip(offsets[:count], [*offsets[1:count], len(data)], strict=True):
        yield data[start:stop]


def _plane(segment: bytes, rows: int, columns: int) -> Octets:
    """The bytes of one segment, to be overwritten; what a source has behind its last run need not be runs."""
    pixels = rows * columns
    try:
        decoded = imagecodecs.packbits_decode(segment)
    except RuntimeError:
        decoded = imagecodecs.packbits_decode(segment[: run_end(segment, 0, pixels)[0]])
    return _shaped(decoded, rows, columns).copy()


def _plane_alone(segment: bytes, rows: int, columns: int) -> tuple[Octets, bool]:
    """The bytes of one segment, and whether there is nothing in it but them: packed again they are what it is."""
    decoded = imagecodecs.packbits_decode(segment)
    plane = _shaped(decoded, rows, columns)
    packed = bytes(imagecodecs.packbits_encode(plane[..., 0]))  # each row apart (PS3.5 G.3.1)
    return plane, len(decoded) == rows * columns and segment in (packed, packed + b"\0")


def _shaped(decoded: bytes | bytearray, rows: int, columns: int) -> Octets:
    if len(decoded) < rows * columns:
        raise Unreadable(_SIZE)
    return np.frombuffer(decoded, np.uint8, rows * columns).reshape(rows, columns, 1)


def _spare_bits(written: Reopened, planes: Sequence[Octets], samples: int, width: int) -> bool:
    """As proof_spare says; the cells are made only where one of the bits above the stored ones is set."""
    stored, bits = written.number("BitsStored"), written.number("BitsAllocated")
    shift = written.number("HighBit") + 1 - stored
    if not shift and not any(
        int(plane.max()) >> max(stored - _place(number, width), 0) for number, plane in enumerate(planes)
    ):
        return False
    octets = np.empty((planes[0].size, samples, width), np.uint8)
    for number, plane in enumerate(planes):
        octets[:, number // width, width - 1 - number % width] = plane.reshape(-1)
    return has_plane(written, octets.view(f"<u{width}"), bits)
