"""Values of elements as scripts see them: one text, several values joined by a backslash."""

from __future__ import annotations

import math
import re
import struct
from types import MappingProxyType

from pydicom import config
from pydicom.datadict import private_dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.valuerep import validate_value

from xnat_pixelanon.headers.silence import PYDICOM_ERRORS
from xnat_pixelanon.headers.tree import CHARSET_VRS, STRING_VRS, Node, dictionary_vr

_ONE_VALUE_VRS = frozenset({"LT", "ST", "UR", "UT"})
_STRUCT = MappingProxyType({"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Failed(Exception):
    """A statement that cannot be done on this instance. Its words never hold a value of it."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def element_at(ds: Dataset, tag: int) -> DataElement:
    """An element that is there, converted by pydicom. Raises Failed."""
    try:
        return ds[BaseTag(tag)]
    except PYDICOM_ERRORS:
        raise Failed("an element cannot be read") from None


def text_of(element: DataElement) -> str:
    """The element's value as text, '' where it is empty. Raises Failed for sequences and bytes."""
    value = element.value
    if element.VR == "SQ":
        raise Failed("a sequence has no value")
    if isinstance(value, bytes):
        if element.VR != "UN" or not value.isascii():
            raise Failed("a value of bytes is no text")
        return value.decode("ascii").rstrip(" \0")
    if value is None:
        return ""
    values = value if isinstance(value, MultiValue | list | tuple) else [value]
    return "\\".join(str(part).rstrip(" \0") for part in values if part is not None)


def vr_for(ds: Dataset, tag: int, creator: str = "") -> str:
    """The VR that an element has, or gets when it is made: PS3.6's, a known private dictionary's, else UN."""
    if tag in ds:
        return element_at(ds, tag).VR
    if not (tag >> 16) % 2:
        vr = dictionary_vr(tag)
        if not vr or " " in vr:
            raise Failed("an element cannot be made whose VR PS3.6 does not give")
        return vr
    try:
        vr = private_dictionary_VR(tag, creator)
    except KeyError:
        return "UN"
    return vr if " " not in vr else "UN"


def element_of(tag: int, vr: str, text: str, node: Node) -> DataElement:
    """The element for `text`. Raises Failed where the VR or the character set does not allow it (PS3.5 6.2, 6.1)."""
    if vr in STRING_VRS:
        parts = [text] if vr in _ONE_VALUE_VRS else text.split("\\")
        for part in parts:
            _check(vr, part, node)
        try:
            return DataElement(tag, vr, parts if len(parts) > 1 else text, validation_mode=config.IGNORE)
        except PYDICOM_ERRORS:
            raise Failed(f"the value is not one of VR {vr}") from None
    if vr in _STRUCT and text:
        numbers = [_number(vr, part) for part in text.split("\\")]
        return DataElement(tag, vr, numbers if len(numbers) > 1 else numbers[0])
    if vr == "UN":
        if not text.isascii():
            raise Failed("an element of VR UN takes ASCII only")
        raw = text.encode("ascii")
        return DataElement(tag, vr, raw + bytes(len(raw) % 2))
    if text:
        raise Failed(f"an element of VR {vr} takes no text")
    return DataElement(tag, vr, Sequence() if vr == "SQ" else None)


def _check(vr: str, text: str, node: Node) -> None:
    try:
        validate_value(vr, text, config.RAISE)
    except PYDICOM_ERRORS:
        raise Failed(f"the value is not one of VR {vr}") from None
    if _CONTROL.search(text if vr not in _ONE_VALUE_VRS else re.sub(r"[\t\n\f\r]", "", text)):
        raise Failed("the value has control characters")  # an escape would start another character set
    if text.isascii():
        return
    if vr not in CHARSET_VRS or node.default_repertoire or not all(_encodes(sign, node.encodings) for sign in text):
        raise Failed("the value has characters that the Specific Character Set of the instance has not")


def _encodes(sign: str, encodings: list[str]) -> bool:
    for encoding in encodings:
        try:
            sign.encode(encoding)
        except UnicodeError:
            continue
        return True
    return False


def _number(vr: str, text: str) -> int | float:
    try:
        number = float(text) if vr in ("FD", "FL") else int(text)
        struct.pack(_STRUCT[vr], number)
        if not math.isfinite(number):
            raise ValueError
    except (ValueError, OverflowError, struct.error):
        raise Failed(f"the value is not one of VR {vr}") from None
    return number
