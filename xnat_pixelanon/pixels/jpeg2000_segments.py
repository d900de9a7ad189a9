"""The shape of JPEG 2000 marker segments (ISO 15444-1 annex A) and of JP2 boxes (annex I).

What is longer than its content asks for carries something else; decoders read the content and skip the rest.
"""

from __future__ import annotations

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.structure import damaged

CAP, COD, COC, TLM, PRF, PLM, PLT, CPF = 0xFF50, 0xFF52, 0xFF53, 0xFF55, 0xFF56, 0xFF57, 0xFF58, 0xFF59
QCD, QCC, RGN, POC, PPM, PPT, CRG = 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF60, 0xFF61, 0xFF63
# Nothing but a decoder's whole work could tell what is in these; encoders of DICOM images do not write them.
_OPAQUE = frozenset({PLM, PPM, PPT, CRG})
_BRANDS = frozenset({b"jp2 ", b"jpx ", b"jpxb", b"jph ", b"J2P0", b"J2P1"})
_MOST_BANDS = 97
_FEW = 4
_LARGEST_POWER = 20


def check_segment(marker: int, payload: bytes, components: int) -> None:
    """InstanceError where a segment is longer than its content ("damaged"), or cannot be checked ("pixel-format")."""
    if marker in _OPAQUE:
        raise InstanceError("pixel-format", "a JPEG 2000 stream holds a kind of segment that cannot be checked")
    if not _fits(marker, payload, 1 if components < 257 else 2):
        raise damaged("a segment of a frame's JPEG 2000 stream has another length than its content")


def _fits(marker: int, payload: bytes, index: int) -> bool:
    """`index`: bytes of a component number."""
    match marker:
        case 0xFF50:
            return len(payload) >= 4 and len(payload) == 4 + 2 * int.from_bytes(payload[:4], "big").bit_count()
        case 0xFF52:
            return _coding(payload, 5)
        case 0xFF53:
            return _coding(payload[index:], 1)
        case 0xFF55:
            return len(payload) > 2 and (len(payload) - 2) % _tlm_entry(payload) == 0
        case 0xFF56 | 0xFF59:
            return len(payload) % 2 == 0 and len(payload) <= _FEW
        case 0xFF5C:
            return _quantization(payload)
        case 0xFF5D:
            return _quantization(payload[index:])
        case 0xFF5E:
            return len(payload) == index + 2
        case 0xFF5F:
            return len(payload) > 0 and len(payload) % (5 + 2 * index) == 0
        case _:
            return True


def _coding(payload: bytes, style: int) -> bool:
    """`style` bytes, then levels and four bytes, then precincts where the first bit asks for them."""
    if len(payload) < style + 5 or payload[style] > 32:
        return False
    return len(payload) == style + 5 + (payload[style] + 1 if payload[0] & 1 else 0)


def _quantization(payload: bytes) -> bool:
    count = len(payload) - 1
    if count < 1 or payload[0] & 31 == 1:
        return count == 2
    width = 2 if payload[0] & 31 else 1
    return count % width == 0 and count // width % 3 == 1 and count // width <= _MOST_BANDS


def _tlm_entry(payload: bytes) -> int:
    return (payload[1] >> 4 & 3) + (4 if payload[1] & 0x40 else 2)


def tile_part_lengths(payload: bytes) -> list[int]:
    """The lengths that a TLM segment gives."""
    entry, width = _tlm_entry(payload), 4 if payload[1] & 0x40 else 2
    return [int.from_bytes(payload[at + entry - width : at + entry], "big") for at in range(2, len(payload), entry)]


def packet_bytes(payload: bytes) -> int:
    """The sum of the packet lengths that a PLT segment gives."""
    total = number = 0
    for byte in payload[1:]:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            total, number = total + number, 0
    return total


def check_file_type(content: bytes) -> None:
    """The brands of a JP2 file are those of the standard."""
    brands = [content[at : at + 4] for at in (0, *range(8, len(content), 4))]
    if len(content) % 4 or any(brand not in _BRANDS for brand in brands):
        raise InstanceError("pixel-format", "a JP2 file type is not one of the standard's")


def check_header_box(kind: bytes, content: bytes) -> None:
    """A box of the JP2 header holds numbers in range, as many as it has to."""
    if not _box_fits(kind, content):
        raise InstanceError("pixel-format", "a JP2 header holds a box that may carry text")


def _box_fits(kind: bytes, content: bytes) -> bool:
    match kind:
        case b"ihdr":
            return len(content) == 14
        case b"bpcc":
            return len(content) <= 4 and all(depth & 0x7F < 38 for depth in content)
        case b"colr":  # method 1 is a number; the others carry a colour profile with text in it
            return len(content) == 7 and content[0] == 1
        case b"pclr":
            entries, columns = int.from_bytes(content[:2], "big"), int.from_bytes(content[2:3], "big")
            widths = sum(1 if depth & 0x7F < 8 else 2 for depth in content[3 : 3 + columns])
            return len(content) == 3 + columns + entries * widths
        case b"cmap":
            return len(content) % 4 == 0 and all(
                one < 4 for at in range(0, len(content), 4) for one in content[at : at + 4]
            )
        case b"cdef":
            numbers = [int.from_bytes(content[at : at + 2], "big") for at in range(0, len(content), 2)]
            told = numbers[0] if numbers else 0
            return len(content) == 2 + 6 * told and all(one < 5 or one == 0xFFFF for one in numbers)
        case b"res ":  # one resolution: four numbers, and two powers of ten
            powers = [abs(power - 256 * (power > 127)) for power in content[16:]]
            return len(content) == 18 and content[4:8] in (b"resc", b"resd") and max(powers) < _LARGEST_POWER
        case _:
            return False
