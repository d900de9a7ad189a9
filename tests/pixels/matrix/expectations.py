"""What has to become of a cell: the refusals that are right, black, and the attributes of what is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.rectangle import Rectangle

from . import cell as syntaxes
from .cell import ALL_JPEG_LS, BIG_ENDIAN, DCT, Cell, is_lossy
from .palettes import darkest_index


@dataclass(frozen=True, slots=True)
class Refusal:
    """Cells of which no rectangle can be blackened; with `copy` they cannot be sent without one either."""

    code: str
    why: str
    applies: Callable[[Cell], bool]
    copy: bool = False


def _unclear_order(cell: Cell) -> bool:
    """The black of big endian cells of 32 bits, which readers take in two orders, is not the same in both."""
    if cell.transfer_syntax != BIG_ENDIAN or cell.allocated != 32 or cell.floating:
        return False
    return black(cell)[0] not in (0, 0xFFFFFFFF)


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        "pixel-format",
        "overlay planes embedded in compressed data cannot be taken out without decoding",
        lambda cell: "overlay" in cell.words and not cell.native,
        copy=True,
    ),
    Refusal("transfer-syntax", "no route for compressed data yet", lambda cell: not cell.native),
    Refusal("pixel-format", "float pixel data have no darkest value", lambda cell: cell.floating),
    Refusal("pixel-format", "1 bit data: neither segmentations nor bitmaps are blackened", lambda c: c.allocated == 1),
    Refusal("pixel-format", "the value is moved up in its cell", lambda cell: cell.shift > 0),
    Refusal("pixel-format", "colour has no sign", lambda cell: cell.samples == 3 and cell.signed),
    Refusal(
        "pixel-format",
        "the transforms of JPEG 2000 do not exist in native data",
        lambda cell: cell.native and cell.photometric in ("YBR_RCT", "YBR_ICT"),
    ),
    Refusal(
        "pixel-format",
        "native 4:2:2 with half a pair at the end of each row",
        lambda cell: cell.subsampled and cell.columns % 2 == 1,
    ),
    Refusal("pixel-format", "big endian cells of 32 bits whose black has an order", _unclear_order),
    Refusal("pixel-format", "indirect segments of a palette", lambda cell: "indirect" in cell.words),
)
"""The first row that applies counts. A cell of the table that is written is as wrong as one outside that is refused."""


def refusal_of(cell: Cell) -> Refusal | None:
    return next((row for row in REFUSALS if row.applies(cell)), None)


def black(cell: Cell) -> tuple[int, ...]:
    """The samples of a pixel that shows as black, as whole cells with the sign carried on (PS3.3 C.7.6.3.1.2)."""
    if cell.photometric == "PALETTE COLOR":
        return (darkest_index(cell),)
    if cell.samples == 1:
        half = 1 << (cell.stored - 1)
        lowest, highest = (-half, half - 1) if cell.signed else (0, 2 * half - 1)
        darkest = highest if cell.photometric == "MONOCHROME1" else lowest
        return (darkest % (1 << cell.allocated),)
    grey = 1 << (cell.stored - 1)
    if cell.photometric in ("YBR_FULL", "YBR_FULL_422"):
        return (0, grey, grey)
    if cell.photometric == "YBR_PARTIAL_422":
        return (16, grey, grey)
    return (0, 0, 0)  # RGB, and what the decoder gives for YBR_RCT and YBR_ICT


def shown_black(cell: Cell) -> int:
    """What a viewer that knows nothing of DICOM shows for it: MONOCHROME1 is turned only later."""
    return 255 if cell.photometric == "MONOCHROME1" else 0


def copied_syntaxes(cell: Cell, edited: bool) -> frozenset[str]:
    """The transfer syntaxes that the copy may have: codecs.md's routes, chosen by what a re-encoding would lose."""
    if not edited:
        return frozenset({cell.transfer_syntax})
    if "progressive" in cell.words:
        return frozenset({syntaxes.JPEG_LOSSLESS_SV1})
    if cell.transfer_syntax in DCT and cell.stored > 8:  # libjpeg-turbo before 3 has no coefficients of 12 bit data
        return frozenset({cell.transfer_syntax, syntaxes.JPEG_LOSSLESS_SV1})
    lossless = {
        syntaxes.JPEG_LS_NEAR: syntaxes.JPEG_LS,
        syntaxes.JPEG_2000: syntaxes.JPEG_2000_LOSSLESS,
        syntaxes.HTJ2K: syntaxes.HTJ2K_LOSSLESS,
    }
    other = lossless.get(cell.transfer_syntax)
    if other is None:
        return frozenset({cell.transfer_syntax})
    return frozenset({other}) if is_lossy(cell) else frozenset({other, cell.transfer_syntax})


def largest_growth(cell: Cell, copied: str) -> tuple[int, int]:
    """How many rows and columns an effective box may be larger on each side than the one asked for."""
    if cell.subsampled:
        return 0, 1
    if copied not in DCT:
        return 0, 0
    # To whole MCUs, after one pixel for the chroma that is interpolated over the edge; and one more beyond the MCUs.
    if "420" in cell.words:
        return 17, 17
    if "422" in cell.words or (cell.photometric == "YBR_FULL_422" and "dcmtk" in cell.words):
        return 7, 17
    return 7, 7


def check_boxes(cell: Cell, copied: str, asked: tuple[Rectangle, ...], effective: tuple[Rectangle, ...]) -> None:
    """Each effective box holds the one asked for, inside the image, and is no larger than its route makes it."""
    assert len(asked) == len(effective), "not one box for each rectangle"
    down, across = largest_growth(cell, copied)
    for wanted, box in zip(asked, effective, strict=True):
        assert box.inside(cell.rows, cell.columns), "a box reaches outside the image"
        assert 0 <= wanted.top - box.top <= down, "a box grew too far up, or does not hold its rectangle"
        assert 0 <= box.bottom - wanted.bottom <= down, "a box grew too far down, or does not hold its rectangle"
        assert 0 <= wanted.left - box.left <= across, "a box grew too far left, or does not hold its rectangle"
        assert 0 <= box.right - wanted.right <= across, "a box grew too far right, or does not hold its rectangle"


_KEPT = (
    "Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation",
    *(
        f"{prefix}{colour}PaletteColorLookupTable{part}"
        for colour in ("Red", "Green", "Blue")
        for prefix, part in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
    ),
)  # fmt: skip


def check_attributes(cell: Cell, source: Dataset, copy: Dataset, edited: bool) -> None:
    """The copy's attributes say what was written, and what the source said of the pixels where that still holds."""
    copied = str(copy.file_meta.TransferSyntaxUID)
    assert copied in copied_syntaxes(cell, edited), f"written as {syntaxes.short_name(copied)}"
    for keyword in _KEPT:
        assert source.get(keyword) == copy.get(keyword), f"another {keyword}"
    changed = copied != cell.transfer_syntax
    assert copy.PhotometricInterpretation in _photometrics(cell, copied), f"{copy.PhotometricInterpretation} is wrong"
    if changed and cell.samples > 1:
        assert copy.PlanarConfiguration == 0, "Planar Configuration of a new codestream"
    else:
        assert copy.get("PlanarConfiguration") == source.get("PlanarConfiguration"), "another Planar Configuration"
    if source.get("LossyImageCompression") == "01" or (edited and is_lossy(cell)):
        assert copy.get("LossyImageCompression") == "01", "the loss is forgotten (PS3.3 C.7.6.1.1.5)"
    elif not is_lossy(cell):
        assert copy.get("LossyImageCompression") in (None, "", "00"), "a loss that never was"


def _photometrics(cell: Cell, copied: str) -> tuple[str, ...]:
    if copied == cell.transfer_syntax:
        return (cell.photometric,)
    if cell.photometric == "YBR_ICT":
        return ("YBR_RCT", "RGB")  # PS3.5 8.2.4: no irreversible transform in a reversible stream
    if cell.photometric == "YBR_FULL_422" and copied not in ALL_JPEG_LS:
        return ("YBR_FULL",)
    return (cell.photometric,)
