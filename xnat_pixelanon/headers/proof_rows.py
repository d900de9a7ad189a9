"""One side of the comparison as keys: what the proof remembers a verdict by. Written apart from rows.py on purpose.

Two data sets with the same form and the same key for an element look the same to `View` there: VR, bytes, byte order,
implicit VR, character set, and all of that within sequences; of an element that pydicom has converted, VR, type, value.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import UID
from pydicom.valuerep import IS, DSfloat

from xnat_pixelanon.headers.proof_view import CHARACTER_SET

_DEEPEST = 40
_READ = "read"


class StrangeError(Exception):
    """A data set that is not to be remembered."""


@dataclass(frozen=True, slots=True)
class Side:
    """The top level of a data set. `form`: its tags, their VRs and encoding, and the character set."""

    form: Hashable
    tags: tuple[int, ...]
    vrs: tuple[str | None, ...]
    keys: tuple[Hashable, ...]

    @property
    def extra(self) -> int:
        """Bytes of what a form holds besides its tags: the character set, as long as a file may have it."""
        return size_of(self.keys[self.tags.index(CHARACTER_SET)]) if CHARACTER_SET in self.tags else 0


def side_of(ds: Dataset) -> Side:
    """StrangeError where a data set is empty, not in the order of its tags, or holds what there is no key for."""
    found = [one if type(one) is RawDataElement else _read(one) for one in ds.values()]
    if not found:
        raise StrangeError
    names, vrs, lengths, keys, _, implicit, little, *_ = zip(*found, strict=True)
    tags = tuple(map(int, names))
    if None in keys and any(length and key is None for key, length in zip(keys, lengths, strict=True)):
        raise StrangeError  # not read yet
    charset = keys[tags.index(CHARACTER_SET)] if CHARACTER_SET in tags else None
    return Side((tags, vrs, implicit, little, charset), tags, vrs, keys)


def size_of(key: Hashable) -> int:
    """Bytes that a key needs, roughly."""
    if isinstance(key, tuple):
        return 60 + sum(size_of(part) for part in key)
    return 40 + (len(key) if isinstance(key, bytes | str) else 0)


def _read(element: DataElement | RawDataElement) -> tuple[Hashable, ...]:
    """In the form of a raw element."""
    return (int(element.tag), element.VR, 0, _of_element(element, 0), 0, _READ, _READ, False, False)


def _of_element(element: DataElement | RawDataElement, depth: int) -> tuple[Hashable, ...]:
    if isinstance(element, RawDataElement):
        if element.value is None and element.length:
            raise StrangeError
        return ("raw", element.VR, element.value, element.is_implicit_VR, element.is_little_endian)
    if element.VR != "SQ":
        return (_READ, element.VR, *_of_value(element.value))
    if depth > _DEEPEST:
        raise StrangeError
    return (
        "items",
        *(
            tuple((int(tag), _of_element(inner, depth + 1)) for tag, inner in item.items())
            for item in element.value or ()
        ),
    )


def _of_value(value: object) -> tuple[Hashable, ...]:
    if value is None or (isinstance(value, str | int | bytes) and type(value) in (str, int, bytes, BaseTag)):
        return (type(value).__name__, value)
    if type(value) is UID:
        return ("UID", str(value))
    if isinstance(value, DSfloat | IS):
        return (type(value).__name__, str(value), getattr(value, "original_string", None), float(value).hex())
    if type(value) is MultiValue:
        return tuple(_of_value(part) for part in value)
    raise StrangeError
