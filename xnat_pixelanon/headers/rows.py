"""A data set as what it is remembered by: its shape, and one hashable key for each of its values.

Shape and keys together hold everything that reading, cleaning and encoding look at: tags, VRs, lengths, bytes, byte
order and implicit VR of every element at every depth, and how the data set and its items were read. Where in the file a
value stood is left out: nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pydicom.valuerep import IS, DSfloat

from xnat_pixelanon.headers.tree import MAX_DEPTH, SPECIFIC_CHARACTER_SET

_CONVERTED = "converted"
_Row = tuple[int, str | None, int, Hashable, int | None, Hashable, Hashable, bool, bool]


class _Unusual(Exception):
    """An element that no key is made for."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The top level of a data set, in the order of the file.

    `shape`: all but the values, with the character set. `implicit`: VR of the raw elements, once each that occurs; none
    where one is big endian.
    """

    shape: tuple[Hashable, ...]
    tags: tuple[int, ...]
    vrs: tuple[str | None, ...]
    implicit: tuple[bool, ...]
    raw: tuple[bool, ...]
    values: tuple[Hashable, ...]


def rows_of(ds: Dataset) -> Rows | None:
    """None where there is something unusual in the data set: then nothing of it is remembered."""
    try:
        rows = [one if type(one) is RawDataElement else _converted(one) for one in ds.values()]
    except _Unusual:
        return None
    if not rows:
        return None
    tags, vrs, lengths, values, _, implicit, little, raw, _ = zip(*rows, strict=True)
    if not _whole(lengths, values):
        return None
    tags = tuple(map(int, tags))
    charset = values[tags.index(SPECIFIC_CHARACTER_SET)] if SPECIFIC_CHARACTER_SET in tags else None
    shape = (tags, vrs, implicit, little, ds.original_encoding, charset)
    forms = {*implicit} - {_CONVERTED} if {*little} <= {True, _CONVERTED} else ()
    return Rows(shape, tags, vrs, tuple(forms), raw, values)


def _whole(lengths: tuple[int, ...], values: tuple[bytes | None, ...]) -> bool:
    """Whether every value has the length that the file says. One of undefined length has not."""
    try:
        return lengths == tuple(map(len, values))  # type: ignore[arg-type]
    except TypeError:  # pydicom reads some empty values as None
        return all(length == len(value or b"") for length, value in zip(lengths, values, strict=True))


def _converted(element: DataElement | RawDataElement) -> _Row:
    """An element that pydicom has converted already, in the form of a raw one."""
    key = _key(element, 0)
    return (int(element.tag), element.VR, len(key), key, 0, _CONVERTED, _CONVERTED, False, False)


def _key(element: DataElement | RawDataElement, depth: int) -> tuple[Hashable, ...]:
    if type(element) is RawDataElement:
        return (int(element.tag), *element[1:4], *element[5:7])
    if depth > MAX_DEPTH or type(element) is not DataElement:
        raise _Unusual
    if element.VR == "SQ":
        return tuple(_item(item, depth) for item in element.value or ())
    if element.is_undefined_length:
        raise _Unusual
    return (element.VR, *_plain(element.value))


def _item(ds: Dataset, depth: int) -> tuple[Hashable, ...]:
    keys = tuple((int(tag), _key(element, depth + 1)) for tag, element in ds.items())
    return (type(ds) is Dataset, ds.original_encoding, keys)


def _plain(value: object) -> tuple[Hashable, ...]:
    """Type and content of a value, so that none equals one that is written otherwise (1 and True, 1.0 and 1.00)."""
    kind = type(value)
    if kind is MultiValue:
        return tuple(_plain(part) for part in value)  # type: ignore[attr-defined]
    if value is None or kind in (str, int, bytes):
        return (kind.__name__, value)
    if kind is UID:
        return ("UID", str(value))
    if isinstance(value, IS | DSfloat):
        return (kind.__name__, repr(float(value)), getattr(value, "original_string", None), str(value))
    raise _Unusual
