"""Frames of encapsulated pixel data, their boxes filled: in the coefficients of JPEG, or decoded and coded anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import dct, jpeg, jpeg2000, turbojpeg
from xnat_pixelanon.pixels.codecs import Cells, decode, encode
from xnat_pixelanon.pixels.codestream import FrameStream
from xnat_pixelanon.pixels.edits import Edit
from xnat_pixelanon.pixels.jpeg_segments import graft
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.source import PixelSource
from xnat_pixelanon.pixels.unused_bits import UNDECLARED, SpareBits
from xnat_pixelanon.pixels.walk import Survey, walk_frames

FrameEditor = Callable[[FrameStream], bytes]
"""From a walked frame of the source to a frame of the copy; may be called from several threads."""


def frame_editor(source: PixelSource, layout: PixelLayout, edit: Edit, rectangles: Sequence[Rectangle]) -> FrameEditor:
    """The edit of every frame of `source`; it raises InstanceError where a frame cannot be edited exactly."""
    if edit.route == "jpeg-dct":
        return _in_coefficients(layout, edit, rectangles)
    return _decoded(source, layout, edit, rectangles)


def _in_coefficients(layout: PixelLayout, edit: Edit, rectangles: Sequence[Rectangle]) -> FrameEditor:
    own = threading.local()  # a handle of the library is not for two threads
    white = edit.colour == "grey" and edit.fill.values[0] > 0

    def blackened(frame: FrameStream) -> bytes:
        if not hasattr(own, "transformer"):
            own.transformer = turbojpeg.Transformer()
        data = b"".join(frame.pieces)
        if frame.form != edit.form or dct.read_shape(data) != edit.shape:
            raise InstanceError("pixel-format", "the frames of one instance are coded in different ways")
        _check_colour(data, edit, layout)
        return dct.blacken(own.transformer, data, rectangles, colour=edit.colour, white=white)

    return blackened


def _check_colour(data: bytes, edit: Edit, layout: PixelLayout) -> None:
    """One fill is for all frames, so their own markers have to say the same colours as the first one's."""
    if dct.colour_of(data, layout.photometric) != edit.colour:
        raise InstanceError("pixel-format", "the frames of one instance are of different colours")


def _decoded(source: PixelSource, layout: PixelLayout, edit: Edit, rectangles: Sequence[Rectangle]) -> FrameEditor:
    assert source.syntax is not None
    codec, form, coded = source.syntax.codec, edit.form, edit.coded
    source_is_dct = source.syntax.stream == "jpeg-dct"
    assert form is not None
    assert coded is not None
    spare = None if layout.overlay_bits else SpareBits.of(layout, source.header, form.precision)

    def recoded(frame: FrameStream) -> bytes:
        if frame.form != form:
            raise InstanceError("pixel-format", "the frames of one instance are coded in different ways")
        data = b"".join(frame.pieces)
        if source_is_dct:
            _check_colour(data, edit, layout)
        cells = decode(codec, data, form, layout)
        if layout.overlay_bits:
            cells &= cells.dtype.type(layout.stored_mask)
        elif spare is not None and spare.in_use(cells):
            raise InstanceError("pixel-format", UNDECLARED)
        values = _values(edit, cells)
        for box in rectangles:
            cells[box.top : box.bottom, box.left : box.right] = values
        return _without_signature(encode(edit.syntax.codec, cells, coded, layout), frame, edit, layout)

    return recoded


def _values(edit: Edit, cells: Cells) -> Cells:
    assert edit.form is not None
    return np.array([value & ((1 << edit.form.precision) - 1) for value in edit.fill.values], cells.dtype)


def _without_signature(data: bytes, frame: FrameStream, edit: Edit, layout: PixelLayout) -> bytes:
    """The coded frame as the walk keeps it, without what encoders say of themselves, in the colours of the source."""
    match edit.syntax.stream:
        case "jpeg2000":
            return b"".join(jpeg2000.walk(data, layout).pieces)
        case "jpeg-lossless":
            return graft(b"".join(frame.pieces), jpeg.walk(data, layout, "jpeg-lossless").pieces)
        case "jpeg-ls":
            return b"".join(jpeg.walk(data, layout, "jpeg-ls").pieces)
        case _:
            return data


def check_spare_bits_of_frames(source: PixelSource, layout: PixelLayout, found: Survey) -> None:
    """As check_unused_bits, for codestreams of more bits than are stored; only these are decoded for it."""
    assert source.syntax is not None
    if layout.overlay_bits or all(SpareBits.of(layout, source.header, form.precision) is None for form in found.forms):
        return
    for frame in walk_frames(source, layout, found.divided):
        spare = SpareBits.of(layout, source.header, frame.form.precision)
        cells = decode(source.syntax.codec, b"".join(frame.pieces), frame.form, layout)
        if spare is not None and spare.in_use(cells):
            raise InstanceError("pixel-format", UNDECLARED)
