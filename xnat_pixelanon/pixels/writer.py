"""Write one cleaned instance: the header it is given, then the pixel element, in the transfer syntax of the source."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.encapsulated import write_encapsulated
from xnat_pixelanon.pixels.fill import Fill, fill_of
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.native import effective_box, write_value
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.routes import TransferSyntax
from xnat_pixelanon.pixels.sink import Sink, open_sink
from xnat_pixelanon.pixels.source import PixelSource
from xnat_pixelanon.pixels.structure import UNDEFINED, damaged, read_file_meta
from xnat_pixelanon.pixels.walk import Survey, order_unclear, survey


@dataclass(frozen=True, slots=True)
class WrittenPixels:
    """What was done to the pixels: boxes as filled (in the order asked for), the fill, what was left out, the route.

    `route` is "header-only", "copy", "scrub", "native" or "deflated".
    """

    effective: tuple[Rectangle, ...]
    fill: str
    scrubbed: tuple[str, ...]
    route: str
    transfer_syntax_uid: str


def edit_fill(source: PixelSource, layout: PixelLayout) -> Fill:
    """What a box would be filled with; InstanceError("transfer-syntax" or "pixel-format") where no box can be."""
    if source.syntax is None or source.syntax.edit is None:
        name = "this transfer syntax" if source.syntax is None else source.syntax.name
        raise InstanceError("transfer-syntax", f"no rectangle can be blackened in {name}")
    with no_library_text():
        fill = fill_of(layout, source.header)
    same_in_any_order = all(value in (0, (1 << layout.bits_allocated) - 1) for value in fill.values)
    if order_unclear(source, layout) and not same_in_any_order:
        raise InstanceError("pixel-format", "big endian cells whose bytes can be in two orders")
    return fill


def write_instance(source: PixelSource, header: bytes, rectangles: Sequence[Rectangle], out: Path) -> WrittenPixels:
    """Write `header` and the pixel element of `source` to `out`, every rectangle black in every frame.

    `header`: preamble, file meta information and all elements before group 7FE0, encoded for the transfer syntax of the
    source; that of a deflated instance is given plain and deflated here. The source is walked again, so a source that
    changed since it was decided on is found. Raises InstanceError (nothing is left at `out`) and ScratchError.
    """
    found = survey(source)
    syntax, layout = source.syntax, source.layout
    assert syntax is not None  # survey refuses it
    meta_end = _check_header(header, source)
    fill = None
    if rectangles:
        if layout is None:
            raise InstanceError("no-pixel-data", "there are rectangles but no pixel data")
        if not all(rectangle.inside(layout.rows, layout.columns) for rectangle in rectangles):
            raise InstanceError("proof-failed", "a rectangle reaches outside the image")
        fill = edit_fill(source, layout)
    boxes = tuple(effective_box(layout, rectangle) for rectangle in rectangles) if layout is not None else ()
    with open_sink(out) as sink:
        sink.write(header[:meta_end])
        if syntax.deflated:
            sink.deflate_from_here()
        sink.write(header[meta_end:])
        if layout is not None:
            _write_pixels(source, syntax, layout, found, fill, boxes, sink)
    return WrittenPixels(
        boxes, fill.text if fill else "", found.scrubbed, _route(syntax, layout, found, fill), syntax.uid
    )


def _route(syntax: TransferSyntax, layout: PixelLayout | None, found: Survey, fill: Fill | None) -> str:
    if layout is None:
        return "header-only"
    if fill is not None and syntax.edit is not None:
        return syntax.edit
    return "scrub" if found.scrubbed else "copy"


def _check_header(header: bytes, source: PixelSource) -> int:
    """Where the file meta information ends; the header has to name the transfer syntax that the pixels stay in."""
    meta = read_file_meta(BytesIO(header), len(header))
    if meta.transfer_syntax_uid != source.transfer_syntax_uid:
        raise InstanceError("proof-failed", "the new header names another transfer syntax than the pixels have")
    return meta.end


def _write_pixels(
    source: PixelSource,
    syntax: TransferSyntax,
    layout: PixelLayout,
    found: Survey,
    fill: Fill | None,
    boxes: Sequence[Rectangle],
    sink: Sink,
) -> None:
    if syntax.encapsulated:
        write_encapsulated(source, layout, found, sink)
        return
    sink.write(_native_element(source, syntax, layout))
    write_value(source, layout, fill, boxes, sink)


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
