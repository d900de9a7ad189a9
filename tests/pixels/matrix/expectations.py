"""What has to become of a cell: the refusals that are right, black, and the attributes of what is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.rectangle import Rectangle

from . import cell as syntaxes
from .cell import BIG_ENDIAN, DCT, LOSSLESS_JPEG, RLE, WITHOUT_ROUTE, Cell, is_lossy
from .layout import padding_bits
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


def holds_overlay(cell: Cell) -> bool:
    """Compressed cells that are kept to the last bit, an embedded overlay's too."""
    return cell.transfer_syntax == RLE or (cell.whole and not is_lossy(cell))


def _loses_its_plane(cell: Cell) -> bool:
    """The codestream has no room for the overlay that the header declares, or a loss has blurred it."""
    return "overlay" in cell.words and not cell.native and not holds_overlay(cell)


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        "transfer-syntax",
        "video, retired, private and part 2 of JPEG 2000: not read at all",
        lambda cell: cell.transfer_syntax in WITHOUT_ROUTE,
        copy=True,
    ),
    Refusal("pixel-format", "an overlay plane that the codestream does not hold exactly", _loses_its_plane, copy=True),
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
    Refusal(
        "pixel-format",
        "4:2:0 that no JPEG process has coded",
        lambda cell: cell.photometric == "YBR_PARTIAL_420" and cell.transfer_syntax not in (*DCT, *LOSSLESS_JPEG),
    ),
    Refusal(
        "pixel-format",
        "the value lies above the codestream's bits",
        lambda cell: cell.shift > 0 and not cell.native and not (cell.whole or cell.transfer_syntax == RLE),
        copy=True,
    ),
    Refusal(
        "pixel-format",
        "frames that are coded in different ways",
        lambda cell: "mixed" in cell.words and cell.frames > 1,
    ),
    Refusal("pixel-format", "a palette that no pixel reaches", lambda cell: "unreachable" in cell.words),
    Refusal("pixel-format", "indirect segments of a palette", lambda cell: "indirect" in cell.words),
    Refusal(
        "pixel-format",
        "signed pixels in a codestream of unsigned samples",
        lambda cell: cell.signed and "unsigned-stream" in cell.words,
    ),
)
"""The first row that applies counts. A cell of the table that is written is as wrong as one outside that is refused."""


def refusal_of(cell: Cell) -> Refusal | None:
    return next((row for row in REFUSALS if row.applies(cell)), None)


def black(cell: Cell) -> tuple[int, ...]:
    """The samples of a pixel that shows as black, as whole cells with the sign carried on (PS3.3 C.7.6.3.1.2)."""
    if cell.photometric == "PALETTE COLOR":
        return (darkest_index(cell),)
    if cell.floating:
        return (padding_bits(cell),)
    if cell.samples == 1:
        half = 1 << (cell.stored - 1)
        lowest, highest = (-half, half - 1) if cell.signed else (0, 2 * half - 1)
        darkest = highest if cell.dark_is_high else lowest
        return ((darkest << cell.shift) % (1 << cell.allocated),)
    grey = 1 << (cell.stored - 1)
    if "jfif" in cell.words:
        return (0, grey, grey)
    if cell.photometric.startswith("YBR_FULL") and "says-rgb" not in cell.words:
        return (0, grey, grey)
    if cell.photometric.startswith("YBR_PARTIAL"):
        of_jpeg = cell.transfer_syntax in (*DCT, *LOSSLESS_JPEG)  # whose own colours are of the full range
        return (0 if of_jpeg else 16, grey, grey)
    return (0, 0, 0)  # RGB, and what the decoder gives for YBR_RCT and YBR_ICT


def shown_black(cell: Cell) -> int:
    """What a viewer that knows nothing of DICOM shows for it: MONOCHROME1 is turned only later."""
    return 255 if cell.samples == 1 and cell.dark_is_high else 0


def copied_syntaxes(cell: Cell, edited: bool) -> frozenset[str]:
    """The transfer syntaxes that the copy may have: codecs.md's routes, chosen by what a re-encoding would lose."""
    if not edited:
        return frozenset({cell.transfer_syntax})
    if "progressive" in cell.words or (cell.transfer_syntax in DCT and cell.photometric == "PALETTE COLOR"):
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
    if "440" in cell.words:
        return 17, 7
    if "411" in cell.words:
        return 7, 35
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
    if cell.photometric == "RGB" and "mct" in cell.words:
        return ("YBR_RCT",)
    if cell.photometric == "YBR_ICT":
        return ("YBR_RCT", "RGB")  # PS3.5 8.2.4: no irreversible transform in a reversible stream
    if "jfif" in cell.words:
        return ("YBR_FULL",)
    if cell.photometric.endswith(("_422", "_420")) and cell.transfer_syntax in DCT:
        return ("YBR_FULL",)
    return (cell.photometric,)
