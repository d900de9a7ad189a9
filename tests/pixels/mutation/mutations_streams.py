"""Mutations of what lies around the cells: markers and comments in frames, offset tables, bytes behind the data."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise

import imagecodecs
import numpy as np

from ..codestreams import box, segment
from ..jpegs import markers, with_adobe, without_applications
from ..phantoms import DEFLATED, RLE
from .case import (
    BEHIND,
    BESIDE,
    COLOURS,
    UNBOXED,
    Case,
    Mutation,
    all_of,
    boxed,
    coloured,
    encapsulated,
    native,
    needs,
    several,
)
from .coders import CODERS, FRAME_HEADERS, rle_frame
from .subjects import COLUMNS, JPEG, WORDS, Subject

_BASIC = "the copy's Basic Offset Table does not point to its frames"
_EXTENDED = "the copy's Extended Offset Table does not point to its frames"
_LENGTHS = "the copy's Extended Offset Table Lengths are not those of its frames"
_ONE_OF_TWO = "one of the two elements of an Extended Offset Table"
_NO_FRAGMENTS = "the copy has an Extended Offset Table without fragments"
_UNREADABLE = "cannot be read for the proof"
_NOT_DECODED = "a frame of source or copy cannot be decoded"
_JP2 = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
_PAD = "the copy's pad byte is not zero"
_LENGTH = "the copy's pixel data have another length than its frames"
_DIFFERS = "a frame of the copy differs from the source's"


def in_last(change: Callable[[bytes], bytes]) -> Callable[[Case], None]:
    def mutate(case: Case) -> None:
        case.copy.frames[-1] = change(case.copy.frames[-1])

    return mutate


def _with_segment(marker: int, payload: bytes) -> Callable[[bytes], bytes]:
    return lambda frame: frame[:2] + segment(marker, payload) + frame[2:]


def _before_end(frame: bytes) -> bytes:
    """A comment between the coded data and EOI."""
    return frame[:-2] + segment(0xFE, WORDS) + frame[-2:]


def _jpeg2000_comment(frame: bytes) -> bytes:
    at = frame.index(b"\xff\x90")
    return frame[:at] + segment(0x64, b"\0\1" + WORDS) + frame[at:]


def _tile_comment(frame: bytes) -> bytes:
    """In the header of the first tile-part, whose length grows with it (ISO 15444-1 A.4.2)."""
    at = frame.index(b"\xff\x90")
    comment = segment(0x64, b"\0\1" + WORDS)
    (length,) = struct.unpack(">L", frame[at + 6 : at + 10])
    grown = struct.pack(">L", length + len(comment) if length else 0)
    return frame[: at + 6] + grown + frame[at + 10 : at + 12] + comment + frame[at + 12 :]


def _in_boxes(frame: bytes) -> bytes:
    """A JP2 file around the codestream, with a box of text."""
    return _JP2 + box(b"jp2h", _image_header(frame)) + box(b"xml ", WORDS) + box(b"jp2c", frame)


def _in_header_box(frame: bytes) -> bytes:
    """As before, the text inside the header box."""
    return _JP2 + box(b"jp2h", _image_header(frame) + box(b"uuid", WORDS)) + box(b"jp2c", frame)


def _image_header(frame: bytes) -> bytes:
    """ISO 15444-1 I.5.3.1 and I.5.3.3, from SIZ."""
    at = frame.index(b"\xff\x51") + 4
    columns, rows = struct.unpack(">2L", frame[at + 2 : at + 10])
    (components,) = struct.unpack(">H", frame[at + 34 : at + 36])
    shape = struct.pack(">2LH", rows, columns, components) + frame[at + 36 : at + 37] + b"\7\0\0"
    space = 17 if components == 1 else 16
    return box(b"ihdr", shape) + box(b"colr", b"\1\0\0" + struct.pack(">L", space))


def _trailing(frame: bytes) -> bytes:
    return frame + WORDS + b"\0" * (len(WORDS) % 2)


def _thumbnail(frame: bytes) -> bytes:
    """A JFIF segment with a picture of its own."""
    plain = without_applications(frame)
    return plain[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\3\3" + bytes(range(27))) + plain[2:]


def _adobe_turned(frame: bytes) -> bytes:
    """RGB becomes YCbCr, or the reverse, for every decoder that reads Adobe's segment."""
    at = frame.find(b"Adobe")
    return with_adobe(frame, 0 if at < 0 or frame[at + 11] else 1)


def _adobe_ybr(frame: bytes) -> bytes:
    return with_adobe(frame, 1)


def _jfif(frame: bytes) -> bytes:
    plain = without_applications(frame)
    if plain != frame:
        return plain
    return plain[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + plain[2:]


def _ids(frame: bytes) -> bytes:
    """In the frame header and in the scan header."""
    new, scan = bytearray(frame), frame.index(b"\xff\xda")
    start = next(at for marker, at, _ in markers(frame) if marker in FRAME_HEADERS)
    new[start + 10 : start + 19 : 3] = b"RGB"
    new[scan + 5 : scan + 11 : 2] = b"RGB"
    return bytes(new)


def _transform_flag(frame: bytes) -> bytes:
    """The multiple component transformation in COD (ISO 15444-1 A.6.1), turned."""
    at = frame.index(b"\xff\x52") + 8
    return frame[:at] + bytes([1 - frame[at]]) + frame[at + 1 :]


def _sign_flag(frame: bytes) -> bytes:
    """The sign of the components in SIZ (A.5.1)."""
    at = frame.index(b"\xff\x51") + 40
    return frame[:at] + bytes([frame[at] ^ 0x80]) + frame[at + 1 :]


def _near(case: Case) -> None:
    """The lossless transfer syntax is kept, and the frames coded with a loss of at most one."""
    form = case.subject.copy_form
    near = type(form)(form.precision, near=1)
    case.copy.frames = [CODERS["jpeg-ls"].encode(np.ascontiguousarray(one), near, b"") for one in case.cells]


def _bad_predictor(case: Case) -> None:
    """Lossless, but not the first-order prediction that the transfer syntax promises (PS3.5 A.4.1)."""
    form = case.subject.copy_form
    other = type(form)(form.precision, predictor=6)
    case.copy.frames = [
        CODERS["jpeg-lossless"].encode(np.ascontiguousarray(cells), other, like)
        for cells, like in zip(case.cells, case.copy.frames, strict=True)
    ]


def _source_frame(case: Case) -> None:
    """The source's last frame, comment and all."""
    case.copy.frames[-1] = case.source.frames[-1]


def _basic(change: Callable[[list[int]], list[int]]) -> Callable[[Case], None]:
    def mutate(case: Case) -> None:
        wrong = change(_places(case.copy.frames)[0])
        case.copy.basic = struct.pack(f"<{len(wrong)}L", *wrong)

    return mutate


def _basic_of_text(case: Case) -> None:
    """A table whose length is no multiple of four."""
    case.copy.basic = b"GR"


def _extended(place: int, change: Callable[[list[int]], list[int]]) -> Callable[[Case], None]:
    def mutate(case: Case) -> None:
        tables = list(_places(case.copy.frames))
        tables[place] = change(tables[place])
        offsets, lengths = (struct.pack(f"<{len(one)}Q", *one) for one in tables)
        case.copy.extended = offsets, lengths

    return mutate


def _without_lengths(case: Case) -> None:
    offsets, _ = _places(case.copy.frames)
    case.copy.extended = struct.pack(f"<{len(offsets)}Q", *offsets), None


def _extended_of_text(case: Case) -> None:
    """An element of group 7FE0 in front of native pixels, with words for numbers."""
    case.copy.header.add_new((0x7FE0, 0x0001), "OV", WORDS.ljust(32, b"\0"))


def _places(frames: list[bytes]) -> tuple[list[int], list[int]]:
    sizes = [8 + len(one) + len(one) % 2 for one in frames]
    return [sum(sizes[:number]) for number in range(len(sizes))], [len(one) for one in frames]


def _fragment_of_text(case: Case) -> None:
    case.copy.frames.append(WORDS)
    case.copy.basic, case.copy.extended = b"", None
    case.copy.tables = "none"


def _behind(data: bytes) -> Callable[[Case], None]:
    def mutate(case: Case) -> None:
        case.copy.after = data

    return mutate


def _behind_deflated(case: Case) -> None:
    case.copy.behind = WORDS + b"\0" * (len(WORDS) % 2)


def _row_of_runs(frame: bytes) -> bytes:
    """A whole row more than the image has, packed as the others, behind those of the last segment."""
    *others, last = _segments_of(frame)
    row = np.frombuffer(WORDS.ljust(COLUMNS, b"."), np.uint8)
    plane = np.frombuffer(imagecodecs.packbits_decode(last), np.uint8).reshape(-1, COLUMNS)
    packed = bytes(imagecodecs.packbits_encode(np.vstack([plane, row])))
    return rle_frame([*others, packed + b"\0" * (len(packed) % 2)])


def _run_of_nothing(frame: bytes) -> bytes:
    """-128 (PS3.5 G.3.1) in front of the first run of the last segment."""
    *others, last = _segments_of(frame)
    return rle_frame([*others, b"\x80" + last])


def _segments_of(frame: bytes) -> list[bytes]:
    count, *offsets = struct.unpack("<16L", frame[:64])
    return [frame[start:stop] for start, stop in pairwise([*offsets[:count], len(frame)])]


def _longer_value(case: Case) -> None:
    case.copy.value += WORDS + b"\0" * (len(WORDS) % 2)


def _shorter_value(case: Case) -> None:
    case.copy.value = case.copy.value[:-2]


def _pad_byte(case: Case) -> None:
    at = -2 if case.subject.vr == "OW" else -1
    value = bytearray(case.copy.value)
    value[at] = 0x41
    case.copy.value = bytes(value)


def _coder(*names: str) -> Callable[[Subject], str]:
    return needs(lambda subject: subject.copy_coder in names, "another codec")


def _frames_change(subject: Subject) -> bool:
    return bool(subject.boxes) or subject.syntax != RLE or subject.overlaid


_jpeg = _coder("jpeg-dct", "jpeg-lossless")
_marked = _coder("jpeg-dct", "jpeg-lossless", "jpeg-ls")
_jpeg2000 = _coder("jpeg2000", "htj2k")
_rle = needs(lambda subject: subject.copy_syntax == RLE, "another codec")
_odd = needs(lambda subject: subject.native and "odd" in subject.name and bool(subject.pixels.cells.size % 2), "even")
_deflated = needs(lambda subject: subject.syntax == DEFLATED, "not deflated")
_first_order = needs(lambda subject: subject.copy_syntax == JPEG + "70", "any predictor")
_UNLIKE = "cannot be decoded"
_with_basic = all_of(encapsulated, needs(lambda subject: subject.tables == "basic", "no Basic Offset Table"))
_with_extended = all_of(encapsulated, needs(lambda subject: subject.tables == "extended", "no Extended Offset Table"))
_padding = struct.pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, 28) + WORDS + b"\0\0"
_bare = WORDS + b"\0" * (len(WORDS) % 2)

STREAMS = (
    Mutation("a comment put back", in_last(_with_segment(0xFE, WORDS)), (BESIDE,), _marked),
    Mutation("a comment before the end of a frame", in_last(_before_end), (BESIDE, _NOT_DECODED), _marked),
    Mutation("an application segment put back", in_last(_with_segment(0xE4, WORDS)), (BESIDE,), _marked),
    Mutation("Exif put back", in_last(_with_segment(0xE1, b"Exif\0\0" + WORDS)), (BESIDE,), _marked),
    Mutation("a comment in the main header", in_last(_jpeg2000_comment), (BESIDE,), _jpeg2000),
    Mutation("a comment in a tile-part", in_last(_tile_comment), (BESIDE,), _jpeg2000),
    Mutation("a JP2 file with text", in_last(_in_boxes), (BESIDE,), _jpeg2000),
    Mutation("a JP2 file with text in its header", in_last(_in_header_box), (BESIDE, _DIFFERS), _jpeg2000),
    Mutation("bytes behind a frame", in_last(_trailing), (BESIDE, _NOT_DECODED), encapsulated),
    Mutation("a thumbnail in JFIF", in_last(_thumbnail), (BESIDE,), _jpeg),
    Mutation("Adobe's colour transform turned", in_last(_adobe_turned), (COLOURS, _DIFFERS), all_of(_jpeg, coloured)),
    Mutation("Adobe's segment saying YCbCr", in_last(_adobe_ybr), (COLOURS, _DIFFERS), all_of(_jpeg, coloured)),
    Mutation("JFIF put in, or taken out", in_last(_jfif), (COLOURS, _DIFFERS), _jpeg),
    Mutation("component ids R, G, B", in_last(_ids), (COLOURS, _DIFFERS), all_of(_jpeg, coloured)),
    Mutation("colour transformation of JPEG 2000 turned", in_last(_transform_flag), (COLOURS, _DIFFERS),
             all_of(_jpeg2000, coloured)),
    Mutation("sign of JPEG 2000 turned", in_last(_sign_flag), (COLOURS, _DIFFERS, _NOT_DECODED, _UNREADABLE),
             _jpeg2000),
    Mutation("lossless frames coded with a loss", _near, (UNBOXED,), _coder("jpeg-ls")),
    Mutation("another predictor than promised", _bad_predictor, (COLOURS, _DIFFERS), _first_order),
    Mutation("the source's last frame as it was", _source_frame, (BESIDE, UNBOXED, "of one value", _UNLIKE),
             all_of(encapsulated, needs(_frames_change, "frames are copied as they are"))),
    Mutation("a row of runs too many", in_last(_row_of_runs), (BESIDE, _DIFFERS), _rle),
    Mutation("a run of nothing", in_last(_run_of_nothing), (BESIDE, _DIFFERS), all_of(_rle, boxed)),
    Mutation("offset table two off", _basic(lambda all_: [*all_[:-1], all_[-1] + 2]), (_BASIC,), encapsulated),
    Mutation("offset table one short", _basic(lambda all_: all_[:-1]), (_BASIC,), all_of(_with_basic, several)),
    Mutation("offset table one long", _basic(lambda all_: [*all_, 0]), (_BASIC,), encapsulated),
    Mutation("offset table of text", _basic_of_text, (_BASIC,), encapsulated),
    Mutation("extended offsets two off", _extended(0, lambda all_: [*all_[:-1], all_[-1] + 2]), (_EXTENDED,),
             _with_extended),
    Mutation("extended offsets one short", _extended(0, lambda all_: all_[:-1]), (_EXTENDED, _UNREADABLE),
             _with_extended),
    Mutation("extended lengths two off", _extended(1, lambda all_: [*all_[:-1], all_[-1] + 2]), (_LENGTHS,),
             _with_extended),
    Mutation("extended lengths one long", _extended(1, lambda all_: [*all_, 7]), (_LENGTHS, _UNREADABLE),
             _with_extended),
    Mutation("extended offsets without lengths", _without_lengths, (_ONE_OF_TWO,), _with_extended),
    Mutation("an Extended Offset Table without fragments", _extended_of_text, (_NO_FRAGMENTS,), native),
    Mutation("a fragment of text", _fragment_of_text, (BESIDE, "as many frames"), encapsulated),
    Mutation("Data Set Trailing Padding with text", _behind(_padding), (BEHIND,)),
    Mutation("bare bytes behind the pixels", _behind(_bare), (BEHIND,)),
    Mutation("bytes behind the deflated data set", _behind_deflated, (BEHIND,), _deflated),
    Mutation("a longer value", _longer_value, (_LENGTH,), native),
    Mutation("a shorter value", _shorter_value, (_LENGTH,), native),
    Mutation("a pad byte that says something", _pad_byte, (_PAD,), _odd),
)  # fmt: skip
