"""What a frame says of itself that decides how its components are taken: compared between source and copy."""

from __future__ import annotations

from dataclasses import dataclass

from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable

_RLE = "1.2.840.10008.1.2.5"


@dataclass(frozen=True, slots=True)
class Marks:
    """`bits` of a decoded cell; `colour` where the frame itself tells, as a Photometric Interpretation.

    `own`: the markers, ids and flags that decoders go by. `signed`: what the codestream says.
    """

    bits: int
    colour: str
    own: tuple[bytes, ...]
    signed: bool = False

    def follow(self, source: Marks) -> bool:
        """Whether a copy with these marks is taken in the colours, and with the sign, of its source."""
        return self.own == source.own and self.signed == source.signed and self.bits >= source.bits


def marks_of(opened: Reopened, data: bytes) -> Marks:
    """The marks of one frame."""
    uid = opened.transfer_syntax_uid
    if uid == _RLE:
        return Marks(opened.number("BitsAllocated"), "", ())
    if uid.startswith(("1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")):
        return _jpeg2000(data)
    return _jpeg(data, opened, colours=not uid.startswith("1.2.840.10008.1.2.4.8"))


def _jpeg(data: bytes, opened: Reopened, *, colours: bool) -> Marks:
    """JFIF, Adobe's transform flag and component ids, up to the frame header; JPEG-LS has none of them."""
    at, jfif, adobe = 2, b"", b""
    while at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xE0 and data[at + 4 : at + 9] == b"JFIF\0":
            jfif = b"JFIF"
        elif marker == 0xEE and data[at + 4 : at + 9] == b"Adobe" and end - at >= 16:
            adobe = data[at + 15 : at + 16]
        elif marker in (0xC0, 0xC1, 0xC2, 0xC3, 0xF7):
            ids = data[at + 10 : end : 3]
            if not colours:
                return Marks(data[at + 4], "", ())
            return Marks(data[at + 4], _jpeg_colour(jfif, adobe, ids, opened.photometric), (jfif, adobe, ids))
        at = end
    raise Unreadable("a frame has no JPEG frame header")


def _jpeg_colour(jfif: bytes, adobe: bytes, ids: bytes, photometric: str) -> str:
    """As decoders decide (codestream first); of one component the header alone tells."""
    if len(ids) != 3:
        return ""
    if jfif or adobe == b"\1":
        return "YBR_FULL"
    if adobe == b"\0" or ids == b"RGB":
        return "RGB"
    return "RGB" if photometric == "RGB" else "YBR_FULL"


def _jpeg2000(data: bytes) -> Marks:
    """Precision and sign of the first component, and whether the multiple component transformation is on."""
    at = data.index(b"\xff\x4f\xff\x51") + 2
    marks = Marks(0, "", ())
    while data[at : at + 2] != b"\xff\x90":
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0x51:
            depth = data[at + 40]
            marks = Marks((depth & 0x7F) + 1, "", marks.own, bool(depth & 0x80))
        elif data[at + 1] == 0x52:
            marks = Marks(marks.bits, "", (data[at + 8 : at + 9],), marks.signed)
        at = end
        if at + 4 > len(data):
            raise Unreadable("a frame has no JPEG 2000 header")
    return marks
