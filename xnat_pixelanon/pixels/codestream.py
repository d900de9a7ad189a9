"""What every walk of one compressed frame gives, whatever the codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xnat_pixelanon.pixels.layout import PixelLayout
from xnat_pixelanon.pixels.structure import damaged

AFTER_STREAM = "bytes after the end of a frame's codestream"
Process = Literal[
    "baseline", "extended", "progressive", "lossless", "near-lossless", "reversible", "irreversible", "run-length"
]
LOSSY: frozenset[Process] = frozenset({"baseline", "extended", "progressive", "near-lossless", "irreversible"})


@dataclass(frozen=True, slots=True)
class StreamForm:
    """What a codestream's own header says of its samples; the frames of one file have to agree in it to be edited.

    `precision` in bits. `signed` is None where only the DICOM header tells. `parameter`: the predictor of lossless
    JPEG, the NEAR of JPEG-LS, the decomposition levels of JPEG 2000. `transformed`: JPEG 2000's multiple component
    transformation. `header`: the frame header itself (SOF, or SIZ and COD).
    """

    process: Process
    precision: int
    signed: bool | None = None
    parameter: int = 0
    transformed: bool = False
    subsampled: bool = False
    header: bytes = b""

    @property
    def lossy(self) -> bool:
        """Whether the compression lost something for certain."""
        return self.process in LOSSY


@dataclass(frozen=True, slots=True)
class FrameStream:
    """One frame, walked: the pieces to keep, what the others are, where its codestream ends, and its form."""

    pieces: tuple[bytes, ...]
    removed: frozenset[str]
    end: int
    form: StreamForm


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
