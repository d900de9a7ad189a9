"""Write one cleaned instance: a plan of its pixels first, then the header it is given and the pixel element."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.edits import Description, Edit, edit_of, needs_edit
from xnat_pixelanon.pixels.encapsulated import copy_fragments, write_frames
from xnat_pixelanon.pixels.header import read_file_meta
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.native import write_value
from xnat_pixelanon.pixels.recode import frame_editor
from xnat_pixelanon.pixels.routes import TransferSyntax
from xnat_pixelanon.pixels.sink import Sink, open_sink
from xnat_pixelanon.pixels.source import PixelSource
from xnat_pixelanon.pixels.structure import UNDEFINED, damaged
from xnat_pixelanon.pixels.walk import Survey, survey, walk_frames
from xnat_pixelanon.pixels.window import in_order

_SPARE = 1 << 16
"""Bytes by which a coded frame may be larger than its cells, and an eighth more."""


@dataclass(frozen=True, slots=True)
class PixelPlan:
    """What will be done to the pixels of an open source, decided before its header is written.

    `description`: attributes of the Image Pixel Module that the copy's header has to have. `route` is "header-only",
    "copy", "scrub", "native", "deflated", "jpeg-dct" or "recode".
    """

    route: str
    transfer_syntax_uid: str
    rectangles: tuple[Rectangle, ...]
    effective: tuple[Rectangle, ...]
    fill: str
    scrubbed: tuple[str, ...]
    description: Description
    note: str
    survey: Survey
    edit: Edit | None


@dataclass(frozen=True, slots=True)
class WrittenPixels:
    """What was done to the pixels: boxes as filled (in the order asked for), the fill, what was left out, the route.

    `note`: why the route is another than the usual one, or what it changed; empty where there is nothing to say.
    """

    effective: tuple[Rectangle, ...]
    fill: str
    scrubbed: tuple[str, ...]
    route: str
    transfer_syntax_uid: str
    note: str = ""


def plan_pixels(source: PixelSource, rectangles: Sequence[Rectangle]) -> PixelPlan:
    """How the pixels of `source` will be written, every rectangle black in every frame.

    The source is walked again, so a source that changed since it was decided on is found. InstanceError where it is
    damaged, or where no such copy can be made.
    """
    found = survey(source)
    syntax, layout = source.syntax, source.layout
    assert syntax is not None  # survey refuses it
    if layout is None:
        if rectangles:
            raise InstanceError("no-pixel-data", "there are rectangles but no pixel data")
        return PixelPlan("header-only", syntax.uid, (), (), "", found.scrubbed, (), "", found, None)
    if not needs_edit(source, layout, rectangles):
        route = "scrub" if found.scrubbed else "copy"
        return PixelPlan(route, syntax.uid, (), (), "", found.scrubbed, (), "", found, None)
    if not all(rectangle.inside(layout.rows, layout.columns) for rectangle in rectangles):
        raise InstanceError("proof-failed", "a rectangle reaches outside the image")
    edit = edit_of(source, layout, found)
    return PixelPlan(
        route=edit.route,
        transfer_syntax_uid=edit.syntax.uid,
        rectangles=tuple(rectangles),
        effective=tuple(edit.effective(layout, rectangle) for rectangle in rectangles),
        fill=edit.fill.text if rectangles else "",
        scrubbed=found.scrubbed,
        description=edit.description,
        note=edit.note,
        survey=found,
        edit=edit,
    )


def write_instance(
    source: PixelSource, plan: PixelPlan, header: bytes, out: Path, *, threads: int = 1
) -> WrittenPixels:
    """Write `header` and the pixel element of `source` to `out` as planned.

    `header`: preamble, file meta information and all elements before group 7FE0, encoded for the transfer syntax of the
    plan; that of a deflated instance is given plain and deflated here. `threads`: how many may work on the frames of a
    compressed source. Raises InstanceError (nothing is left at `out`) and ScratchError.
    """
    syntax, layout = source.syntax, source.layout
    assert syntax is not None
    meta_end = _check_header(header, plan)
    with open_sink(out) as sink:
        sink.write(header[:meta_end])
        if syntax.deflated:
            sink.deflate_from_here()
        sink.write(header[meta_end:])
        if layout is not None and syntax.encapsulated:
            _write_encapsulated(source, layout, plan, sink, threads)
        elif layout is not None:
            sink.write(_native_element(source, syntax, layout))
            write_value(source, layout, plan.edit.fill if plan.edit else None, plan.effective, sink)
    return WrittenPixels(plan.effective, plan.fill, plan.scrubbed, plan.route, plan.transfer_syntax_uid, plan.note)


def _check_header(header: bytes, plan: PixelPlan) -> int:
    """Where the file meta information ends; the header has to name the transfer syntax that the pixels are to be in."""
    meta = read_file_meta(BytesIO(header), len(header))
    if meta.transfer_syntax_uid != plan.transfer_syntax_uid:
        raise InstanceError("proof-failed", "the new header names another transfer syntax than the pixels have")
    return meta.end


def _write_encapsulated(source: PixelSource, layout: PixelLayout, plan: PixelPlan, sink: Sink, threads: int) -> None:
    table = plan.survey.table
    assert table is not None
    if plan.edit is None and not plan.survey.rewrite:
        copy_fragments(source, table, sink)
        return
    walked = walk_frames(source, layout, plan.survey.divided)
    frames: Iterator[bytes]
    if plan.edit is None:
        frames = (b"".join(frame.pieces) for frame in walked)
    else:
        frames = in_order(frame_editor(source, layout, plan.edit, plan.rectangles), walked, threads)
    cells = layout.frame_bits // 8
    write_frames(
        frames,
        layout.frames,
        sink,
        basic=bool(table.basic_offsets),
        extended=bool(source.extended_offsets),
        largest=max(2 * (table.end - table.fragments[0].offset), layout.frames * (cells + cells // 8 + _SPARE)),
    )


def _native_element(source: PixelSource, syntax: TransferSyntax, layout: PixelLayout) -> bytes:
    """Tag, VR and length of native pixel data; the VR of the source where it is one that fits (PS3.5 annex A)."""
    assert source.element is not None
    order = ">" if syntax.big_endian else "<"
    group, number = source.element.tag >> 16, source.element.tag & 0xFFFF
    length = layout.value_bytes + layout.value_bytes % 2
    if length >= UNDEFINED:
        raise damaged("the pixel data are too large for native encoding")
    if syntax.implicit:
        return struct.pack(order + "HHL", group, number, length)
    vr = {"FloatPixelData": "OF", "DoubleFloatPixelData": "OD"}.get(layout.keyword)
    if vr is None:
        fitting = ("OB", "OW") if layout.bits_allocated <= 8 or source.element.vr == "OB" else ("OW",)
        vr = source.element.vr if source.element.vr in fitting else fitting[-1]
    return struct.pack(order + "HH2sHL", group, number, vr.encode(), 0, length)
