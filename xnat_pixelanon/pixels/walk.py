"""The stream walk: whether pixel stream and header agree, and which carriers ride in the stream, without decoding.

Line 1 of the decision table. Everything found wrong is an InstanceError: "damaged", or "transfer-syntax" and
"pixel-format" for what is sound but must not be copied because it is not understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels import jpeg, jpeg2000, rle
from xnat_pixelanon.pixels.codestream import AFTER_STREAM, FrameStream, StreamForm
from xnat_pixelanon.pixels.fragments import Fragment, FragmentTable, divide, read_fragments
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.routes import syntax_name
from xnat_pixelanon.pixels.source import PixelSource
from xnat_pixelanon.pixels.structure import DATA_SET_TRAILING_PADDING, DIGITAL_SIGNATURES, damaged, read_exactly

TRAILING = "bytes after the last frame"
OVERLAYS = "overlay planes in unused bits"


@dataclass(frozen=True, slots=True)
class Survey:
    """A sound instance: its frames, what a written copy will leave out, and the table of an encapsulated stream."""

    frames: int
    scrubbed: tuple[str, ...]
    table: FragmentTable | None = None
    divided: tuple[Sequence[Fragment], ...] = ()
    rewrite: bool = False
    """Whether the fragments cannot be copied as they are."""
    forms: tuple[StreamForm, ...] = ()
    """The different forms of the frames' codestreams."""


def survey(source: PixelSource) -> Survey:
    """Walk the pixel stream of an open file from its first to its last byte."""
    layout = _layout(source)
    if layout is None:
        return Survey(0, source.dropped)
    if layout.encapsulated:
        return _survey_encapsulated(source, layout)
    return _survey_native(source, layout)


def locate_frames(source: PixelSource) -> tuple[Sequence[Fragment], ...]:
    """The fragments of each frame, none of native ones: all that `survey` looks at but the codestreams.

    For who shows a few of many frames. Where it is not certain which frame lies where, this is an InstanceError.
    """
    layout = _layout(source)
    if layout is None:
        return ()
    if not layout.encapsulated:
        return _survey_native(source, layout).divided
    table, divided = _located(source, layout)
    _what_follows(source, table.end)
    return divided


def _layout(source: PixelSource) -> PixelLayout | None:
    """None without pixel data."""
    if source.syntax is None:
        name = syntax_name(source.transfer_syntax_uid)
        raise InstanceError("transfer-syntax", f"{name} is not one of the transfer syntaxes that can be written")
    if source.problem is not None:
        raise source.problem
    return None if source.element is None else source.layout


def _survey_native(source: PixelSource, layout: PixelLayout) -> Survey:
    element = source.element
    assert element is not None
    if element.undefined:
        raise damaged("the pixel data are encapsulated although the transfer syntax is not")
    expected = layout.value_bytes
    if element.length < expected:
        raise damaged("the pixel data are shorter than Rows, Columns and Number of Frames ask for")
    scrubbed = list(source.dropped)
    surplus = element.length - expected
    if surplus > expected % 2:
        full = layout.rows * layout.columns * layout.samples * layout.bits_allocated
        if 8 * surplus >= layout.frame_bits or (
            layout.frame_bits < full and 8 * element.length >= layout.frames * full
        ):
            raise damaged("the pixel data are a frame or more longer than Rows, Columns and Number of Frames ask for")
        scrubbed.append(TRAILING)
    elif surplus:
        source.stream.seek(element.value_offset + _pad_offset(source, layout, expected))
        if read_exactly(source.stream, 1) != b"\0":
            scrubbed.append(TRAILING)
    if layout.overlay_bits:
        _check_overlays(source, layout)
        scrubbed.append(OVERLAYS)
    scrubbed += _what_follows(source, element.value_offset + element.length)
    return Survey(layout.frames, tuple(scrubbed))


def _check_overlays(source: PixelSource, layout: PixelLayout) -> None:
    """Whether the planes in unused bits can be cleared without touching the image."""
    if any(layout.stored_mask >> bit & 1 for bit in layout.overlay_bits):
        raise InstanceError("pixel-format", "an overlay is embedded in bits that hold the image")
    if layout.bits_allocated not in (8, 16, 32) or order_unclear(source, layout):
        raise InstanceError("pixel-format", "an overlay is embedded in cells of a kind that is not edited")


def _pad_offset(source: PixelSource, layout: PixelLayout, expected: int) -> int:
    """Where the pad byte of odd-sized data lies: in big endian words it comes before the last pixel."""
    return expected - 1 if swapped_words(source, layout) else expected


def swapped_words(source: PixelSource, layout: PixelLayout) -> bool:
    """Big endian OW with cells narrower than a word: the bytes of each word are exchanged (PS3.5 8.2 and annex D)."""
    return layout.big_endian and layout.bits_allocated <= 8 and source.element is not None and source.element.vr != "OB"


def order_unclear(source: PixelSource, layout: PixelLayout) -> bool:
    """Big endian cells of 32 bits are cut into words or not (PS3.5 annex D); of others the VR alone tells the order."""
    if not layout.big_endian or source.element is None:
        return False
    vr = source.element.vr
    if layout.keyword != "PixelData":
        return vr not in ("OF", "OD")
    return vr not in ("OB", "OW") if layout.bits_allocated <= 8 else layout.bits_allocated == 32 or vr != "OW"


def _located(source: PixelSource, layout: PixelLayout) -> tuple[FragmentTable, tuple[Sequence[Fragment], ...]]:
    assert source.element is not None
    if layout.keyword != "PixelData":
        raise damaged("float pixel data cannot be encapsulated")
    table = read_fragments(source.structure, source.element, layout.frames)
    return table, _divide(source, layout, table)


def _survey_encapsulated(source: PixelSource, layout: PixelLayout) -> Survey:
    table, divided = _located(source, layout)
    removed, forms = set[str](), dict[StreamForm, None]()
    for frame in walk_frames(source, layout, divided):
        removed |= frame.removed
        forms[frame.form] = None
    planes = [OVERLAYS] if layout.overlay_bits else []
    scrubbed = (*source.dropped, *sorted(removed), *planes, *_what_follows(source, table.end))
    return Survey(layout.frames, scrubbed, table, divided, bool(removed), tuple(forms))


def first_frame(source: PixelSource, layout: PixelLayout, found: Survey) -> bytes:
    """What is kept of the first frame."""
    return b"".join(next(walk_frames(source, layout, found.divided[:1])).pieces)


def _divide(source: PixelSource, layout: PixelLayout, table: FragmentTable) -> tuple[Sequence[Fragment], ...]:
    assert source.syntax is not None
    starts_frame = {"jpeg2000": jpeg2000.begins, "rle": None}.get(source.syntax.stream, jpeg.begins)

    def begins(fragment: Fragment) -> bool:
        source.stream.seek(fragment.value_offset)
        head = read_exactly(source.stream, min(fragment.length, 12))
        return starts_frame is not None and starts_frame(head)

    extended = (source.extended_offsets, source.extended_lengths)
    return divide(table, layout.frames, extended, None if starts_frame is None else begins)


def walk_frames(
    source: PixelSource, layout: PixelLayout, divided: Sequence[Sequence[Fragment]]
) -> Iterator[FrameStream]:
    """Each frame, joined from its fragments and walked; one frame is in memory at a time."""
    largest = 2 * layout.frame_bits // 8 + (64 << 20)
    for fragments in divided:
        if sum(fragment.length for fragment in fragments) > largest:
            raise damaged("a compressed frame is far larger than the frame itself")
        parts: list[bytes] = []
        for fragment in fragments:
            source.stream.seek(fragment.value_offset)
            parts.append(read_exactly(source.stream, fragment.length))
        frame = _walk_frame(source, layout, b"".join(parts))
        if AFTER_STREAM in frame.removed and frame.end <= sum(len(part) for part in parts[:-1]):
            raise damaged("a frame's codestream ends before its last fragment: there are more frames than it says")
        yield frame


def _walk_frame(source: PixelSource, layout: PixelLayout, data: bytes) -> FrameStream:
    assert source.syntax is not None
    if source.syntax.stream == "rle":
        return rle.walk(data, layout)
    if source.syntax.stream == "jpeg2000":
        return jpeg2000.walk(data, layout)
    return jpeg.walk(data, layout, source.syntax.stream)


def _what_follows(source: PixelSource, at: int) -> list[str]:
    """What lies behind the pixel element: padding, signatures and private elements are left out, others refused."""
    structure, found = source.structure, list[str]()
    while at < structure.end:
        if structure.only_zeros(at):
            return [*found, "zero bytes after the data set"]
        element = structure.element(at)
        if element.tag == DATA_SET_TRAILING_PADDING:
            found.append("Data Set Trailing Padding")
        elif element.tag == DIGITAL_SIGNATURES:
            found.append("Digital Signatures Sequence")
        elif element.tag >> 16 & 1 and element.tag >> 16 > 0x7FE0:
            found.append("private elements after the pixel data")
        else:
            raise InstanceError("pixel-format", "standard elements follow the pixel data")
        at = structure.after(element)
    return list(dict.fromkeys(found))
