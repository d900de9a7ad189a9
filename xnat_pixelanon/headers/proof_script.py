"""The proof's judgement of what a project's script set, and of a header that was left to the script alone.

The script is run again, over the source. What it set has to stand in the copy, and is searched for the source's
identifiers like everything else; a date that it set must not be the patient's birth date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

from xnat_pixelanon.headers.profile import lookup
from xnat_pixelanon.headers.proof_options import TEMPORAL_VRS, TEXT_VRS, is_dummy, is_moment
from xnat_pixelanon.headers.proof_own import LABELS
from xnat_pixelanon.headers.proof_view import View, name_of, values_of, vr_of
from xnat_pixelanon.headers.scripted import Scripted

if TYPE_CHECKING:
    from xnat_pixelanon.headers.proof import Walk

_BIRTH_DATE = 0x00100030
_TYPES = frozenset({0x00080008, 0x00089007})
_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "OB or OW", "UN"})
_LABELS = frozenset(name_of(tag) for tag in LABELS)
_NEVER = (0x00880200, 0x04000500, 0x04000561, 0x4FFE0001, 0xFFFAFFFA)
_NUMBERS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_PRIVATE_VRS = frozenset({"AE", "AS", "CS", "DS", "IS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"})


class Settled:
    """What the script set, by path, and what of it was met in the copy."""

    def __init__(self, asked: Scripted) -> None:
        self._paths, self._way = asked.settled, asked.way
        self._met: set[str] = set()

    def sets(self, path: str) -> bool:
        """Whether the script gave this element its value."""
        return path in self._paths

    def holds(self, path: str) -> bool:
        """Whether the element, or something in it, is the script's."""
        return path in self._paths or path in self._way

    def missing(self, but: Iterable[int]) -> list[str]:
        """Paths that the copy has not; `but`: tags that are the tool's own to write or to take out."""
        own = {name_of(tag) for tag in but}
        return [path for path in self._paths if path not in self._met and path not in own]

    def judge(self, walk: Walk, element: DataElement, written: View, source: View, here: str) -> None:
        """`source`: what the script made of it."""
        self._met.add(here)
        tag, before = int(element.tag), source.get(int(element.tag))
        if element.VR == "SQ" or (tag in _TYPES and walk.request.pixels_changed):
            walk.kept(element, written, source, here)
            return
        if before is not None and before.VR != element.VR:
            element = written.as_vr(tag, before.VR) or element
        if before is None or values_of(element) != values_of(before):
            walk.find(here, "not what the script set")
        ours = {walk.request.subject_label, walk.request.session_label}
        if here in _LABELS and set(values_of(element)) <= ours:
            return  # where the tool would write one itself
        _searched(walk, element, written, here)
        if _copied(walk, element):
            walk.find(here, "identifier")


def births_of(source: View) -> frozenset[str]:
    """Days on which the patient was born, at any depth, as YYYYMMDD."""
    found = (one for one in source.everything() if int(one.tag) == _BIRTH_DATE)
    return frozenset(_day(text) for one in found for text in values_of(one) if text)


def _day(text: str) -> str:
    return re.sub(r"[.\-/]", "", text)[:8]


def alone(walk: Walk, element: DataElement, written: View, source: View, here: str) -> None:
    """A standard attribute where no profile applies."""
    tag, vr = int(element.tag), vr_of(int(element.tag))
    row = lookup(tag)
    binary = vr in _BINARY and (row is None or row.basic != "K")
    if not vr or binary or tag in _NEVER or tag >> 24 in (0x50, 0x60):
        walk.find(here, "carries what nothing can search, or the picture as it was")
    elif vr == "PN":
        if any(values_of(element)) and not is_dummy(element):
            walk.find(here, "VR PN")
    elif vr in TEMPORAL_VRS:
        walk.same(element, source, here)
        if not all(is_moment(text, vr) for text in values_of(element) if text):
            walk.find(here, f"not a value of {vr}")
        _searched(walk, element, written, here)
    else:
        walk.kept(element, written, source, here)
        _described(walk, element, here)


def private_alone(walk: Walk, element: DataElement, written: View, source: View, here: str) -> None:
    """A private element where no profile applies: text, as in the source."""
    if element.VR not in _PRIVATE_VRS:
        walk.find(here, "private element that is no text")
        return
    walk.same(element, source, here)
    _searched(walk, element, written, here)
    _described(walk, element, here)


def _described(walk: Walk, element: DataElement, here: str) -> None:
    """Text that the profile would have emptied, mostly."""
    if element.VR in TEXT_VRS and any(
        walk.search.in_description(text, int(element.tag)) for text in values_of(element)
    ):
        walk.find(here, "identifier")


def _copied(walk: Walk, element: DataElement) -> bool:
    """Short identifiers, which are no accident where a script has set the value."""
    tag, vr, search = int(element.tag), str(element.VR), walk.search
    if isinstance(element.value, bytes):
        return search.in_description(element.value.decode("latin-1"), tag)
    if vr in TEMPORAL_VRS or vr in _NUMBERS:
        return any(search.is_one(text) for text in values_of(element))
    if vr == "CS":
        return any(search.in_code(text) for text in values_of(element))
    return vr != "UI" and any(search.in_description(text, tag) for text in _together(values_of(element)))


def _together(values: list[str]) -> list[str]:
    """Values, and all of them as one text: a script can take a value apart."""
    return values if len(values) < 2 else [*values, "\\".join(values)]


def _searched(walk: Walk, element: DataElement, written: View, here: str) -> None:
    tag, values = int(element.tag), values_of(element)
    if element.VR in TEMPORAL_VRS:
        found = any(_day(text) in walk.births for text in values)
    elif element.VR == "PN":
        found = any(walk.search.in_text(text, "LO", tag) for text in values)
    elif element.VR == "UI":
        found = any(walk.own_uid(text) for text in values)
    else:
        walk.searched(element, written.raw(tag), here)
        return
    if found:
        walk.find(here, "identifier")
