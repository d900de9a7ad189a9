"""What every walk of one compressed frame gives, whatever the codec."""

from __future__ import annotations

from dataclasses import dataclass

from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged

AFTER_STREAM = "bytes after the end of a frame's codestream"


@dataclass(frozen=True, slots=True)
class FrameStream:
    """One frame, walked: the pieces to keep, what the others are, and where in its bytes the codestream ends."""

    pieces: tuple[bytes, ...]
    removed: frozenset[str]
    end: int


def is_padding(rest: bytes) -> bool:
    """Bytes behind a codestream that say nothing and stay: zeros, or the single FF that some encoders pad with."""
    return rest == b"\xff" or not rest.strip(b"\0")


def check_size(layout: PixelLayout, rows: int, columns: int, samples: int) -> None:
    """The codestream's own sizes against Rows, Columns and Samples per Pixel."""
    if (rows, columns) != (layout.rows, layout.columns):
        raise damaged("a frame's codestream has another size than Rows and Columns")
    if samples != layout.samples:
        raise damaged("a frame's codestream has another number of components than Samples per Pixel")


def check_precision(layout: PixelLayout, precision: int) -> None:
    """The codestream's precision against Bits Stored and Bits Allocated, in whole bytes.

    PS3.5 8.2 wants more, but real encoders write 14 or 16 for data of 12 or 16 bits, and every reader copes.
    """
    if not (layout.bits_stored + 7) // 8 <= (precision + 7) // 8 <= (layout.bits_allocated + 7) // 8:
        raise damaged("a frame's codestream has another precision than Bits Stored and Bits Allocated")
