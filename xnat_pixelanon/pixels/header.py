"""The elements before the pixel data: found by our own walk, given to pydicom as raw ones that it converts when asked.

Plain elements, nearly all, are taken from a block in memory; whatever is not plain goes to structure.py, which knows
every rule and raises. `check_reading` has pydicom read the same bytes: one of the two would be wrong if they differed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO, cast

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import RawDataElement, convert_raw_data_element, empty_value_for_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.pixels.layout import VALUE_ERRORS
from xnat_pixelanon.pixels.structure import (
    LONG_FORM,
    PIXEL_TAGS,
    SHORT_FORM,
    Structure,
    damaged,
    read_exactly,
)

_BLOCK = 1 << 15
_CHARACTER_SET, _TRANSFER_SYNTAX = 0x00080005, 0x00020010
_UID = re.compile(r"[0-9][0-9.]{0,63}")
_ERRORS = (*VALUE_ERRORS, MemoryError, OSError, RecursionError)
_SHORT = {vr.encode(): vr for vr in SHORT_FORM}
_LONG = {vr.encode(): vr for vr in LONG_FORM}
_HEAD = {True: struct.Struct(">HH2sH"), False: struct.Struct("<HH2sH")}
_LENGTH = {True: struct.Struct(">L"), False: struct.Struct("<L")}
# As pydicom has it for an element without a value.
_EMPTY: Mapping[str | None, bytes | None] = {
    vr: cast(bytes | None, empty_value_for_VR(vr, raw=True)) for vr in (*SHORT_FORM, *LONG_FORM, None)
}
Raw = dict[BaseTag, RawDataElement]


@dataclass(frozen=True, slots=True)
class Walked:
    """Elements from one place of a stream to another, `end`. Those in `undefined` have a length that is not told:
    their content was walked, their value was not read. `twice`: an element is there again; `elements` has the last.
    """

    elements: Raw
    undefined: tuple[int, ...]
    end: int
    twice: bool


def walk_elements(structure: Structure, stop: Callable[[int], bool]) -> Walked:
    """All elements before the first with a tag for which `stop` holds, or before zeros that pad the file.

    InstanceError("damaged") where the data set is not well-formed or ends inside an element.
    """
    elements: Raw = {}
    undefined: list[int] = []
    at, stopped, twice = structure.start, False, False
    while at < structure.end:
        at, stopped = _walk_plain(structure, stop, at, elements)
        if stopped or at == structure.end:
            break
        tag = structure.tag_at(at) if structure.end - at >= 8 else 0
        if stop(tag):
            break
        if tag == 0:
            if structure.only_zeros(at):
                break
            raise damaged("bytes after the data set are not data elements")
        element = structure.element(at)
        twice = twice or element.tag in elements or element.tag in undefined
        at = structure.after(element)
        if element.undefined:
            undefined.append(element.tag)
        else:
            structure.stream.seek(element.value_offset)
            value = read_exactly(structure.stream, element.length)
            _put(structure, elements, element.tag, element.vr or None, value, element.value_offset)
    return Walked(elements, tuple(undefined), at, twice)


def _walk_plain(structure: Structure, stop: Callable[[int], bool], at: int, elements: Raw) -> tuple[int, bool]:
    """Elements that need no second look, and where the first is that does; whether the walk is to stop there."""
    stream, end = structure.stream, structure.end
    implicit, big = structure.implicit, structure.big_endian
    unpack, unpack_length = _HEAD[big].unpack_from, _LENGTH[big].unpack_from
    block, base = b"", at
    while end - at >= 12:
        if at + 12 - base > len(block):
            stream.seek(at)
            block, base = read_exactly(stream, min(_BLOCK, end - at)), at
        value_at = at - base + 8
        vr: str | None = None
        group, number, letters, length = unpack(block, at - base)
        tag = group << 16 | number
        if stop(tag):
            return at, True
        if implicit:
            (length,) = unpack_length(block, value_at - 4)
        elif (vr := _SHORT.get(letters)) is None:
            if (vr := _LONG.get(letters)) is None:
                break
            (length,) = unpack_length(block, value_at)
            value_at += 4
        if base + value_at + length > end or tag in elements or tag == 0 or group == 0xFFFE:
            break
        value = block[value_at : value_at + length]
        if len(value) < length:
            stream.seek(base + value_at)
            value = read_exactly(stream, length)
        _put(structure, elements, tag, vr, value, base + value_at)
        at = base + value_at + length
    return at, False


def _put(structure: Structure, elements: Raw, tag: int, vr: str | None, value: bytes, value_at: int) -> None:
    name = BaseTag(tag)
    elements[name] = RawDataElement(
        name, vr, len(value), value or _EMPTY[vr], value_at, structure.implicit, not structure.big_endian
    )


@dataclass(frozen=True, slots=True)
class FileMeta:
    """The File Meta Information: its end, which is where the data set begins, and its Transfer Syntax UID."""

    end: int
    transfer_syntax_uid: str
    preamble: bytes
    elements: Raw


def read_file_meta(stream: BinaryIO, size: int) -> FileMeta:
    """Preamble, prefix and group 0002 (PS3.10 7.1). InstanceError("damaged") for anything that is not a DICOM file."""
    stream.seek(0)
    if size == 0:
        raise damaged("the file is empty")
    if size < 132 or (start := read_exactly(stream, 132))[128:] != b"DICM":
        raise damaged("not a DICOM file: the prefix DICM is missing")
    walked = walk_elements(Structure(stream, 132, size, implicit=False, big_endian=False), _behind_meta)
    element = walked.elements.get(BaseTag(_TRANSFER_SYNTAX))
    uid = "" if element is None else (element.value or b"")[:64].rstrip(b"\0 ").decode("latin-1")
    if not _UID.fullmatch(uid) or walked.undefined:
        raise damaged("the file meta information has no valid Transfer Syntax UID")
    return FileMeta(walked.end, uid, start[:128], walked.elements)


def data_set_of(structure: Structure, walked: Walked, meta: FileMeta) -> Dataset:
    """The elements as a data set with its file meta and preamble; pydicom reads those of undefined length.

    InstanceError("damaged") where pydicom cannot read them, or reads others than were walked.
    """
    try:
        if walked.undefined:
            header = read_by_pydicom(structure, walked)
        else:
            header = Dataset({**walked.elements})
            charset = walked.elements.get(BaseTag(_CHARACTER_SET))
            encodings = default_encoding if charset is None else list(_encodings(charset.value or b""))
            header.set_original_encoding(structure.implicit, not structure.big_endian, encodings)
        header.file_meta = FileMetaDataset(Dataset({**meta.elements}))
    except _ERRORS as error:
        raise damaged("the header cannot be read") from error
    header.preamble = meta.preamble
    return header


def read_by_pydicom(structure: Structure, walked: Walked) -> Dataset:
    """The same bytes, read by pydicom; InstanceError("damaged") where it finds other elements, or another end."""
    structure.stream.seek(structure.start)
    data = BytesIO(read_exactly(structure.stream, walked.end - structure.start))
    try:
        header = read_dataset(data, structure.implicit, not structure.big_endian)
    except _ERRORS as error:
        raise damaged("the header cannot be read") from error
    rest = data.getbuffer().nbytes - data.tell()
    if rest or set(header.keys()) != {*walked.elements, *walked.undefined}:
        raise damaged("the header cannot be walked to the pixel data")
    return header


def check_reading(structure: Structure, walked: Walked) -> None:
    """InstanceError("damaged") where pydicom reads another value than was walked to."""
    header = read_by_pydicom(structure, walked)
    for tag, element in walked.elements.items():
        other = header.get_item(tag, keep_deferred=True)  # what is empty is no deferred reading
        if not isinstance(other, RawDataElement) or (other.VR, other.value) != (element.VR, element.value):
            raise damaged("the header cannot be walked to the pixel data")


@lru_cache(maxsize=64)
def _encodings(value: bytes) -> tuple[str, ...]:
    """Python's names of the character sets, as pydicom gives them."""
    element = RawDataElement(BaseTag(_CHARACTER_SET), "CS", len(value), value, 0, False, True)
    return tuple(convert_encodings(convert_raw_data_element(element).value))


def _behind_meta(tag: int) -> bool:
    return tag >> 16 != 2


def at_pixels(tag: int) -> bool:
    return tag in PIXEL_TAGS
