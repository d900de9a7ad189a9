"""What a frame says of itself that decides how its components are taken: compared between source and copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable

_RLE = "1.2.840.10008.1.2.5"


@dataclass(frozen=True, slots=True)
class Marks:
    """`bits` of a decoded cell; `colour` where the frame itself tells, as a Photometric Interpretation.

    `own`: the markers, ids and flags that decoders go by. `signed`: what the codestream says. `predictor`: of lossless
    JPEG, where first-order prediction is a promise of the transfer syntax (PS3.5 A.4.1); 0 of all others. `lossy`:
    coded in a way that does not give back what was coded.
    """

    bits: int
    colour: str
    own: tuple[bytes, ...]
    signed: bool = False
    predictor: int = 0
    lossy: bool = False

    def follow(self, source: Marks) -> bool:
        """Whether a copy with these marks is taken in the colours, and with the sign, of its source."""
        predicted = not self.predictor or self.predictor == (source.predictor or 1)
        return self.own == source.own and self.signed == source.signed and self.bits >= source.bits and predicted


def marks_of(opened: Reopened, data: bytes) -> Marks:
    """The marks of one frame."""
    uid = opened.transfer_syntax_uid
    if uid == _RLE:
        return Marks(opened.number("BitsAllocated"), "", ())
    if uid.startswith(("1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")):
        return _jpeg2000(data)
    return _jpeg(data, opened, colours=not uid.startswith("1.2.840.10008.1.2.4.8"))


def _jpeg(data: bytes, opened: Reopened, *, colours: bool) -> Marks:
    """JFIF, Adobe's transform flag and component ids, up to the first scan; JPEG-LS has none of them."""
    jfif, adobe, bits, ids, lossless = b"", b"", 0, b"", False
    for marker, at, end in jpeg_headers(data):
        if marker == 0xE0 and data[at + 4 : at + 9] == b"JFIF\0":
            jfif = b"JFIF"
        elif marker == 0xEE and data[at + 4 : at + 9] == b"Adobe" and end - at >= 16:
            adobe = data[at + 15 : at + 16]
        elif marker in (0xC0, 0xC1, 0xC2, 0xC3, 0xF7):
            bits, ids, lossless = data[at + 4], data[at + 10 : end : 3], marker == 0xC3
        elif marker == 0xDA and bits:
            parameter = data[end - 3]  # the predictor, or NEAR of JPEG-LS
            if not colours:
                return Marks(bits, "", (), lossy=parameter > 0)
            colour = _jpeg_colour(jfif, adobe, ids, opened.photometric)
            own = (jfif, adobe, ids)
            return Marks(bits, colour, own, predictor=parameter if lossless else 0, lossy=not lossless)
    raise Unreadable("a frame has no JPEG header before its image")


def jpeg_headers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of each segment of a JPEG frame, up to the header of its first scan."""
    at, marker = 2, 0
    while marker != 0xDA and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at, end
        at = end


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
    """Precision and sign of the first component, the multiple component transformation, and which wavelet it is."""
    at = data.index(b"\xff\x4f\xff\x51") + 2
    marks = Marks(0, "", ())
    while data[at : at + 2] != b"\xff\x90":
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0x51:
            depth = data[at + 40]
            marks = replace(marks, bits=(depth & 0x7F) + 1, signed=bool(depth & 0x80))
        elif data[at + 1] == 0x52:
            marks = replace(marks, own=(data[at + 8 : at + 9],), lossy=data[at + 13] == 0)
        at = end
        if at + 4 > len(data):
            raise Unreadable("a frame has no JPEG 2000 header")
    return marks
