"""What the engine does with an element that the project's script set: it stays, unless it identifies the source.

A date that a script sets is the owner's decision, but for the day on which the patient was born. Labels of the clean
side may be written over Patient's Name and Patient ID, as XNAT's own script does, also where they are those of staging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement, RawDataElement

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers.tree import DATE_VRS, HEADER_REFUSED, STRING_VRS, Element, path_of

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
    if _identifies(cleaner, element) and not (_takes_labels(here) and set(element.texts) <= script.labels):
        raise InstanceError(
            HEADER_REFUSED, f"script, {script.settled[here]}: {here} would hold what identifies the source"
        )
    return element.source


def _takes_labels(path: str) -> bool:
    """Whether it is that of Patient's Name or Patient ID at the top level."""
    return path in ("(0010,0010)", "(0010,0020)")


def _identifies(cleaner: Cleaner, element: Element) -> bool:
    value = element.source.value
    if element.vr in DATE_VRS:
        return cleaner.identifiers.born(element.texts)
    if element.vr in STRING_VRS:
        return any(cleaner.identifies(text, element) for text in element.texts)
    if isinstance(value, bytes):
        return cleaner.identifiers.in_bytes(value)
    return isinstance(value, str) and cleaner.identifiers.in_text(value, tag=element.tag)
