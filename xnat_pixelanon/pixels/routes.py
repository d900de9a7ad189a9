"""One row per transfer syntax that this package understands: how its pixels are walked, and how a box is filled.

A transfer syntax without a row (video, JPIP, JPEG 2000 part 2, retired JPEG processes, private ones) is refused by
name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydicom import config
from pydicom.uid import UID

Stream = Literal["native", "jpeg-dct", "jpeg-lossless", "jpeg-ls", "jpeg2000", "rle"]
Edit = Literal["native", "deflated", "jpeg-dct", "recode"]
JPEG_LOSSLESS, JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
HTJ2K = "1.2.840.10008.1.2.4.201"


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """A transfer syntax (PS3.5 annex A), how its pixel stream is walked, and the route of an edit.

    `codec` names its row of codecs.py. `recoded`: what decoded frames are written in, the lossless sibling of a lossy
    one; for "jpeg-dct" only where a frame cannot be edited in its coefficients.
    """

    uid: str
    name: str
    stream: Stream
    edit: Edit
    implicit: bool = False
    big_endian: bool = False
    deflated: bool = False
    codec: str = ""
    recoded: str = ""

    @property
    def encapsulated(self) -> bool:
        """Pixel data are items of a sequence of fragments (PS3.5 A.4)."""
        return self.stream != "native"


def _compressed(
    uid: str, name: str, stream: Stream, *, codec: str = "", recoded: str = "", edit: Edit = "recode"
) -> TransferSyntax:
    return TransferSyntax(uid, name, stream, edit, codec=codec or stream, recoded=recoded or uid)


_ROWS = (
    TransferSyntax("1.2.840.10008.1.2", "Implicit VR Little Endian", "native", "native", implicit=True),
    TransferSyntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian", "native", "native"),
    TransferSyntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", "native", "deflated", deflated=True),
    TransferSyntax("1.2.840.10008.1.2.2", "Explicit VR Big Endian", "native", "native", big_endian=True),
    _compressed(
        "1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", "jpeg-dct", edit="jpeg-dct", recoded=JPEG_LOSSLESS
    ),
    _compressed(
        "1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)", "jpeg-dct", edit="jpeg-dct", recoded=JPEG_LOSSLESS
    ),
    _compressed("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)", "jpeg-lossless"),
    _compressed(JPEG_LOSSLESS, "JPEG Lossless, First-Order Prediction", "jpeg-lossless"),
    _compressed(JPEG_LS, "JPEG-LS Lossless", "jpeg-ls"),
    _compressed("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", "jpeg-ls", recoded=JPEG_LS),
    _compressed(JPEG_2000, "JPEG 2000 (Lossless Only)", "jpeg2000"),
    _compressed("1.2.840.10008.1.2.4.91", "JPEG 2000", "jpeg2000", recoded=JPEG_2000),
    _compressed(HTJ2K, "High-Throughput JPEG 2000 (Lossless Only)", "jpeg2000", codec="htj2k"),
    _compressed(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL (Lossless Only)",
        "jpeg2000",
        codec="htj2k",
    ),
    _compressed("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", "jpeg2000", codec="htj2k", recoded=HTJ2K),
    _compressed("1.2.840.10008.1.2.5", "RLE Lossless", "rle"),
)

EDITS: Mapping[Edit, str] = MappingProxyType(
    {
        "native": "filled as the cells are copied",
        "deflated": "inflated, filled, deflated again",
        "jpeg-dct": "whole blocks are made black in their coefficients; nothing is decoded",
        "recode": "frames are decoded, filled, and coded again without loss",
    }
)
"""How a rectangle is filled, by route, in words for the documentation."""

ROUTES: Mapping[str, TransferSyntax] = MappingProxyType({row.uid: row for row in _ROWS})


def transfer_syntaxes() -> tuple[TransferSyntax, ...]:
    """All rows, in the order of the standard: for help and documentation."""
    return _ROWS


def syntax_name(uid: str) -> str:
    """The name of a transfer syntax with or without a row; never the UID itself, which may be private."""
    if uid in ROUTES:
        return ROUTES[uid].name
    known = UID(uid, config.IGNORE)  # a warning would quote the value
    if known.name != uid and known.type == "Transfer Syntax":
        return known.name
    return "a transfer syntax that the standard does not name"
