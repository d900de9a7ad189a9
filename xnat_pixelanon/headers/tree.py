"""A data set as read, resolved once: effective VRs, decoded text, parsed sequences, and what is wrong with a value.

pydicom's lazily read elements are looked at through `get_item`, so the source data set is not touched, and a kept
element can be written with the very bytes that were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_is_retired, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS

HEADER_REFUSED = "header-refused"
MAX_DEPTH = 40
SPECIFIC_CHARACTER_SET = 0x00080005

TEXT_VRS = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
NUMBER_STRING_VRS = frozenset({"DS", "IS"})
DATE_VRS = frozenset({"DA", "DT", "TM"})
STRING_VRS = TEXT_VRS | NUMBER_STRING_VRS | DATE_VRS | {"UI"}
CHARSET_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_ONE_VALUE_VRS = frozenset({"LT", "ST", "UR", "UT"})
# PS3.5 6.2: bytes of one value. Ambiguous VRs all have two.
SIZES = {"AT": 4, "FL": 4, "FD": 8, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8, "US or SS": 2}
_FAMILIES = (
    frozenset({"CS", "LO", "LT", "SH", "ST", "UC", "UT"}),
    frozenset({"DS", "IS"}),
    frozenset({"SS", "US"}),
    frozenset({"SL", "UL"}),
    frozenset({"OB", "OW"}),
)
_NUMBER = rb" *(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)? *"
_NUMBERS = re.compile(_NUMBER + rb"(?:\\" + _NUMBER + rb")*\0?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffd]")
_DEFAULT_TERMS = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6"})
_ESCAPE = b"\x1b"


@dataclass(slots=True)
class Element:
    """One element. `vr` is what it is treated as ('' where neither file nor dictionary say); `texts` are its decoded
    values where it is a string; `fault` says what is wrong with it, or is empty."""

    tag: int
    vr: str
    source: RawDataElement | DataElement
    texts: tuple[str, ...] = ()
    items: tuple[Node, ...] | None = None
    fault: str = ""

    def walk(self) -> Iterator[Element]:
        """This element and, where it is a sequence, all within, parents first."""
        yield self
        for item in self.items or ():
            yield from item.walk()


@dataclass(slots=True)
class Node:
    """A data set or sequence item. `charset`: the Defined Terms it declares, None where it inherits."""

    elements: list[Element]
    charset: tuple[str, ...] | None
    encodings: list[str]
    default_repertoire: bool
    encoding: tuple[bool | None, bool | None]
    creators: Mapping[int, str] = field(default_factory=dict)
    """Private creators by their tag."""

    def walk(self) -> Iterator[Element]:
        """Every element at every depth, parents first."""
        for element in self.elements:
            yield from element.walk()


def is_dataset_tag(tag: int) -> bool:
    """False for private elements, group lengths, and groups that belong in commands, file meta or DICOMDIR."""
    group = tag >> 16
    return group >= 8 and not group % 2 and tag & 0xFFFF != 0


@lru_cache(maxsize=8192)
def dictionary_vr(tag: int) -> str:
    """VR of a standard attribute, '' where pydicom's dictionary of PS3.6 has none, and for repeating groups."""
    return dictionary_VR(tag) if is_dataset_tag(tag) and dictionary_has_tag(tag) else ""


@lru_cache(maxsize=8192)
def is_retired(tag: int) -> bool:
    return dictionary_is_retired(tag)


def read_tree(ds: Dataset, parent: Node | None = None, depth: int = 0) -> Node:
    """Resolve `ds` and all its items. InstanceError(header-refused) where its structure cannot be relied upon."""
    if depth > MAX_DEPTH:
        raise InstanceError(HEADER_REFUSED, f"sequences are nested deeper than {MAX_DEPTH}")
    node = empty_node(ds, parent)
    node.elements.extend(read_element(ds, tag, node, depth) for tag in sorted(ds.keys()))
    return node


def read_element(ds: Dataset, tag: BaseTag, node: Node, depth: int = 0) -> Element:
    """Resolve one element of `ds`; `node`: the empty node of `ds`, for its character set and encoding."""
    source = read_now(ds, tag)
    if is_dataset_tag(tag):
        return _read(int(tag), source, node, depth)
    return _private(int(tag), source, node, depth)


def _private(tag: int, source: RawDataElement | DataElement, node: Node, depth: int) -> Element:
    """An element that goes whatever it holds; of a private one, the names and dates in it are read where it says so."""
    element = Element(tag, "", source)
    if not (tag >> 16) % 2 or depth >= MAX_DEPTH:
        return element
    if isinstance(source, RawDataElement) and source.VR in ("PN", "DA", "DT") and isinstance(source.value, bytes):
        element.vr = source.VR
        _read_string(element, source.value, node)
    elif source.VR == "SQ":
        try:
            items = _items(tag, source, node) if isinstance(source, RawDataElement) else list(source.value or ())
            element.items = tuple(read_tree(item, node, depth + 1) for item in items)
        except InstanceError:  # not to be read: then nothing in it is known to anyone
            element.items = None
    return element


def read_now(ds: Dataset, tag: BaseTag) -> RawDataElement | DataElement:
    """One element, read now where pydicom had put that off. InstanceError(header-refused) where it cannot be."""
    before = ds.get_item(tag, keep_deferred=True)
    try:
        return ds.get_item(tag)  # reads what was deferred
    except PYDICOM_ERRORS:
        with suppress(*PYDICOM_ERRORS):  # a private one is converted when it is put there
            ds[tag] = before  # where pydicom has put a broken one that it would give out next time
        raise InstanceError(HEADER_REFUSED, f"{path_of(tag)} cannot be read") from None


def empty_node(ds: Dataset, parent: Node | None = None) -> Node:
    """The node of `ds` without its elements: its character set, and how it is encoded."""
    terms: tuple[str, ...] | None = None
    if SPECIFIC_CHARACTER_SET in ds:
        source = ds.get_item(SPECIFIC_CHARACTER_SET)
        terms = _charset_terms(source)
    if terms is None and parent is not None:
        encodings, default = parent.encodings, parent.default_repertoire
    else:
        encodings = convert_encodings(list(terms or ("",)))
        default = not terms or terms[0] in _DEFAULT_TERMS
    return Node([], terms, encodings, default, ds.original_encoding, _creators(ds))


def _creators(ds: Dataset) -> dict[int, str]:
    """PS3.5 7.8.1: elements (gggg,0010) to (gggg,00FF) of odd groups."""
    found, tags = {}, list(ds.keys())
    for tag in tags:
        if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            value = ds.get_item(tag).value
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if isinstance(text, str):
                found[int(tag)] = text.strip(" \0")
    return found


def read_private(element: Element, vr: str, node: Node) -> Element | None:
    """A private element as one of this VR; None where the file says another, or its value is not one."""
    source = element.source
    if not isinstance(source, RawDataElement) or source.VR not in (None, "UN", vr) or not source.value:
        return None
    if source.VR == "UN" and source.is_little_endian is False:
        return None  # PS3.5 6.2.2: UN is little endian
    read = _read(element.tag, source._replace(VR=vr), node, MAX_DEPTH)
    return None if read.fault else read


def _charset_terms(source: RawDataElement | DataElement) -> tuple[str, ...]:
    """Defined Terms of PS3.3 C.12.1.1.2, common misspellings put right; () where one is unknown."""
    value = source.value
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    values = [value] if isinstance(value, str) else list(value or ())
    terms = []
    for text in values:
        term = str(text).strip(" \0")
        term = re.sub(r"^ISO[-_ ]IR[-_ ]?", "ISO_IR ", term)
        term = re.sub(r"^ISO[-_ ]2022[-_ ]IR[-_ ]?", "ISO 2022 IR ", term)
        if term not in python_encoding:
            return ()
        terms.append(term)
    return tuple(terms)


def _effective_vr(tag: int, file_vr: str | None) -> tuple[str, str]:
    """The VR to treat an element as, and a fault where the file's VR cannot be the attribute's."""
    known = dictionary_vr(tag)
    if file_vr is None or file_vr == "UN" or file_vr == known:
        return known, ""
    if not known or file_vr in known.split(" or ") or any(file_vr in vrs and known in vrs for vrs in _FAMILIES):
        return file_vr, ""
    return file_vr, "VR"


def _read(tag: int, source: RawDataElement | DataElement, node: Node, depth: int) -> Element:
    vr, fault = _effective_vr(tag, source.VR)
    element = Element(tag, vr, source, fault=fault)
    if isinstance(source, RawDataElement):
        _check_length(tag, source)
        if vr == "SQ":
            element.items = tuple(read_tree(item, node, depth + 1) for item in _items(tag, source, node))
        elif vr in STRING_VRS or (fault and dictionary_vr(tag) in STRING_VRS):
            _read_string(element, source.value or b"", node)
        elif vr in SIZES and len(source.value or b"") % SIZES[vr]:
            element.fault = "length"
        elif source.VR == "UN" and (" " in vr or source.is_little_endian is False):
            element.fault = "VR"  # PS3.5 6.2.2: UN is little endian, and nothing says which of two VRs it is
    elif vr == "SQ" and source.VR == "SQ":
        element.items = tuple(read_tree(item, node, depth + 1) for item in source.value or ())
    elif vr != source.VR:
        element.fault = "VR"
    elif vr in STRING_VRS:
        element.texts = as_texts(source)
        if vr in NUMBER_STRING_VRS and not all(_NUMBERS.fullmatch(text.encode()) for text in element.texts):
            element.fault = "number"  # pydicom reads some as text
        element.fault = element.fault or ("text" if any(_CONTROL.search(text) for text in element.texts) else "")
    return element


def _check_length(tag: int, source: RawDataElement) -> None:
    found = len(source.value) if source.value else 0
    if source.length not in (found, 0xFFFFFFFF):
        raise InstanceError(HEADER_REFUSED, f"{path_of(tag)} is shorter than its length says, or was not read")


def _items(tag: int, source: RawDataElement, node: Node) -> list[Dataset]:
    if source.VR == "UN":  # PS3.5 6.2.2 note: a sequence in UN is implicit VR little endian
        source = source._replace(VR="SQ", is_implicit_VR=True, is_little_endian=True)
    unreadable = InstanceError(HEADER_REFUSED, f"sequence {path_of(tag)} cannot be read")
    try:
        items = list(convert_raw_data_element(source, encoding=node.encodings).value or ())
    except PYDICOM_ERRORS:
        raise unreadable from None
    if not all(isinstance(item, Dataset) for item in items):  # pydicom tries other VRs where it finds no items
        raise unreadable
    return items


def _read_string(element: Element, value: bytes, node: Node) -> None:
    if element.vr in NUMBER_STRING_VRS and not _NUMBERS.fullmatch(value):
        element.fault = element.fault or "number"
    plain = value.isascii() and _ESCAPE not in value
    if plain:
        text = value.decode("ascii")
    elif element.vr not in CHARSET_VRS or (node.default_repertoire and _ESCAPE not in value):
        # PS3.5 6.1.2: without a character set that has them, these bytes have no meaning.
        text, element.fault = value.decode("latin-1"), element.fault or "text"
    else:
        text = _decode(value, node.encodings, element.vr)
    text = text.rstrip(" \0")
    element.texts = (text,) if element.vr in _ONE_VALUE_VRS else tuple(part.strip(" ") for part in text.split("\\"))
    if not element.fault and _CONTROL.search(text):
        element.fault = "text"


def _decode(value: bytes, encodings: list[str], vr: str) -> str:
    delimiters = set(b"\r\n\t\f") if vr in _ONE_VALUE_VRS else set(b"\\^=") if vr == "PN" else set(b"\\")
    if len(encodings) == 1 and _ESCAPE not in value:
        # Not by backslash: in GBK and Shift-JIS it is also the second byte of other characters.
        return value.decode(encodings[0], errors="replace")
    return decode_bytes(value, encodings, delimiters)


def as_texts(source: RawDataElement | DataElement) -> tuple[str, ...]:
    """The values of an element that pydicom has converted, as text."""
    value = source.value
    values = list(value) if isinstance(value, MultiValue | list | tuple) else [value]  # a PersonName iterates too
    return tuple(str(part).rstrip(" \0") for part in values if part is not None)


def as_read(element: Element) -> RawDataElement | DataElement:
    """The element as it is in the file, with the VR of its attribute where the file calls it UN."""
    source = element.source
    if isinstance(source, RawDataElement) and source.VR == "UN":
        return source._replace(VR=element.vr)
    return source


def well_padded(element: Element) -> bool:
    """Whether UIDs stand in the file as pydicom would write them, with at most one zero behind them (PS3.5 6.2)."""
    source, plain = element.source, "\\".join(element.texts).encode()
    return source.VR == "UI" and (
        not isinstance(source, RawDataElement) or source.value == plain + bytes(len(plain) % 2)
    )


def path_of(tag: int) -> str:
    """`(gggg,eeee)`, in capitals."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
