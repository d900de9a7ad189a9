"""What options and exceptions let stay of an element, for the engine: retained, moved, or cleaned word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.charset import encode_string
from pydicom.dataelem import DataElement, RawDataElement

from xnat_pixelanon.headers.descriptors import without_words
from xnat_pixelanon.headers.identity import is_uid
from xnat_pixelanon.headers.profile import safe_attributes
from xnat_pixelanon.headers.rulings import DESCRIPTIVE_VRS, Way
from xnat_pixelanon.headers.safe_private import creator_of, is_creator, safe_creators
from xnat_pixelanon.headers.shift import is_temporal, shifted
from xnat_pixelanon.headers.tree import DATE_VRS, STRING_VRS, Element, Node, as_read, read_private

if TYPE_CHECKING:
    from xnat_pixelanon.headers.engine import Cleaner

Place = tuple[Element, Node, str]
"""An element, its data set, and the path to it."""


def under_option(cleaner: Cleaner, way: Way, place: Place, rule: str) -> RawDataElement | DataElement | None:
    """What an option makes of an element; None where it does not let it stay after all."""
    element, _, path = place
    vr = element.vr
    if vr in DATE_VRS:
        if not all(not text or is_temporal(text, vr) for text in element.texts):
            return None
        return _moved(cleaner, element, path, rule) if way == "shift" else as_read(element)
    if vr == "UI":
        return as_read(element) if all(is_uid(text) for text in element.texts) else None
    return _described(cleaner, place, rule) if way == "clean" else cleaner.keep(element, path)


def safe_private(cleaner: Cleaner, place: Place) -> RawDataElement | DataElement | None:
    """A private element that is listed as safe, or its creator; None for all others, and where one identifies."""
    element, node, path = place
    tag = element.tag
    if is_creator(tag):
        name = node.creators.get(tag, "")
        return DataElement(tag, "LO", name) if (name, tag >> 16) in safe_creators() else None
    creator = node.creators.get(creator_of(tag), "")
    vr = safe_attributes().get((creator, tag >> 16, tag & 0xFF))
    read = None if vr is None else read_private(element, vr, node)
    if read is None:
        return None
    if read.vr in DESCRIPTIVE_VRS:
        return _described(cleaner, (read, node, path), "retain-safe-private C")
    value = read.source.value or b""
    if read.vr in STRING_VRS:
        found = any(cleaner.identifies(text, read) for text in read.texts) or cleaner.bytes_identify(value, read)
    else:
        found = cleaner.binary_identifies(read.source, value, read.vr)
    return None if found else read.source


def private_text(cleaner: Cleaner, place: Place) -> RawDataElement | DataElement | None:
    """Without a profile: a private element that is text, says so, and does not identify; None for all others."""
    element, node, _ = place
    vr = element.source.VR
    if not isinstance(element.source, RawDataElement) or vr not in STRING_VRS or vr in DATE_VRS or vr in ("PN", "UI"):
        return None
    read = read_private(element, vr, node)
    if read is None or any(cleaner.identifies(text, read) for text in read.texts):
        return None
    return None if cleaner.bytes_identify(element.source.value or b"", read) else read.source


def _described(cleaner: Cleaner, place: Place, rule: str) -> RawDataElement | DataElement:
    """A description without the words that identify."""
    element, node, path = place
    tag, vr, source = element.tag, element.vr, element.source
    wholes, parts = cleaner.identifiers.in_text, cleaner.identifiers.in_description
    # Whole names and ids first: looked for by their parts, something of them would be left.
    rest = [without_words(text, lambda part: wholes(part, tag=tag)) for text in element.texts]
    texts = [without_words(text, lambda part: parts(part, tag)) for text in rest]
    raw = source.value if isinstance(source, RawDataElement) else None
    if texts != list(element.texts):
        raw = encode_string("\\".join(texts), node.encodings)
    if isinstance(raw, bytes) and cleaner.bytes_identify(raw, element):
        return cleaner.empty(element, path, rule)
    if texts == list(element.texts):
        return as_read(element)
    if not any(texts):
        return cleaner.empty(element, path, rule)
    cleaner.note(path, tag, rule, "emptied in part")
    return DataElement(tag, vr, texts if len(texts) > 1 else texts[0])


def _moved(cleaner: Cleaner, element: Element, path: str, rule: str) -> RawDataElement | DataElement | None:
    texts = [text and shifted(text, element.vr, cleaner.days) for text in element.texts]
    if None in texts:
        return None
    if texts == list(element.texts):
        return as_read(element)
    cleaner.note(path, element.tag, rule, "shifted")
    return DataElement(element.tag, element.vr, texts if len(texts) > 1 else texts[0])
