"""One cell of the matrix: a transfer syntax, a pixel layout, and how an encoder or an odd writer put it down."""

from __future__ import annotations

from dataclasses import dataclass

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"
HTJ2K = "1.2.840.10008.1.2.4.203"
RLE = "1.2.840.10008.1.2.5"
JPEG_PROGRESSIVE = "1.2.840.10008.1.2.4.55"
JPEG_2000_PART_2 = "1.2.840.10008.1.2.4.92"
MPEG4 = "1.2.840.10008.1.2.4.102"
PRIVATE = "1.2.840.113619.5.2"

NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
DCT = (JPEG_BASELINE, JPEG_EXTENDED)
LOSSLESS_JPEG = (JPEG_LOSSLESS, JPEG_LOSSLESS_SV1)
ALL_JPEG_LS = (JPEG_LS, JPEG_LS_NEAR)
ALL_JPEG_2000 = (JPEG_2000_LOSSLESS, JPEG_2000)
ALL_HTJ2K = (HTJ2K_LOSSLESS, HTJ2K_RPCL, HTJ2K)
WITHOUT_ROUTE = (JPEG_PROGRESSIVE, JPEG_2000_PART_2, MPEG4, PRIVATE)
SHORT_NAMES = {
    IMPLICIT: "implicit",
    EXPLICIT: "explicit",
    DEFLATED: "deflated",
    BIG_ENDIAN: "big-endian",
    RLE: "rle",
    PRIVATE: "private",
}


def short_name(syntax: str) -> str:
    """`.57` for 1.2.840.10008.1.2.4.57, and a word for those outside that arc."""
    return SHORT_NAMES.get(syntax) or "." + syntax.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Cell:
    """`variant` names the encoder and its settings or the oddity, as words joined by `+`; factory and judges know them.

    Widths in bits, sizes in pixels. `table` is the offset table of encapsulated data: "none" (an empty Basic Offset
    Table), "basic" or "extended"; `fragments` is how many hold one frame.
    """

    transfer_syntax: str
    photometric: str = "MONOCHROME2"
    allocated: int = 8
    stored: int = 8
    high_bit: int = 7
    signed: bool = False
    frames: int = 1
    planar: int = 0
    rows: int = 7
    columns: int = 10
    variant: str = ""
    table: str = "basic"
    fragments: int = 1

    @property
    def native(self) -> bool:
        return self.transfer_syntax in NATIVE

    @property
    def samples(self) -> int:
        return 1 if self.photometric.startswith(("MONOCHROME", "PALETTE")) else 3

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.variant.split("+")) - {""}

    @property
    def subsampled(self) -> bool:
        """Native 4:2:2, where two columns share their chroma (PS3.3 C.7.6.3.1.2)."""
        return self.native and self.photometric.endswith("_422")

    @property
    def shift(self) -> int:
        """How many bits the stored value is moved up in its cell."""
        return self.high_bit + 1 - self.stored

    @property
    def whole(self) -> bool:
        """Codestreams of the cell's width, that hold more than the value, or hold it moved up."""
        return "wide" in self.words and ("overlay" in self.words or self.shift > 0)

    @property
    def dark_is_high(self) -> bool:
        """The highest value is the darkest one shown; two ways of saying so do not cancel (PS3.3 C.8.11.3)."""
        turned = self.photometric == "MONOCHROME1" or "inverse" in self.words
        return turned != ("negative-slope" in self.words)

    @property
    def floating(self) -> bool:
        return bool(self.words & {"float", "double"})

    @property
    def kind(self) -> str:
        """All but geometry and tables: cells of one kind share a line of the printed list."""
        sign = "s" if self.signed else "u"
        high = "" if self.shift == 0 else f"^{self.high_bit}"
        planar = " planar" if self.planar else ""
        variant = f" {self.variant}" if self.variant else ""
        return f"{self.photometric} {sign}{self.stored}/{self.allocated}{high}{planar}{variant}"

    @property
    def place(self) -> str:
        """Geometry and tables."""
        table = "" if self.native else f" {self.table}"
        pieces = f"*{self.fragments}" if self.fragments > 1 else ""
        return f"{self.frames}x{self.rows}x{self.columns}{table}{pieces}"

    def __str__(self) -> str:
        return f"{short_name(self.transfer_syntax)} {self.kind} [{self.place}]"


def is_lossy(cell: Cell) -> bool:
    """Whether the encoding of the cell loses something, with the encoders and settings used here."""
    if cell.transfer_syntax in DCT:
        return True
    if cell.transfer_syntax == JPEG_LS_NEAR:
        return "near0" not in cell.words
    return (cell.photometric == "YBR_ICT" and not cell.native) or "irreversible" in cell.words
