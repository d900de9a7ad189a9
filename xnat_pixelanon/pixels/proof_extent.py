"""How far a box may reach beyond the rectangle that was asked for: no further than the coding of the pixels needs."""

from __future__ import annotations

from xnat_pixelanon.pixels.proof_marks import jpeg_headers
from xnat_pixelanon.pixels.proof_read import Reopened, Unreadable
from xnat_pixelanon.pixels.proof_streams import frames_of, items_of, join

_DCT = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")


def allowed_extent(source: Reopened, written: Reopened) -> tuple[int, int]:
    """Rows and columns of pixels that a box may grow on each side.

    One column in native 4:2:2, where two share their chroma. In JPEG that stays JPEG less than a minimum coded unit
    (ISO 10918-1 A.2), and twice half the sampling factor, over which decoders mix chroma. Nothing anywhere else.
    """
    if not source.encapsulated:
        return (0, 1) if source.photometric.endswith("_422") else (0, 0)
    if written.transfer_syntax_uid not in _DCT:
        return 0, 0
    frame = frames_of(source, items_of(source)[1:])[0]
    factors = _sampling(join(source, frame))
    tall, wide = (max(one[axis] for one in factors) for axis in (1, 0))
    low, narrow = (min(one[axis] for one in factors) for axis in (1, 0))
    if len(factors) == 1:
        tall = wide = low = narrow = 1
    return 8 * tall - 1 + 2 * (tall // low // 2), 8 * wide - 1 + 2 * (wide // narrow // 2)


def _sampling(data: bytes) -> list[tuple[int, int]]:
    """Horizontal and vertical sampling factor of each component, from the frame header."""
    for marker, at, end in jpeg_headers(data):
        if marker in (0xC0, 0xC1):
            return [(byte >> 4, byte & 15) for byte in data[at + 11 : end : 3]]
    raise Unreadable("a frame has no JPEG frame header")
