"""Blacken rectangles of a baseline JPEG frame in its coefficients: no other block is decoded, rounded or coded anew.

The entropy coding is undone and redone, which is lossless; of the result only the Huffman tables, the scan header and
the coded data are taken. They are grafted on the frame's own header, because libraries write a header as they would
have it: JFIF where there was none recolours the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.jpeg_segments import segments
from xnat_pixelanon.pixels.jpeg_shape import (
    APP0,
    APP14,
    DHT,
    DQT,
    PROCESSES,
    SOS,
    Colour,
    Component,
    JpegShape,
    colour_of,
    editable,
    edited_box,
    effective_box,
    read_shape,
)
from xnat_pixelanon.pixels.structure import damaged
from xnat_pixelanon.pixels.turbojpeg import Plane, Transformer, dc_pattern

__all__ = ["Colour", "Component", "JpegShape", "blacken", "colour_of", "editable", "effective_box", "read_shape"]

_HEADER = frozenset({DQT, *PROCESSES})
_APPLICATIONS = {APP0: b"JFIF\0", APP14: b"Adobe"}
_FEWEST_BITS = 2
"""Of a block: a Huffman code for its DC difference, and one for the end of the block."""


def blacken(
    transformer: Transformer, data: bytes, rectangles: Sequence[Rectangle], *, colour: Colour, white: bool
) -> bytes:
    """The frame with all `rectangles` black; `effective_box` tells how far each reaches.

    `data` is one frame from SOI to EOI, as jpeg.walk leaves it. `white`: the highest value is the darkest, as in
    MONOCHROME1. The result has one scan, standard Huffman tables and no restart markers; its quantisation tables,
    component ids, JFIF and Adobe segments are those of `data`, all other segments are gone. InstanceError "damaged" for
    a frame that does not decode without a warning, "pixel-format" for one that cannot be edited here, "proof-failed"
    for a rectangle that reaches outside the image.
    """
    shape = read_shape(data)
    if why := editable(shape):
        raise InstanceError("pixel-format", f"a JPEG frame cannot be edited in its coefficients: {why}")
    if (colour == "grey") != (len(shape.components) == 1):
        raise InstanceError("pixel-format", "the components of a JPEG frame are not of the colours that were said")
    if not all(rectangle.inside(shape.rows, shape.columns) for rectangle in rectangles):
        raise InstanceError("proof-failed", "a rectangle reaches outside the image")
    if 8 * len(data) < _FEWEST_BITS * sum(rows * columns for rows, columns in map(shape.blocks, shape.components)):
        raise damaged("a frame's JPEG stream is too short for its size")  # before anything of its size is allocated
    frame_header, kept, bare = _own_header(data)
    output = transformer.transform(bare, shape.rows, shape.columns, _planes(shape, tuple(rectangles), colour, white))
    return b"".join((kept, output[_coded(output, frame_header) :]))


def _own_header(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The frame header, the header as it is kept, and the frame as the library gets it: with no application segment.

    What application segments say about colour changes no coefficient, but some of it makes the library warn.
    """
    frame_header, kept, bare, at = b"", [data[:2]], [data[:2]], 2
    for marker, start, end in segments(data):
        segment = data[start:end]
        if marker in PROCESSES:
            frame_header = segment
        if marker in _HEADER or (marker in _APPLICATIONS and segment[4:9] == _APPLICATIONS[marker]):
            kept.append(segment)
        if not APP0 <= marker <= APP0 + 15:
            bare.append(segment)
        at = end
    bare.append(data[at:])
    return frame_header, b"".join(kept), b"".join(bare)


def _coded(output: memoryview, frame_header: bytes) -> int:
    """Where the Huffman tables of the library's frame begin; behind them come one scan of all components, and EOI.

    The frame header is compared in what it means.
    """
    tables = 0
    for marker, start, end in segments(output):
        if marker in PROCESSES and _meaning(bytes(output[start:end])) != _meaning(frame_header):
            raise _unlike()
        if marker == DHT and not tables:
            tables = start
        elif tables and marker not in (DHT, SOS):
            raise _unlike()
        if marker == SOS and (not tables or bytes(output[start + 5 : end - 3 : 2]) != frame_header[10::3]):
            raise _unlike()
    if bytes(output[-2:]) != b"\xff\xd9":
        raise _unlike()
    return tables


def _meaning(frame_header: bytes) -> bytes:
    """A frame header without its process, and without the sampling factors of a single component (A.2.2).

    The library calls baseline what does not need more, and writes 1 for factors that mean nothing.
    """
    content = frame_header[2:]
    return content if content[7] != 1 else content[:9] + content[10:]


def _unlike() -> InstanceError:
    return InstanceError("pixel-format", "the JPEG library codes a frame otherwise than it was")


@lru_cache(maxsize=16)
def _planes(shape: JpegShape, rectangles: tuple[Rectangle, ...], colour: Colour, white: bool) -> tuple[Plane, ...]:
    """What is written where; all frames of an instance have it in common."""
    largest_v, largest_h = shape.largest
    planes = []
    for number, component in enumerate(shape.components):
        wide, high = 8 * largest_h // component.h, 8 * largest_v // component.v  # pixels of a block
        rows, columns = shape.blocks(component)
        covered = np.zeros((rows, columns), bool)
        for rectangle in rectangles:
            box = edited_box(shape, rectangle)
            covered[box.top // high : box.bottom // high, box.left // wide : box.right // wide] = True
        value = _constant(component.step, white) if number == 0 or colour == "rgb" else 0
        planes.append(_plane(covered, value))
    return tuple(planes)


def _plane(covered: NDArray[np.bool_], value: int) -> Plane:
    patterns = dict[int, bytes]()
    edits = {}
    for row in np.flatnonzero(covered.any(axis=1)).tolist():
        edges = np.flatnonzero(np.diff(covered[row].astype(np.int8), prepend=0, append=0)).tolist()
        spans = []
        for first, stop in zip(edges[::2], edges[1::2], strict=True):
            blocks = stop - first
            patterns[blocks] = patterns.get(blocks) or dc_pattern(value, blocks)
            spans.append((first, patterns[blocks]))
        edits[row] = tuple(spans)
    return Plane(covered.shape[1], covered.shape[0], edits)


def _constant(step: int, white: bool) -> int:
    """The DC entry that decodes to 255 or 0: DC is 8 times the mean, levels are shifted by 128 (A.3.1)."""
    return -(-8 * 127 // step) if white else -8 * 128 // step  # rounded away from 0
