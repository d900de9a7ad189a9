"""The shape of JPEG and JPEG-LS marker segments: what is longer than its content asks for carries something else.

ISO 10918-1 B.2.2 to B.2.5, ISO 14495-1 C.2.4; decoders read the content and skip the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.structure import damaged

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA


def segments(data: bytes | memoryview) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment behind SOI up to the first SOS; fill bytes are left out of them.

    InstanceError("damaged") where a segment reaches outside the data, or no SOS is found.
    """
    at, marker = 2, _SOI
    while marker != _SOS:
        at, marker = marker_at(data, at)
        end = segment_end(data, at)
        yield marker, at, end
        at = end


def marker_at(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """Where the FF of the next marker lies, and its code."""
    if at >= len(data) or data[at] != 0xFF:
        raise damaged("a frame's JPEG stream is truncated or has bytes between its segments")
    while at + 1 < len(data) and data[at + 1] == 0xFF:
        at += 1
    if at + 1 >= len(data) or data[at + 1] in (0x00, 0x01, _EOI) or 0xD0 <= data[at + 1] <= _SOI:
        raise damaged("a frame's JPEG stream has a marker out of place")
    return at, data[at + 1]


def segment_end(data: bytes | memoryview, at: int) -> int:
    """Where the segment of the marker at `at` ends."""
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    if length < 2 or at + 2 + length > len(data):
        raise damaged("a segment of a frame's JPEG stream is longer than the frame")
    return at + 2 + length


def next_marker(data: bytes, at: int, *, lowest: int = 0x01) -> int:
    """Where entropy-coded data from `at` on end: the place of the next marker but RSTm; -1 where there is none.

    `lowest`: FF and a byte below it are data (ISO 10918-1 B.1.1.5: 00 is stuffed; ISO 14495-1: a bit is).
    """
    found = _marker_of_end(lowest).search(data, at)
    return -1 if found is None else found.start()


@cache
def _marker_of_end(lowest: int) -> re.Pattern[bytes]:
    """Its first byte is one and the same, so that it is searched for as by memchr; of fill bytes it takes the last."""
    return re.compile(b"\xff[\\x%02x-\xcf\xd8-\xfe]" % lowest)


def check_segment(marker: int, payload: bytes) -> None:
    """InstanceError("damaged") where the payload is not what a segment of this kind holds, to the byte."""
    fits = _SHAPES.get(marker)
    if fits is not None and not fits(payload):
        raise damaged("a segment of a frame's JPEG stream has another length than its content")


def check_application(payload: bytes) -> None:
    """JFIF and Adobe headers that are kept have numbers where they have to be, and no text in their place."""
    jfif = payload.startswith(b"JFIF\0") and payload[5] == 1 and payload[6] <= 2 and payload[7] <= 2
    adobe = payload.startswith(b"Adobe\0") and payload[6:7] in (b"d", b"e", b"f")  # version 100 to 102
    if not jfif and not adobe and not payload.startswith(b"mrfx"):
        raise InstanceError("pixel-format", "a JPEG application segment is not as its kind has to be")


def graft(source: bytes, pieces: Sequence[bytes]) -> bytes:
    """The frame `pieces` (a walk's, from SOI to EOI) with the component ids and application segments of `source`.

    Decoders take the colours from these: with others the whole image would change.
    """
    kept, ids = list[bytes](), b""
    for marker, start, end in segments(source):
        if 0xE0 <= marker <= 0xEF:
            kept.append(source[start:end])
        elif marker in (0xC0, 0xC1, 0xC2, 0xC3):
            ids = source[start + 10 : end : 3]
            break
    return b"".join((pieces[0], *kept, *(_with_ids(piece, ids) for piece in pieces[1:])))


def _with_ids(piece: bytes, ids: bytes) -> bytes:
    """Frame and scan headers with these component ids; nothing of application segments; all else as it is."""
    marker = piece[1] if piece[:1] == b"\xff" else 0
    patched = bytearray(b"" if 0xE0 <= marker <= 0xEF else piece)
    if marker == 0xC3:
        patched[10::3] = ids
    elif marker == 0xDA:
        patched[5 : 5 + 2 * len(ids) : 2] = ids
    return bytes(patched)


def _frame_header(payload: bytes) -> bool:
    return len(payload) >= 6 and len(payload) == 6 + 3 * payload[5]


def _scan_header(payload: bytes) -> bool:
    return len(payload) >= 1 and len(payload) == 4 + 2 * payload[0]


def _quantization(payload: bytes) -> bool:
    at = 0
    while at < len(payload):
        if payload[at] >> 4 > 1 or payload[at] & 15 > 3:
            return False
        at += 129 if payload[at] >> 4 else 65
    return at == len(payload)


def _huffman(payload: bytes) -> bool:
    at = 0
    while at < len(payload):
        if payload[at] >> 4 > 1 or payload[at] & 15 > 3 or at + 17 > len(payload):
            return False
        end = at + 17 + sum(payload[at + 1 : at + 17])
        symbols = payload[at + 17 : end]
        if len(set(symbols)) != len(symbols) or (payload[at] >> 4 == 0 and any(one > 16 for one in symbols)):
            return False  # each has one code; those of differences are counts of bits
        at = end
    return at == len(payload)


def _preset(payload: bytes) -> bool:
    return len(payload) == 11 and payload[0] == 1


def _two(payload: bytes) -> bool:
    return len(payload) == 2


_SHAPES: Mapping[int, Callable[[bytes], bool]] = MappingProxyType(
    {
        **dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC3, 0xF7), _frame_header),
        0xC4: _huffman,
        0xDA: _scan_header,
        0xDB: _quantization,
        0xDC: _two,  # DNL
        0xDD: _two,  # DRI
        0xF8: _preset,  # LSE: coding parameters; its tables are for palettes, which DICOM has in the header
    }
)
