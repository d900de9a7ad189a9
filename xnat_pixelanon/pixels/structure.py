"""Where the elements of a DICOM file lie, by tags and lengths alone; no value is read, so no length can lie unseen.

It bounds every length by the end of the file and finds the truncation that pydicom passes over.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BufferedReader
from typing import BinaryIO, cast

from xnat_pixelanon.errors import InstanceError

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
DATA_SET_TRAILING_PADDING, DIGITAL_SIGNATURES = 0xFFFCFFFC, 0xFFFAFFFA
LONG_FORM = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
SHORT_FORM = frozenset(
    {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI"}
    | {"UL", "US"}
)
_DEEPEST = 32
_BLOCK = 1 << 20


def damaged(detail: str) -> InstanceError:
    """The error for line 1 of the decision table; `detail` holds no header value."""
    return InstanceError("damaged", detail)


def read_exactly(stream: BinaryIO, count: int) -> bytes:
    """`count` bytes from where the stream stands; InstanceError("damaged") when the file ends or cannot be read."""
    try:
        data = stream.read(count)
        while len(data) < count:
            more = stream.read(count - len(data))
            if not more:
                raise damaged("the file ends too early")
            data += more
    except OSError as error:
        raise damaged("the file could not be read") from error
    return data


def read_into(stream: BinaryIO, view: memoryview) -> None:
    """Fill `view` from where the stream stands; InstanceError("damaged") as `read_exactly`."""
    at = 0
    try:
        while at < len(view):
            count = cast(BufferedReader, stream).readinto(view[at:])
            if not count:
                raise damaged("the file ends too early")
            at += count
    except OSError as error:
        raise damaged("the file could not be read") from error


@dataclass(frozen=True, slots=True)
class Element:
    """A data element: its tag, VR ("" where implicit), where its tag and its value begin, and its length."""

    tag: int
    vr: str
    offset: int
    value_offset: int
    length: int

    @property
    def undefined(self) -> bool:
        return self.length == UNDEFINED


@dataclass(frozen=True, slots=True)
class Structure:
    """A data set in a stream: [start, end) and its encoding (PS3.5 7.1). Offsets count from the stream's beginning."""

    stream: BinaryIO
    start: int
    end: int
    implicit: bool
    big_endian: bool

    def tag_at(self, at: int) -> int:
        """The four bytes of a tag that begins at `at`."""
        self.stream.seek(at)
        group, element = struct.unpack(">HH" if self.big_endian else "<HH", read_exactly(self.stream, 4))
        return int(group) << 16 | int(element)

    def element(self, at: int) -> Element:
        """The element whose tag begins at `at`."""
        return _element(self, at, self.implicit, self.big_endian)

    def after(self, element: Element) -> int:
        """Where the element ends; undefined lengths are walked to their delimiters."""
        return _after(self, element, self.implicit, self.big_endian, 0)

    def only_zeros(self, at: int) -> bool:
        """Whether nothing but zero bytes lies from `at` to the end: padding that some archives add to files."""
        self.stream.seek(at)
        while at < self.end:
            block = read_exactly(self.stream, min(_BLOCK, self.end - at))
            if block.count(0) != len(block):
                return False
            at += len(block)
        return True


def has_explicit_vr(stream: BinaryIO, at: int) -> bool | None:
    """Whether the element at `at` carries two letters of VR; None at the end of the file."""
    stream.seek(at)
    head = stream.read(6)
    return None if len(head) < 6 else head[4:6].decode("latin-1") in LONG_FORM | SHORT_FORM


def _element(structure: Structure, at: int, implicit: bool, big_endian: bool) -> Element:
    if structure.end - at < 8:
        raise damaged("the file ends inside a data element")
    structure.stream.seek(at)
    head = read_exactly(structure.stream, 8)
    order = ">" if big_endian else "<"
    group, number = struct.unpack(order + "HH", head[:4])
    tag = int(group) << 16 | int(number)
    vr, value_offset = "", at + 8
    if implicit or group == 0xFFFE:
        (length,) = struct.unpack(order + "L", head[4:])
    else:
        vr = head[4:6].decode("latin-1")
        if vr in SHORT_FORM:
            (length,) = struct.unpack(order + "H", head[6:])
        elif vr in LONG_FORM and structure.end - at >= 12:
            (length,) = struct.unpack(order + "L", read_exactly(structure.stream, 4))
            value_offset = at + 12
        else:
            raise damaged("a data element has no valid value representation")
    if length != UNDEFINED and value_offset + length > structure.end:
        raise damaged("the file is truncated: a data element is longer than the file")
    return Element(tag, vr, at, value_offset, length)


def _after(structure: Structure, element: Element, implicit: bool, big_endian: bool, depth: int) -> int:
    if not element.undefined:
        return element.value_offset + element.length
    if depth > _DEEPEST:
        raise damaged("sequences are nested too deep")
    if element.vr == "UN":  # PS3.5 6.2.2 note: its content is implicit VR little endian
        implicit, big_endian = True, False
    at = element.value_offset
    while True:
        item = _element(structure, at, implicit, big_endian)
        at = item.value_offset
        if item.tag == SEQUENCE_END:
            return at
        if item.tag != ITEM:
            raise damaged("a sequence holds something that is not an item")
        at = at + item.length if not item.undefined else _after_item(structure, at, implicit, big_endian, depth)


def _after_item(structure: Structure, at: int, implicit: bool, big_endian: bool, depth: int) -> int:
    while True:
        element = _element(structure, at, implicit, big_endian)
        if element.tag == ITEM_END:
            return element.value_offset
        at = _after(structure, element, implicit, big_endian, depth + 1)
