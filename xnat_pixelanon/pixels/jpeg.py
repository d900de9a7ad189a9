"""Walk one JPEG or JPEG-LS frame by its markers (ISO 10918-1 annex B, ISO 14495-1 annex C); nothing is decoded."""

from __future__ import annotations

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.codestream import (
    AFTER_STREAM,
    FrameStream,
    Process,
    StreamForm,
    check_precision,
    check_size,
    is_padding,
)
from xnat_pixelanon.pixels.jpeg_segments import check_application, check_segment, next_marker
from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged

_SOI, _EOI, _SOS, _DNL, _COM, _LSE = 0xD8, 0xD9, 0xDA, 0xDC, 0xFE, 0xF8
_APP0, _APP8, _APP14, _APP15 = 0xE0, 0xE8, 0xEE, 0xEF
_TABLES = {
    "jpeg-dct": frozenset({0xC4, 0xDB, 0xDD, _DNL}),
    "jpeg-lossless": frozenset({0xC4, 0xDB, 0xDD, _DNL}),
    "jpeg-ls": frozenset({0xDD, _DNL, _LSE}),
}
_PROCESSES: dict[str, dict[int, Process]] = {
    "jpeg-dct": {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"},
    "jpeg-lossless": {0xC3: "lossless"},
    "jpeg-ls": {0xF7: "lossless"},
}
_LOWEST_MARKER = {"jpeg-dct": 0x01, "jpeg-lossless": 0x01, "jpeg-ls": 0x80}  # JPEG-LS stuffs a bit, not a byte


def begins(data: bytes) -> bool:
    """Whether a fragment that starts with `data` starts a frame."""
    return data.startswith(b"\xff\xd8\xff")


def walk(data: bytes, layout: PixelLayout, family: str) -> FrameStream:
    """From SOI to EOI. `family` is "jpeg-dct", "jpeg-lossless" or "jpeg-ls". InstanceError("damaged") where it fails.

    Kept application segments: JFIF without its thumbnail, Adobe's colour transform, HP's colour transform of JPEG-LS.
    """
    if not begins(data):
        raise damaged("a frame does not start with the JPEG marker SOI")
    pieces, removed = [data[:2]], set[str]()
    rows, scans, at = 0, list[bytes](), 2
    header: tuple[Process, bytes] | None = None
    applications = set[int]()
    while True:
        start, marker, at = _marker(data, at)
        if marker == _EOI:
            pieces.append(data[start:at])
            break
        payload = _payload(data, at)
        check_segment(marker, payload)
        at += 2 + len(payload)
        kept, what = _keep(marker, payload, data[start:at])
        if kept and _APP0 <= marker <= _APP15:
            if marker in applications:
                raise damaged("a frame's JPEG stream has an application segment twice")
            applications.add(marker)
            check_application(payload)
        pieces.append(kept)
        removed.update(what)
        if marker in _PROCESSES[family] and header is None:
            rows = _frame_header(payload, layout)
            header = (_PROCESSES[family][marker], payload)
        elif marker == _DNL and not rows and len(payload) == 2:
            rows = int.from_bytes(payload, "big")
        elif marker == _SOS and header is not None:
            scans.append(payload)
            end = next_marker(data, at, lowest=_LOWEST_MARKER[family])
            if end < 0:
                raise damaged("a frame's JPEG stream is truncated: no EOI")
            pieces.append(data[at:end])
            at = end
        elif marker not in _TABLES[family] and not _APP0 <= marker <= _APP15 and marker != _COM:
            raise damaged("a frame's JPEG stream holds a marker that its transfer syntax does not have")
    if header is None or not scans or rows != layout.rows:
        raise damaged("a frame's JPEG stream has no image, or another number of rows than Rows")
    if not is_padding(data[at:]):
        removed.add(AFTER_STREAM)
    return FrameStream(tuple(pieces), frozenset(removed), at, _form(*header, scans, near=family == "jpeg-ls"))


def _form(process: Process, frame: bytes, scans: list[bytes], *, near: bool) -> StreamForm:
    """Of the frame header (SOF) and the scan headers, whose first parameter is the predictor or NEAR."""
    parameters = {scan[1 + 2 * scan[0]] for scan in scans}
    if process == "lossless" and len(parameters) != 1:
        raise InstanceError("pixel-format", "the scans of a frame are coded in different ways")
    parameter = parameters.pop() if process == "lossless" else 0
    if near and parameter:
        process = "near-lossless"
    sampling = {frame[at] for at in range(7, len(frame), 3)}
    return StreamForm(process, frame[0], None, parameter, subsampled=len(sampling) > 1, header=frame)


def _marker(data: bytes, at: int) -> tuple[int, int, int]:
    """Where the marker begins (with its fill bytes), its code, and where it ends."""
    start = at
    if data[at : at + 1] != b"\xff":
        raise damaged("a frame's JPEG stream is truncated or has bytes between its segments")
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data) or data[at] in (0x00, 0x01) or 0xD0 <= data[at] <= _SOI:
        raise damaged("a frame's JPEG stream has a marker out of place")
    return start, data[at], at + 1


def _payload(data: bytes, at: int) -> bytes:
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):
        raise damaged("a segment of a frame's JPEG stream is longer than the frame")
    return data[at + 2 : at + length]


def _frame_header(payload: bytes, layout: PixelLayout) -> int:
    """The number of lines, 0 where a DNL segment will tell."""
    if len(payload) < 6:
        raise damaged("a frame's JPEG header is too short")
    lines = int.from_bytes(payload[1:3], "big")
    check_size(layout, lines or layout.rows, int.from_bytes(payload[3:5], "big"), payload[5])
    check_precision(layout, payload[0])
    return lines


def _keep(marker: int, payload: bytes, segment: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The segment as it is to be written, and what was taken out of it: text and thumbnails travel here."""
    if marker == _COM:
        return b"", ("JPEG comment segments",)
    if not _APP0 <= marker <= _APP15:
        return segment, ()
    head = segment[: len(segment) - len(payload) - 2]
    if marker == _APP0 and payload.startswith(b"JFIF\0") and len(payload) >= 14:
        plain = payload[:12] + b"\0\0"
        return (segment, ()) if payload == plain else (head + b"\x00\x10" + plain, ("a JFIF thumbnail",))
    if marker == _APP14 and payload.startswith(b"Adobe"):
        short = payload[:12]
        return (segment, ()) if short == payload else (head + b"\x00\x0e" + short, ("JPEG application segments",))
    if marker == _APP8 and payload.startswith(b"mrfx") and len(payload) == 5:
        return segment, ()
    return b"", ("JPEG application segments",)
