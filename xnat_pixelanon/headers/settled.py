"""What the engine does with an element that the project's script set: it stays, unless it identifies the source.

A date that a script sets is the owner's decision, but for the day on which the patient was born. Labels of the clean
side may be written over Patient's Name and Patient ID, as XNAT's own script does, also where they are those of staging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement, RawDataElement

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers.tree import DATE_VRS, HEADER_REFUSED, NUMBER_STRING_VRS, SIZES, Element, as_texts, path_of

if TYPE_CHECKING:
    from xnat_pixelanon.headers.engine import Cleaner
    from xnat_pixelanon.headers.scripted import Scripted


def settled_by(script: Scripted, cleaner: Cleaner, element: Element, path: str) -> RawDataElement | DataElement | None:
    """The element as the script set it; of a sequence that holds such elements, its items, cleaned around them.

    InstanceError(header-refused), with the script's line, where the value identifies the source.
    """
    here = path + path_of(element.tag)
    if element.items is not None:
        return cleaner.keep(element, path)
    if here not in script.settled:  # the sequence of one that is, and what else is in it is not known
        raise InstanceError(HEADER_REFUSED, f"sequence {here} cannot be read")
    if _identifies(cleaner, element) and not (_takes_labels(here) and set(element.texts) <= script.labels):
        raise InstanceError(
            HEADER_REFUSED, f"script, {script.settled[here]}: {here} would hold what identifies the source"
        )
    return element.source


def _takes_labels(path: str) -> bool:
    """Whether it is that of Patient's Name or Patient ID at the top level."""
    return path in ("(0010,0010)", "(0010,0020)")


def _identifies(cleaner: Cleaner, element: Element) -> bool:
    """Stricter than for what the profile keeps: a script may copy any value anywhere, short ones too."""
    tag, value, found = element.tag, element.source.value, cleaner.identifiers
    if isinstance(value, bytes):  # UN: what a script sets is text
        return found.in_bytes(value) or found.in_description(value.decode("latin-1"), tag)
    vr = element.vr or str(element.source.VR)
    texts = element.texts or as_texts(element.source)
    if vr in DATE_VRS:
        return found.born(texts) or any(found.is_one(text) for text in texts)
    if vr in NUMBER_STRING_VRS or vr in SIZES:
        return any(found.in_number(text, tag) or found.is_one(text) for text in texts)
    if vr == "CS":
        return any(cleaner.identifies(text, element) or found.in_code(text) for text in texts)
    if len(texts) > 1:  # a script can take a value apart
        texts = (*texts, "\\".join(texts))
    return any(cleaner.identifies(text, element) or found.in_description(text, tag) for text in texts)
