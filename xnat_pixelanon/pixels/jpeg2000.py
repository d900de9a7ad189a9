"""Walk one JPEG 2000 or HTJ2K frame by its markers (ISO 15444-1 annex A), bare or in JP2 boxes (annex I)."""

from __future__ import annotations

import struct
from dataclasses import replace

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.codestream import (
    AFTER_STREAM,
    FrameStream,
    StreamForm,
    check_precision,
    check_size,
    is_padding,
)
from xnat_pixelanon.pixels.jpeg2000_segments import (
    COC,
    COD,
    PLT,
    TLM,
    check_file_type,
    check_header_box,
    check_segment,
    packet_bytes,
    tile_part_lengths,
)
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged

_SOC, _SIZ, _COM, _SOT, _SOD, _EOC = b"\xff\x4f", 0xFF51, 0xFF64, 0xFF90, 0xFF93, b"\xff\xd9"
# CAP COD COC TLM PRF PLM PLT CPF QCD QCC RGN POC PPM PPT CRG
_SEGMENTS = frozenset(
    {0xFF50, 0xFF52, 0xFF53, 0xFF55, 0xFF56, 0xFF57, 0xFF58, 0xFF59, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F}
    | {0xFF60, 0xFF61, 0xFF63}
)
_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"


def begins(data: bytes) -> bool:
    """Whether a fragment that starts with `data` starts a frame."""
    return data.startswith((_SOC + b"\xff\x51", _SIGNATURE))


def walk(data: bytes, layout: PixelLayout) -> FrameStream:
    """From SOC to EOC. InstanceError("damaged") where it fails, ("pixel-format") where a carrier cannot be taken out.

    Comment segments and boxes with text go; of JP2 boxes the signature, type, image header and codestream stay.
    """
    if data.startswith(_SIGNATURE):
        return _walk_boxes(data, layout)
    frame = _walk_codestream(data, 0, len(data), layout)
    return _with_rest(data, frame)


def _with_rest(data: bytes, frame: FrameStream) -> FrameStream:
    if is_padding(data[frame.end :]):
        return frame
    return replace(frame, removed=frame.removed | {AFTER_STREAM})


def _walk_codestream(data: bytes, at: int, stop: int, layout: PixelLayout) -> FrameStream:
    if data[at : at + 2] != _SOC:
        raise damaged("a frame does not start with the JPEG 2000 marker SOC")
    pieces, removed, told = [_SOC], set[str](), list[int]()
    size, coding = b"", _Coding(layout.samples)
    at += 2
    while True:
        marker, length = _segment(data, at, stop)
        if marker == _SOT:
            break
        if marker == _SIZ and not size:
            size = data[at + 4 : at + 2 + length]
            _image_size(size, layout)
        elif (marker not in _SEGMENTS or marker == PLT) and marker != _COM:
            raise damaged("a frame's JPEG 2000 header holds a marker that is not known")
        if marker == _COM:
            removed.add("JPEG 2000 comment segments")
        else:
            payload = data[at + 4 : at + 2 + length]
            check_segment(marker, payload, layout.samples)
            coding.note(marker, payload)
            told += tile_part_lengths(payload) if marker == TLM else ()
            pieces.append(data[at : at + 2 + length])
        at += 2 + length
    if not size:
        raise damaged("a frame's JPEG 2000 header has no image size")
    end, lengths = _walk_tile_parts(data, at, stop, coding)
    if told and told != lengths:
        raise damaged("a frame's JPEG 2000 header gives other lengths than its tile-parts have")
    pieces.append(data[at:end])
    return FrameStream(tuple(pieces), frozenset(removed), end, coding.form(size))


class _Coding:
    """What the coding style segments say, over main and tile-part headers (ISO 15444-1 A.6.1, A.6.2)."""

    def __init__(self, components: int) -> None:
        self.components = components
        self._defaults: list[bytes] = []
        self._wavelets: set[int] = set()

    def note(self, marker: int, payload: bytes) -> None:
        if marker == COD:
            self._defaults.append(payload[:10])
            self._wavelets.add(payload[9])
        elif marker == COC:
            self._wavelets.add(payload[6 if self.components < 257 else 7])

    def form(self, size: bytes) -> StreamForm:
        if not self._defaults:
            raise damaged("a frame's JPEG 2000 header has no coding style")
        depths, sampling = set(size[36::3]), set(size[37::3]) | set(size[38::3])
        if len(depths) != 1:
            raise InstanceError("pixel-format", "the components of a frame have different precisions")
        depth, first = depths.pop(), self._defaults[0]
        transformed = {style[4] for style in self._defaults}
        if len(transformed) != 1:
            raise InstanceError("pixel-format", "the tiles of a frame are coded in different ways")
        return StreamForm(
            process="reversible" if self._wavelets == {1} else "irreversible",
            precision=(depth & 0x7F) + 1,
            signed=bool(depth & 0x80),
            parameter=first[5],
            transformed=transformed.pop() == 1,
            subsampled=sampling != {1},
            header=size + first,
        )


def _segment(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """Marker and length of the segment at `at`; the length counts its own two bytes but not the marker."""
    if at + 4 > stop:
        raise damaged("a frame's JPEG 2000 stream is truncated")
    marker, length = struct.unpack(">HH", data[at : at + 4])
    if length < 2 or at + 2 + length > stop:
        raise damaged("a segment of a frame's JPEG 2000 stream is longer than the frame")
    return int(marker), int(length)


def _image_size(payload: bytes, layout: PixelLayout) -> None:
    if len(payload) < 36:
        raise damaged("a frame's JPEG 2000 image size is too short")
    width, height, left, top = struct.unpack(">4L", payload[2:18])
    (components,) = struct.unpack(">H", payload[34:36])
    if len(payload) != 36 + 3 * components:
        raise damaged("a frame's JPEG 2000 image size does not fit its components")
    check_size(layout, height - top, width - left, components)
    for depth in payload[36::3]:
        check_precision(layout, (depth & 0x7F) + 1)


def _walk_tile_parts(data: bytes, at: int, stop: int, coding: _Coding) -> tuple[int, list[int]]:
    """Hop from tile-part to tile-part; gives the place behind EOC, and how long each was."""
    lengths = list[int]()
    while data[at : at + 2] != _EOC or at + 2 > stop:
        marker, length = _segment(data, at, stop)
        if marker != _SOT or length != 10:
            raise damaged("a frame's JPEG 2000 stream is truncated: no EOC")
        (part_length,) = struct.unpack(">L", data[at + 6 : at + 10])
        start = at
        body, packets = _skip_tile_header(data, at + 12, stop, coding)
        if part_length == 0:  # the last one reaches to EOC; no coded byte pair is above FF8F
            at = data.find(_EOC, body, stop)
            if at < 0:
                raise damaged("a frame's JPEG 2000 stream is truncated: no EOC")
        elif at + part_length < body or at + part_length > stop:
            raise damaged("a tile-part of a frame's JPEG 2000 stream is longer than the frame")
        else:
            at += part_length
        if packets not in (None, at - body):
            raise damaged("a tile-part of a frame's JPEG 2000 stream has other packets than it says")
        lengths.append(at - start)
    return at + 2, lengths


def _skip_tile_header(data: bytes, at: int, stop: int, coding: _Coding) -> tuple[int, int | None]:
    """Where the packets begin, and how many bytes of them the header tells of, where it does."""
    packets: int | None = None
    while data[at : at + 2] != b"\xff\x93":
        marker, length = _segment(data, at, stop)
        if marker == _COM:  # taking it out would change lengths that other markers repeat
            raise InstanceError("pixel-format", "a JPEG 2000 tile-part holds a comment segment")
        if marker not in _SEGMENTS:
            raise damaged("a tile-part of a frame's JPEG 2000 stream holds a marker that is not known")
        payload = data[at + 4 : at + 2 + length]
        check_segment(marker, payload, coding.components)
        coding.note(marker, payload)
        if marker == PLT:
            packets = (packets or 0) + packet_bytes(payload)
        at += 2 + length
    return at + 2, packets


def _walk_boxes(data: bytes, layout: PixelLayout) -> FrameStream:
    pieces, removed, at, seen = [], set[str](), 0, set[bytes]()
    form: StreamForm | None = None
    while len(data) - at >= 8:
        kind, body, end = _box(data, at)
        if kind == b"jp2c" and form is None:
            stream = _walk_codestream(data, body, end, layout)
            form = stream.form
            open_ended = data[at : at + 4] == b"\0\0\0\0"
            if not is_padding(data[stream.end : end]):
                removed.add(AFTER_STREAM)
            removed |= stream.removed
            size = sum(len(piece) for piece in stream.pieces)
            pieces += [data[at:body] if open_ended else struct.pack(">L4s", size + 8, kind), *stream.pieces]
        elif kind in (b"jP  ", b"ftyp", b"jp2h") and kind not in seen:
            seen.add(kind)
            if kind == b"jp2h":
                _check_header_boxes(data[body:end])
            elif kind == b"ftyp":
                check_file_type(data[body:end])
            pieces.append(data[at:end])
        else:
            removed.add("JP2 boxes besides the image")
        at = end
    if form is None:
        raise damaged("a frame's JP2 boxes hold no codestream")
    if not is_padding(data[at:]):
        removed.add(AFTER_STREAM)
    return FrameStream(tuple(pieces), frozenset(removed), at, form)


def _box(data: bytes, at: int) -> tuple[bytes, int, int]:
    """Kind, where its content begins, where it ends (ISO 15444-1 I.4)."""
    length, kind = struct.unpack(">L4s", data[at : at + 8])
    body = at + 8
    if length == 1 and len(data) - at >= 16:
        (length,) = struct.unpack(">Q", data[body : body + 8])
        body += 8
    end = len(data) if length == 0 else at + length
    if not body <= end <= len(data):
        raise damaged("a frame's JP2 boxes are longer than the frame")
    return kind, body, end


def _check_header_boxes(header: bytes) -> None:
    at = 0
    while len(header) - at >= 8:
        kind, body, end = _box(header, at)
        check_header_box(kind, header[body:end])
        at = end
    if at != len(header):
        raise damaged("a frame's JP2 header is not well-formed")
