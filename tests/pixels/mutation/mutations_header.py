"""Mutations of the header: labels that say how pixels are read, and elements that hold pixels themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydicom.uid import UID

from ..phantoms import EXPLICIT, IMPLICIT
from .case import Case, Mutation, all_of, coloured, encapsulated, needs
from .subjects import JPEG, WORDS, is_first_of_its_kind

_COLOURS = {
    "MONOCHROME1": "MONOCHROME2",
    "MONOCHROME2": "MONOCHROME1",
    "RGB": "YBR_FULL",
    "YBR_FULL": "RGB",
    "YBR_FULL_422": "RGB",
    "YBR_RCT": "RGB",
    "YBR_ICT": "RGB",
    "PALETTE COLOR": "MONOCHROME2",
}
_SYNTAXES = {
    JPEG + "50": JPEG + "51",
    JPEG + "51": JPEG + "50",
    JPEG + "57": JPEG + "70",
    JPEG + "70": JPEG + "57",
    JPEG + "80": JPEG + "81",
    JPEG + "90": JPEG + "91",
    JPEG + "201": JPEG + "203",
    JPEG + "202": JPEG + "201",
}


def _label(keyword: str, change: Callable[[Any], Any]) -> Callable[[Case], None]:
    def mutate(case: Case) -> None:
        setattr(case.copy.header, keyword, change(case.copy.header.get(keyword)))

    return mutate


def _fewer_bits(case: Case) -> None:
    case.copy.header.BitsStored -= 1
    case.copy.header.HighBit -= 1


def _more_bits(case: Case) -> None:
    case.copy.header.BitsStored += 1
    case.copy.header.HighBit += 1


def _turned(case: Case) -> None:
    header = case.copy.header
    header.Rows, header.Columns = header.Columns, header.Rows


def _another_syntax(case: Case) -> None:
    case.copy.meta.TransferSyntaxUID = UID(_SYNTAXES[case.subject.copy_syntax])


def _another_encoding(case: Case) -> None:
    """The same values under the other little endian syntax."""
    other = IMPLICIT if case.subject.syntax == EXPLICIT else EXPLICIT
    case.copy.meta.TransferSyntaxUID = UID(other)
    case.copy.vr = "OW" if other == EXPLICIT else case.copy.vr


def _no_loss_told(case: Case) -> None:
    if "LossyImageCompression" in case.copy.header:
        del case.copy.header.LossyImageCompression


def _palette_entry(case: Case) -> None:
    data = bytearray(case.copy.header.RedPaletteColorLookupTableData)
    data[20] ^= 1
    case.copy.header.RedPaletteColorLookupTableData = bytes(data)


def _kept(*tags: int) -> Callable[[Case], None]:
    """Elements of the source, as they are there."""

    def mutate(case: Case) -> None:
        for tag in tags:
            case.copy.header[tag] = case.source.header[tag]

    return mutate


def _kept_group(group: int) -> Callable[[Case], None]:
    def mutate(case: Case) -> None:
        for element in case.source.header.group_dataset(group):
            case.copy.header.add(element)

    return mutate


def _nested_icon(case: Case) -> None:
    case.copy.header.ReferencedImageSequence[0].IconImageSequence = case.source.header.IconImageSequence


def _nested_private(case: Case) -> None:
    for element in case.source.header.group_dataset(0x0009):
        case.copy.header.ReferencedImageSequence[0].add(element)


def _pixels_in_an_item(case: Case) -> None:
    case.copy.header.ReferencedImageSequence[0].add_new("PixelData", "OB", bytes(range(16)))


def _preamble(case: Case) -> None:
    case.copy.preamble = WORDS.ljust(128, b"\0")


def _private_meta(case: Case) -> None:
    case.copy.meta.PrivateInformationCreatorUID = "1.2.3"
    case.copy.meta.PrivateInformation = WORDS


_narrow = needs(lambda subject: subject.pixels.stored < subject.pixels.allocated, "all bits are stored ones")
_siblings = all_of(encapsulated, needs(lambda subject: subject.copy_syntax in _SYNTAXES, "a syntax without siblings"))
_plain = needs(lambda subject: subject.syntax in (EXPLICIT, IMPLICIT), "not native little endian")
_palette = needs(lambda subject: subject.pixels.photometric == "PALETTE COLOR", "no palette")
_recoded = needs(lambda subject: bool(subject.result), "not stored in another transfer syntax")
_one_each = needs(is_first_of_its_kind, "another copy in this transfer syntax is mutated")
_LOSS = ("LossyImageCompression", "(0028,2110)")
_OVERLAY, _CURVE = "(6000,", "(5000,"

HEADERS = (
    Mutation("Photometric Interpretation of other colours",
             _label("PhotometricInterpretation", lambda value: _COLOURS[value]),
             ("the copy has another PhotometricInterpretation",)),
    Mutation("Planar Configuration turned", _label("PlanarConfiguration", lambda value: 1 - value),
             ("the copy has another PlanarConfiguration",), coloured),
    Mutation("Pixel Representation turned", _label("PixelRepresentation", lambda value: 1 - value),
             ("the copy has another PixelRepresentation",)),
    Mutation("a bit fewer stored", _fewer_bits, ("the copy has another BitsStored",)),
    Mutation("a bit more stored", _more_bits, ("the copy has another BitsStored",), _narrow),
    Mutation("High Bit one up", _label("HighBit", lambda value: value + 1), ("the copy has another HighBit",), _narrow),
    Mutation("Bits Allocated doubled", _label("BitsAllocated", lambda value: 2 * value),
             ("the copy has another BitsAllocated",)),
    Mutation("Rows and Columns exchanged", _turned, ("the copy has another Rows",)),
    Mutation("a row fewer", _label("Rows", lambda value: value - 1), ("the copy has another Rows",)),
    Mutation("Number of Frames one up", _label("NumberOfFrames", lambda value: int(value or 1) + 1),
             ("the copy has another Number of Frames",)),
    Mutation("Samples per Pixel changed", _label("SamplesPerPixel", lambda value: 4 - value),
             ("the copy has another SamplesPerPixel",)),
    Mutation("an inverting shape put in", _label("PresentationLUTShape", lambda value: "INVERSE"),
             ("the copy has another PresentationLUTShape",),
             needs(lambda subject: "PresentationLUTShape" not in subject.pixels.extra, "it is there")),
    Mutation("a negative slope put in", _label("RescaleSlope", lambda value: -1),
             ("the copy has another RescaleSlope",)),
    Mutation("a palette entry changed", _palette_entry, ("PaletteColorLookupTableData",), _palette),
    Mutation("a sibling's transfer syntax", _another_syntax, ("transfer syntax", "(0002,0010)"), _siblings),
    Mutation("the other native encoding", _another_encoding, ("the copy has another transfer syntax",), _plain),
    Mutation("the loss not told", _no_loss_told, _LOSS, _recoded),
    Mutation("the loss denied", _label("LossyImageCompression", lambda value: "00"), _LOSS, _recoded),
    Mutation("overlay group kept", _kept_group(0x6000), (_OVERLAY,), _one_each),
    Mutation("overlay data alone kept", _kept(0x60003000), (_OVERLAY,), _one_each),
    Mutation("curve kept", _kept_group(0x5000), (_CURVE,), _one_each),
    Mutation("icon kept", _kept(0x00880200), ("(0088,0200)",), _one_each),
    Mutation("icon kept in an item", _nested_icon, ("(0088,0200)",), _one_each),
    Mutation("private pixels kept", _kept_group(0x0009), ("private element",), _one_each),
    Mutation("private pixels kept in an item", _nested_private, ("private element",), _one_each),
    Mutation("pixels in an item", _pixels_in_an_item, ("not a pixel element",), _one_each),
    Mutation("the name kept", _kept(0x00100010), ("(0010,0010)",), _one_each),
    Mutation("the instance's UID kept", _kept(0x00080018), ("(0008,0018)",), _one_each),
    Mutation("the preamble kept", _preamble, ("preamble",), _one_each),
    Mutation("private file meta information kept", _private_meta, ("file meta",), _one_each),
)  # fmt: skip
