"""What the header says about the pixel matrix: the Image Pixel Module (PS3.3 C.7.6.3) as one value."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.tag import BaseTag, Tag

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.structure import damaged

KEYWORDS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
# What a broken element can make pydicom raise when its value is converted.
VALUE_ERRORS = (
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """The stored matrix: sizes in pixels, widths in bits. `overlay_bits`: planes embedded in unused bits (PS3.5 8.1.2).

    `inverse`: the highest stored value is the darkest one shown. `planar` is None where the header has none.
    """

    keyword: str
    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: int | None
    big_endian: bool
    inverse: bool = False
    overlay_bits: tuple[int, ...] = ()
    subsampled: bool = False
    """Native 4:2:2: two pixels share Y Y Cb Cr, four samples (PS3.3 C.7.6.3.1.2)."""
    encapsulated: bool = False
    """The cells are those that the codestreams decode to, without conversion of colour."""

    @property
    def frame_bits(self) -> int:
        """Bits of one frame as native data; frames of 1 bit data are not aligned to bytes (PS3.5 8.1.1)."""
        if self.subsampled:
            return self.rows * ((self.columns + 1) // 2) * 4 * self.bits_allocated
        if self.photometric == "YBR_PARTIAL_420" and self.samples == 3:
            return self.rows * self.columns * self.bits_allocated * 3 // 2
        return self.rows * self.columns * self.samples * self.bits_allocated

    @property
    def value_bytes(self) -> int:
        """Bytes of native pixel data without the pad byte."""
        return (self.frames * self.frame_bits + 7) // 8

    @property
    def stored_mask(self) -> int:
        """The bits of a cell that hold the pixel value."""
        return ((1 << self.bits_stored) - 1) << (self.high_bit + 1 - self.bits_stored)


_DESCRIBED = tuple(
    int(Tag(keyword))
    for keyword in (
        "PresentationLUTShape",
        "NumberOfFrames",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "RescaleSlope",
    )
)
_LONGEST = 64


def layout_of(
    elements: Mapping[BaseTag, RawDataElement], tag: int, *, encapsulated: bool, big_endian: bool
) -> PixelLayout:
    """As `read_layout` of a header with these elements; in a series it is worked out once."""
    described = [elements.get(BaseTag(one)) for one in _DESCRIBED]
    described += [element for name, element in elements.items() if 0x6000 <= name >> 16 < 0x6020]
    values = tuple(_without_place(one) for one in described if one is not None)
    if any(len(one.value or b"") > _LONGEST for one in values):
        return _layout(values, tag, encapsulated, big_endian)
    return _remembered_layout(values, tag, encapsulated, big_endian)


def _without_place(element: RawDataElement) -> RawDataElement:
    """Of Overlay Data only counts that they are there."""
    data = element.tag & 0xFFFF == 0x3000
    return element._replace(value_tell=0, value=b"" if data else element.value)


def _layout(values: tuple[RawDataElement, ...], tag: int, encapsulated: bool, big_endian: bool) -> PixelLayout:
    header = Dataset({one.tag: one for one in values})
    return read_layout(header, tag, encapsulated=encapsulated, big_endian=big_endian)


_remembered_layout = lru_cache(maxsize=256)(_layout)


def read_layout(header: Dataset, tag: int, *, encapsulated: bool, big_endian: bool) -> PixelLayout:
    """The layout that `header` declares; InstanceError("damaged") where it is incomplete or contradicts itself."""
    keyword = KEYWORDS[tag]
    allocated = _integer(header, "BitsAllocated", 1, 64)
    integers = keyword == "PixelData"
    stored = _integer(header, "BitsStored", 1, allocated) if integers else allocated
    samples = _integer(header, "SamplesPerPixel", 1, 4)
    photometric = _text(header, "PhotometricInterpretation")
    if not photometric:
        raise damaged("Photometric Interpretation is missing")
    if not integers and allocated != {"FloatPixelData": 32, "DoubleFloatPixelData": 64}[keyword]:
        raise damaged(f"Bits Allocated does not fit {keyword}")
    high_bit = _integer(header, "HighBit", stored - 1, allocated - 1) if integers else stored - 1
    planar = _integer(header, "PlanarConfiguration", 0, 1, -1) if samples > 1 else 0
    return PixelLayout(
        keyword=keyword,
        rows=_integer(header, "Rows", 1, 0xFFFF),
        columns=_integer(header, "Columns", 1, 0xFFFF),
        frames=_integer(header, "NumberOfFrames", 1, 0x7FFFFFFF, 1),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high_bit,
        signed=bool(_integer(header, "PixelRepresentation", 0, 1)) if integers else True,
        photometric=photometric,
        planar=None if planar < 0 else planar,
        big_endian=big_endian,
        inverse=_inverse(header, photometric),
        overlay_bits=_overlay_bits(header, allocated, integers),
        subsampled=photometric in SUBSAMPLED and samples == 3 and not encapsulated,
        encapsulated=encapsulated,
    )


def _integer(header: Dataset, keyword: str, lowest: int, highest: int, default: int | None = None) -> int:
    try:
        value = header.get(keyword)
        number = default if value is None or value == "" else int(value)
    except VALUE_ERRORS as error:
        raise damaged(f"{keyword} is not a number") from error
    if number is None:
        raise damaged(f"{keyword} is missing")
    if number != default and not lowest <= number <= highest:
        raise damaged(f"{keyword} is out of its range")
    return number


def _text(header: Dataset, keyword: str) -> str:
    try:
        value = header.get(keyword)
    except VALUE_ERRORS as error:
        raise damaged(f"{keyword} cannot be read") from error
    return "" if value is None else str(value).strip()


def _inverse(header: Dataset, photometric: str) -> bool:
    """MONOCHROME1 and Presentation LUT Shape INVERSE say the same thing twice, they do not cancel (PS3.3 C.8.11.3)."""
    shape = _text(header, "PresentationLUTShape")
    try:
        slope = header.get("RescaleSlope")
        negative = slope is not None and float(slope) < 0
    except VALUE_ERRORS:
        negative = False
    return (photometric == "MONOCHROME1" or shape == "INVERSE") != negative


def _overlay_bits(header: Dataset, allocated: int, integers: bool) -> tuple[int, ...]:
    """Bit positions of overlays embedded in the cells (retired, PS3.5 8.1.2): 60xx planes without Overlay Data."""
    bits: set[int] = set()
    for group in range(0x6000, 0x6020, 2):
        if group << 16 | 0x0010 not in header or group << 16 | 0x3000 in header:
            continue
        try:
            bits_element = header.get((group, 0x0100))
            position_element = header.get((group, 0x0102))
            overlay_allocated = int(bits_element.value) if bits_element is not None else 1
            position = int(position_element.value) if position_element is not None else 0
        except VALUE_ERRORS as error:
            raise damaged("an overlay's bit position cannot be read") from error
        if position == 0 and overlay_allocated <= 1:
            continue
        if not integers or overlay_allocated != allocated or not 0 <= position < allocated:
            raise InstanceError("pixel-format", "an embedded overlay does not fit the pixel cells")
        bits.add(position)
    return tuple(sorted(bits))
