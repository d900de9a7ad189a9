"""How a box is filled in one instance: the route, the fill, the boxes as they come out, and what the copy is then.

Decided from the header and the headers of the codestreams, before a frame is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import dct, native, turbojpeg
from xnat_pixelanon.pixels.codestream import StreamForm
from xnat_pixelanon.pixels.fill import Fill, fill_of
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.quiet import no_library_text
from xnat_pixelanon.pixels.routes import ROUTES, TransferSyntax
from xnat_pixelanon.pixels.source import PixelSource
from xnat_pixelanon.pixels.walk import Survey, first_frame, order_unclear

Route = Literal["native", "deflated", "jpeg-dct", "recode"]
Description = tuple[tuple[str, str | int], ...]
"""Keywords of the Image Pixel Module and their values as they are to be in the copy, where they change."""
_TRANSFORMS = frozenset({"YBR_RCT", "YBR_ICT"})


@dataclass(frozen=True, slots=True)
class Edit:
    """What is done to every frame. `form` and `coded`: of the source's codestreams, and of those that are written.

    `colour` and `shape`: of JPEG frames that are edited in their coefficients. `note`: what a reader of the report
    should know of the route, or empty.
    """

    route: Route
    fill: Fill
    syntax: TransferSyntax
    description: Description = ()
    note: str = ""
    form: StreamForm | None = None
    coded: StreamForm | None = None
    shape: dct.JpegShape | None = None
    colour: dct.Colour = "grey"

    def effective(self, layout: PixelLayout, rectangle: Rectangle) -> Rectangle:
        """The box outside which nothing changes: that of whole blocks in JPEG, of whole pairs in native 4:2:2."""
        if self.shape is not None:
            return dct.effective_box(self.shape, rectangle)
        return native.effective_box(layout, rectangle)


def needs_edit(source: PixelSource, layout: PixelLayout, rectangles: Sequence[Rectangle]) -> bool:
    """Whether frames have to be edited: for boxes, and for overlay planes that only a decoder can take out."""
    return bool(rectangles) or (source.syntax is not None and source.syntax.encapsulated and bool(layout.overlay_bits))


def edit_of(source: PixelSource, layout: PixelLayout, found: Survey) -> Edit:
    """How boxes would be filled; InstanceError("transfer-syntax" or "pixel-format") where they cannot be."""
    assert source.syntax is not None
    with no_library_text():
        if not source.syntax.encapsulated:
            return _native(source, source.syntax, layout)
        form = _one_form(found)
        _check_bits(layout, form)
        _check_planes(layout, form)
        if source.syntax.edit == "jpeg-dct":
            return _jpeg(source, source.syntax, layout, found, form)
        return _recoded(source, source.syntax, layout, found, form)


def _native(source: PixelSource, syntax: TransferSyntax, layout: PixelLayout) -> Edit:
    fill = fill_of(layout, source.header)
    same_in_any_order = all(value in (0, (1 << layout.bits_allocated) - 1) for value in fill.values)
    if order_unclear(source, layout) and not same_in_any_order:
        raise InstanceError("pixel-format", "big endian cells whose bytes can be in two orders")
    return Edit("deflated" if syntax.deflated else "native", fill, syntax)


def _one_form(found: Survey) -> StreamForm:
    if len(found.forms) != 1:
        raise InstanceError("pixel-format", "the frames of one instance are coded in different ways")
    return found.forms[0]


def _check_bits(layout: PixelLayout, form: StreamForm) -> None:
    """The codestream's precision has to hold what the header says of the bits, or what is stored cannot be told."""
    if layout.high_bit >= form.precision and layout.high_bit != layout.bits_stored - 1:
        raise InstanceError("pixel-format", "High Bit lies above the codestream's precision")
    if form.precision < layout.bits_stored and layout.signed and not form.signed:
        raise InstanceError("pixel-format", "signed pixels of more bits than their codestream holds")
    if form.signed is not None and form.signed != layout.signed:
        raise InstanceError("pixel-format", "codestream and Pixel Representation disagree on the sign")


def _check_planes(layout: PixelLayout, form: StreamForm) -> None:
    """Overlay planes embedded in compressed cells can be cleared where these are kept whole and without loss."""
    if not layout.overlay_bits:
        return
    if form.lossy or any(layout.stored_mask >> bit & 1 or bit >= form.precision for bit in layout.overlay_bits):
        raise InstanceError("pixel-format", "an overlay is embedded in compressed cells that cannot be edited")


def _jpeg(source: PixelSource, syntax: TransferSyntax, layout: PixelLayout, found: Survey, form: StreamForm) -> Edit:
    frame = first_frame(source, layout, found)
    shape, colour = dct.read_shape(frame), dct.colour_of(frame, layout.photometric)
    named = _shown_as(colour, layout)
    fill = fill_of(replace(_within(layout, form), photometric=named), source.header)
    why = dct.editable(shape) or (turbojpeg.why_missing() and "libturbojpeg cannot be used here")
    if not why and not _held_by_blocks(layout, fill):
        why = "the fill is neither the lowest nor the highest value"
    if not why:
        loss = _description(layout, form, named, changed=False)
        return Edit("jpeg-dct", fill, syntax, loss, form=form, shape=shape, colour=colour)
    coded = StreamForm("lossless", form.precision, parameter=1)
    note = f"decoded and stored as lossless JPEG: {why}"
    description = _description(layout, form, named)
    return Edit("recode", fill, ROUTES[syntax.recoded], description, note, form, coded, colour=colour)


def _shown_as(colour: dct.Colour, layout: PixelLayout) -> str:
    """The Photometric Interpretation by which decoders that go by a JPEG frame's own marks take its components."""
    return {"grey": layout.photometric, "rgb": "RGB", "ybr": "YBR_FULL"}[colour]


def _held_by_blocks(layout: PixelLayout, fill: Fill) -> bool:
    """Blocks are made of the lowest or the highest of 8 bits: no palette, no sign, no fewer bits stored."""
    return layout.photometric != "PALETTE COLOR" and not layout.signed and layout.bits_stored == 8


def _recoded(source: PixelSource, syntax: TransferSyntax, layout: PixelLayout, found: Survey, form: StreamForm) -> Edit:
    target = ROUTES[syntax.recoded]
    named = shown = layout.photometric
    if form.subsampled:
        raise InstanceError("pixel-format", "the components of a frame are of different sizes")
    if syntax.stream == "jpeg2000":
        if (named in _TRANSFORMS) != form.transformed and layout.samples == 3 and not _rgb_under_transform(named, form):
            raise InstanceError("pixel-format", "codestream and Photometric Interpretation disagree on the colours")
        if form.transformed and target is not syntax:
            named = "YBR_RCT"
    elif named in _TRANSFORMS:
        raise InstanceError("pixel-format", "a Photometric Interpretation of JPEG 2000 in another transfer syntax")
    elif syntax.stream == "jpeg-lossless":
        shown = _shown_as(dct.colour_of(first_frame(source, layout, found), named), layout)
    fill = fill_of(replace(_within(layout, form), photometric=shown), source.header)
    coded = replace(form, process="reversible" if syntax.stream == "jpeg2000" else form.process)
    note = "" if target is syntax else f"decoded, and stored as {target.name}"
    return Edit("recode", fill, target, _description(layout, form, named, syntax is not target), note, form, coded)


def _within(layout: PixelLayout, form: StreamForm) -> PixelLayout:
    """Real files have codestreams of 14 bits under 16 stored ones: then no pixel can be darker than their darkest."""
    if form.precision >= layout.bits_stored:
        return layout
    return replace(layout, bits_stored=form.precision, high_bit=form.precision - 1)


def _rgb_under_transform(named: str, form: StreamForm) -> bool:
    """RGB is a wrong name for a transformed codestream (PS3.5 8.2.4), but readers see RGB all the same."""
    return named == "RGB" and form.transformed


def _description(layout: PixelLayout, form: StreamForm, named: str, changed: bool = True) -> Description:
    """PS3.3 C.7.6.1.1.5: what was lossy once stays so; the colours are those of the frames as written.

    `changed`: the copy has another transfer syntax, and its frames another colour space or order of samples with it.
    """
    described: list[tuple[str, str | int]] = [("LossyImageCompression", "01")] if form.lossy else []
    if not changed:
        return tuple(described)
    if named != layout.photometric:
        described.append(("PhotometricInterpretation", named))
    if layout.samples > 1 and layout.planar != 0:
        described.append(("PlanarConfiguration", 0))
    return tuple(described)
