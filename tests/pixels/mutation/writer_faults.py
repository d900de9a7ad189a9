"""Faults put into the writer itself, in process: what a slip of its code would do to every copy.

`lay` patches one name of the writing half; the proof shares none of them. Each row names the phantoms it is tried on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers import EncodedHeader, HeaderMemory, HeaderRequest, clean_header, encode_parts
from xnat_pixelanon.pipeline import work
from xnat_pixelanon.pixels import codecs, dct, edits, jpeg, native, recode, turbojpeg, writer
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.sink import Sink
from xnat_pixelanon.pixels.unused_bits import SpareBits

from ..codestreams import segment
from .case import BESIDE, COLOURS, NOT_BLACK, NOT_ONE_VALUE, OUTSIDE, SPARE, UNBOXED

Patch = pytest.MonkeyPatch
NATIVE = ("implicit grey 12 x3", "explicit colour x3", "big endian signed 12 x3", "deflated grey 12 x3", "pairs x3")
CODED = (
    "RLE grey 16 x3",
    "JPEG lossless colour x3",
    "JPEG-LS grey 12 x3",
    "JPEG 2000 colour x3",
    "HTJ2K grey 8 x3",
    "extended 12 to lossless x3",
    "near-lossless to JPEG-LS x3",
)
DCT = ("baseline grey x3", "baseline colour x3", "baseline RGB x3", "baseline 4:2:0 x3", "baseline 4:2:2 x3")
_BEHIND = "something lies behind"
_FIRST_TABLE = "the copy's Basic Offset Table does not point to its frames"


@dataclass(frozen=True)
class Fault:
    name: str
    lay: Callable[[Patch], None]
    found: tuple[str, ...]
    subjects: tuple[str, ...]
    boxes: tuple[Rectangle, ...] = ()
    """Other boxes than the phantom's."""


def _other_boxes(change: Callable[[Sequence[Rectangle]], Sequence[Rectangle]]) -> Callable[[Patch], None]:
    """The writer fills other boxes than those it reports, whatever the route."""

    def lay(patch: Patch) -> None:
        frame_editor, write_value = writer.frame_editor, writer.write_value

        def editor(source: Any, layout: Any, edit: Any, boxes: Any) -> Any:
            return frame_editor(source, layout, edit, change(boxes))

        def value(source: Any, layout: Any, fill: Any, boxes: Any, sink: Any) -> None:
            write_value(source, layout, fill, change(boxes), sink)

        patch.setattr(writer, "frame_editor", editor)
        patch.setattr(writer, "write_value", value)

    return lay


def _moved(box: Rectangle, *, by: tuple[int, int, int, int]) -> Rectangle:
    return Rectangle(box.top + by[0], box.left + by[1], box.bottom + by[2], box.right + by[3])


def _all_moved(*by: int) -> Callable[[Patch], None]:
    top, left, bottom, right = by
    return _other_boxes(lambda boxes: [_moved(box, by=(top, left, bottom, right)) for box in boxes])


def _last_frame_unfilled(patch: Patch) -> None:
    fill_boxes = native._fill_boxes

    def fill(cells: Any, first: int, layout: PixelLayout, lines: Any, fill: Any, boxes: Any) -> None:
        last = cells[-lines.frame :].copy()
        fill_boxes(cells, first, layout, lines, fill, boxes)
        cells[-lines.frame :] = last

    patch.setattr(native, "_fill_boxes", fill)


def _one_frame_unedited(number: int) -> Callable[[Patch], None]:
    """A frame comes out as it is in the source, or coded anew without its boxes."""

    def lay(patch: Patch) -> None:
        frame_editor = writer.frame_editor

        def editor(source: Any, layout: Any, edit: Any, boxes: Any) -> Any:
            filled = frame_editor(source, layout, edit, boxes)
            bare = frame_editor(source, layout, edit, ())
            seen: list[object] = []

            def one(frame: Any) -> bytes:
                seen.append(frame)
                return bytes((bare if len(seen) == number + 1 else filled)(frame))

            return one

        patch.setattr(writer, "frame_editor", editor)

    return lay


def _other_fill(change: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Callable[[Patch], None]:
    def lay(patch: Patch) -> None:
        fill_of = edits.fill_of

        def fill(layout: Any, header: Any) -> Any:
            right = fill_of(layout, header)
            return replace(right, values=change(right.values))

        patch.setattr(edits, "fill_of", fill)

    return lay


def _grey_blocks(patch: Patch) -> None:
    patch.setattr(dct, "_constant", lambda step, white: 0)


def _black_for_white(patch: Patch) -> None:
    constant = dct._constant
    patch.setattr(dct, "_constant", lambda step, white: constant(step, not white))


def _no_ring(patch: Patch) -> None:
    def without_ring(shape: dct.JpegShape, box: Rectangle) -> Rectangle:
        high, wide = shape.mcu
        top, left = box.top // high * high, box.left // wide * wide
        return Rectangle(top, left, -(-box.bottom // high) * high, -(-box.right // wide) * wide)

    patch.setattr(dct, "edited_box", without_ring)


def _blocks(number: int, change: Callable[[Any], dict[int, Any]]) -> Callable[[Patch], None]:
    """From the second frame on one component is edited otherwise: `change` gets its plane and gives other edits."""

    def lay(patch: Patch) -> None:
        planes, seen = dct._planes, list[object]()

        def wrong(*given: Any) -> Any:
            right = list(planes(*given))
            seen.append(given)
            if len(seen) > 1:
                right[number] = replace(right[number], edits=change(right[number]))
            return tuple(right)

        patch.setattr(dct, "_planes", wrong)

    return lay


def _one_more(plane: Any) -> dict[int, Any]:
    """The first block of the third row of blocks, below the first box and left of the second."""
    return {**plane.edits, 2: (*plane.edits.get(2, ()), (0, dct.dc_pattern(1, 1)))}


def _one_less(plane: Any) -> dict[int, Any]:
    """All but the first block of the first row."""
    (first, pattern), *_ = plane.edits[0]
    return {**plane.edits, 0: ((first + 1, pattern[turbojpeg.BLOCK_BYTES :]),)}


def _one_aside(plane: Any) -> dict[int, Any]:
    return {
        row: tuple((first - 1 if first else 1, pattern) for first, pattern in spans)
        for row, spans in plane.edits.items()
    }


def _marks_lost(patch: Patch) -> None:
    patch.setattr(dct, "_APPLICATIONS", {})


def _luma_only(patch: Patch) -> None:
    """RGB taken for YCbCr: one component black, the others grey."""
    patch.setattr(edits.dct, "colour_of", lambda data, photometric: "ybr")


def _overlay_kept(patch: Patch) -> None:
    patch.setattr(native, "_clear_unused_bits", lambda chunk, layout: None)


def _coded_overlay_kept(patch: Patch) -> None:
    """As if there were none, and nobody looked at the spare bits."""
    frame_editor = writer.frame_editor

    def editor(source: Any, layout: PixelLayout, edit: Any, boxes: Any) -> Any:
        return frame_editor(source, replace(layout, overlay_bits=()), edit, boxes)

    patch.setattr(writer, "frame_editor", editor)
    patch.setattr(SpareBits, "of", lambda layout, header, bits: None)


def _words_swapped(patch: Patch) -> None:
    write = native._write

    def swapped(octets: Any, exchanged: bool, sink: Sink) -> None:
        octets.view(np.uint16).byteswap(inplace=True)
        write(octets, exchanged, sink)

    patch.setattr(native, "_write", swapped)


def _encoded(change: Callable[[Any], Any]) -> Callable[[Patch], None]:
    """Other cells go into the encoder than were decoded and filled."""

    def lay(patch: Patch) -> None:
        encode = recode.encode

        def wrong(codec: str, cells: Any, form: Any, layout: Any) -> bytes:
            return encode(codec, np.ascontiguousarray(change(cells)), form, layout)

        patch.setattr(recode, "encode", wrong)

    return lay


def _with_form(**changes: Any) -> Callable[[Patch], None]:
    """The right cells are coded in another way than they have to be."""

    def lay(patch: Patch) -> None:
        encode = recode.encode

        def wrong(codec: str, cells: Any, form: Any, layout: Any) -> bytes:
            return encode(codec, cells, replace(form, **changes), layout)

        patch.setattr(recode, "encode", wrong)

    return lay


def _lossy_jpeg_ls(patch: Patch) -> None:
    encode_buffer = codecs.jpeg_ls.encode_buffer
    patch.setattr(codecs.jpeg_ls, "encode_buffer", lambda *given: encode_buffer(*given[:5], 2, *given[6:]))


def _signature_kept(patch: Patch) -> None:
    patch.setattr(recode, "_without_signature", lambda data, frame, edit, layout: data)


def _other_markers(patch: Patch) -> None:
    graft, adobe = recode.graft, segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")
    patch.setattr(recode, "graft", lambda source, pieces: graft(source[:2] + adobe + source[2:], pieces))


def _comments_kept(patch: Patch) -> None:
    patch.setattr(jpeg, "_keep", lambda marker, payload, segment: (segment, ()))


def _offsets_unpatched(patch: Patch) -> None:
    patch.setattr(Sink, "patch", lambda sink, at, data: None)


def _frames_reversed(patch: Patch) -> None:
    write_frames = writer.write_frames

    def reversed_frames(frames: Any, count: int, sink: Sink, **named: Any) -> None:
        write_frames(reversed(list(frames)), count, sink, **named)

    patch.setattr(writer, "write_frames", reversed_frames)


def _more_written(patch: Patch) -> None:
    finish = Sink.finish

    def more(sink: Sink) -> None:
        sink.write(b"told by Grace!")
        finish(sink)

    patch.setattr(Sink, "finish", more)


def _nothing_described(patch: Patch) -> None:
    patch.setattr(edits, "_description", lambda *given: ())


def _header_keeps(*tags: int) -> Callable[[Patch], None]:
    """The header's cleaner lets elements through."""

    def lay(patch: Patch) -> None:
        def lenient(source: Dataset, request: HeaderRequest, _: HeaderMemory) -> EncodedHeader:
            cleaned = clean_header(source, request)
            for tag in tags:
                cleaned.dataset[tag] = source[tag]
            return EncodedHeader(*encode_parts(cleaned.dataset, request.transfer_syntax_uid), cleaned.actions)

        patch.setattr(work, "write_header", lenient)

    return lay


FAULTS = (
    Fault("the last frame is not filled", _last_frame_unfilled, (NOT_ONE_VALUE,), NATIVE),
    *(Fault(f"frame {number + 1} is not filled", _one_frame_unedited(number), (NOT_ONE_VALUE, "of one value"),
            (*CODED, *DCT)) for number in range(3)),
    Fault("boxes lie a row too low", _all_moved(1, 0, 1, 0), (NOT_ONE_VALUE,), (*NATIVE, *CODED)),
    Fault("boxes lie a column too far right", _all_moved(0, 1, 0, 1), (NOT_ONE_VALUE,), (*NATIVE[:4], *CODED)),
    Fault("boxes lack a row", _all_moved(0, 0, -1, 0), (NOT_ONE_VALUE,), (*NATIVE, *CODED)),
    Fault("boxes have a row too many", _all_moved(0, 0, 1, 0), (OUTSIDE,), (*NATIVE, *CODED)),
    Fault("boxes lie a block too low", _all_moved(8, 0, 8, 0), (NOT_ONE_VALUE,), DCT[:3],
          (Rectangle(0, 0, 8, 8), Rectangle(16, 16, 24, 40))),
    Fault("boxes have a block too many", _all_moved(0, 0, 8, 0), (OUTSIDE,), DCT[:3],
          (Rectangle(0, 0, 8, 8), Rectangle(16, 16, 24, 40))),
    Fault("only the first box is filled", _other_boxes(lambda boxes: boxes[:1]), (NOT_ONE_VALUE,),
          (*NATIVE, *CODED, *DCT)),
    Fault("the fill is one too high", _other_fill(lambda values: (*values[:-1], values[-1] + 1)), (NOT_BLACK,),
          (*NATIVE, *CODED)),
    Fault("the fill is zero where that is white", _other_fill(lambda values: (0,)), (NOT_BLACK,),
          ("inverse 12 x3", "inverse shape 12", "explicit signed 12 x3", "palette x3", "RLE palette x3")),
    Fault("the fill is zero in YCbCr", _other_fill(lambda values: (0, 0, 0)), (NOT_BLACK,), ("full chroma x3",)),
    Fault("blocks are grey", _grey_blocks, (NOT_BLACK,), DCT),
    Fault("blocks are white", _black_for_white, (NOT_BLACK,), (*DCT, "baseline inverse x3")),
    Fault("the chroma ring is dropped", _no_ring, (NOT_ONE_VALUE,), ("baseline 4:2:0 x3",),
          (Rectangle(0, 0, 16, 16), Rectangle(0, 48, 5, 56))),
    *(Fault(f"{name} in component {number + 1}", _blocks(number, change), (found,), DCT[number > 0 :])
      for number in range(3)
      for name, change, found in (("a block more is filled", _one_more, OUTSIDE),
                                  ("a block is left", _one_less, NOT_ONE_VALUE),
                                  ("blocks lie one aside", _one_aside, OUTSIDE))),
    Fault("colour markers are lost", _marks_lost, (COLOURS,), ("baseline RGB by Adobe x3", "baseline colour x3")),
    Fault("RGB is filled as YCbCr", _luma_only, (NOT_BLACK,), ("baseline RGB x3", "baseline RGB by Adobe x3")),
    Fault("overlay planes stay", _overlay_kept, (OUTSIDE, UNBOXED, SPARE),
          ("overlay in cells x3", "overlay in cells, big endian x3", "overlay without a box x3")),
    Fault("overlay planes stay in frames", _coded_overlay_kept, (OUTSIDE, UNBOXED, SPARE),
          ("RLE overlay x3", "JPEG-LS overlay x3", "RLE overlay without a box x3")),
    Fault("the bytes of words are exchanged", _words_swapped, (OUTSIDE, UNBOXED),
          (*NATIVE[:4], "explicit without a box x3", "deflated without a box x3")),
    Fault("the bytes of cells are exchanged", _encoded(lambda cells: cells.byteswap()), (OUTSIDE,),
          ("RLE grey 16 x3",)),
    Fault("the highest bit is dropped", _encoded(lambda cells: cells & cells.dtype.type(0x7FFF if cells.itemsize > 1
          else 0x7F)), (OUTSIDE,), ("RLE grey 16 x3", "JPEG lossless colour x3", "JPEG 2000 colour x3",
                                    "HTJ2K grey 8 x3")),
    Fault("the lowest bit is dropped", _encoded(lambda cells: cells & cells.dtype.type(0xFFFE if cells.itemsize > 1
          else 0xFE)), (OUTSIDE,), CODED),
    Fault("the sign is not carried on", _encoded(lambda cells: cells & cells.dtype.type(0xFFF)), (OUTSIDE,),
          ("RLE signed 12 x3",)),
    Fault("frames are coded with a loss", _lossy_jpeg_ls, (OUTSIDE,), ("JPEG-LS grey 12 x3", "JPEG-LS colour x3")),
    Fault("the colour transformation is left out", _with_form(transformed=False), (COLOURS,),
          ("JPEG 2000 colour x3", "HTJ2K colour x3", "lossy to JPEG 2000 x3")),
    Fault("another predictor is used", _with_form(parameter=5), (COLOURS,),
          ("JPEG lossless grey 12 x3", "extended 12 to lossless x3")),
    Fault("the encoder's signature stays", _signature_kept, (BESIDE,),
          ("JPEG 2000 grey 12 x3", "HTJ2K grey 8 x3", "lossy to JPEG 2000 x3")),
    Fault("a marker says other colours", _other_markers, (COLOURS,), ("JPEG lossless colour x3",)),
    Fault("comments stay", _comments_kept, (BESIDE,),
          ("baseline without a box x3", "JPEG lossless without a box x3", "JPEG-LS without a box x3")),
    Fault("offsets are not written", _offsets_unpatched, (_FIRST_TABLE, "Extended Offset Table"),
          (*CODED, "baseline grey x3")),
    Fault("frames come in another order", _frames_reversed, (OUTSIDE,), (*CODED, *DCT)),
    Fault("more is written than the pixels", _more_written, (_BEHIND,),
          (*NATIVE, *CODED, *DCT, "explicit without a box x3", "baseline without a box x3")),
    Fault("nothing is said of the loss", _nothing_described, ("LossyImageCompression",),
          ("extended 12 to lossless x3", "near-lossless to JPEG-LS x3", "lossy to HTJ2K x3")),
    Fault("the colours of another codec are not told", _nothing_described, ("PhotometricInterpretation",
          "LossyImageCompression"), ("lossy to JPEG 2000 x3",)),
    Fault("the overlay group is kept", _header_keeps(0x60000010, 0x60000011, 0x60003000), ("(6000,",),
          ("explicit grey 12 x3", "RLE grey 16 x3", "baseline without a box x3")),
    Fault("icons are kept", _header_keeps(0x00880200), ("(0088,0200)",),
          ("implicit grey 12 x3", "baseline colour x3", "deflated without a box x3")),
    Fault("icons inside items are kept", _header_keeps(0x00081140), ("(0008,1140)",),
          ("big endian grey 12 x3", "HTJ2K colour x3")),
    Fault("private pixels are kept", _header_keeps(0x00090010, 0x00091010), ("private element",),
          ("explicit grey 12 x3", "JPEG-LS grey 12 x3")),
    Fault("the curve is kept", _header_keeps(0x50003000), ("(5000,",), ("explicit grey 12 x3", "RLE grey 16 x3")),
)  # fmt: skip
