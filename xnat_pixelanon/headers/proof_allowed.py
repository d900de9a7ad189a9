"""The proof's judgement of what options and exceptions let stay: see proof_options.py for what they say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement

from xnat_pixelanon.headers.profile import lookup, safe_attributes
from xnat_pixelanon.headers.proof_options import (
    TEMPORAL_VRS,
    TEXT_VRS,
    cell_of,
    excepted,
    moments_right,
    words_left,
)
from xnat_pixelanon.headers.proof_view import View, values_of, vr_of

if TYPE_CHECKING:
    from xnat_pixelanon.headers.proof import Walk

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)


def private_right(walk: Walk, element: DataElement, written: View, source: View, here: str) -> None:
    """A private element has to be listed as safe, under the creator that it has in the source too."""
    tag = int(element.tag)
    group, number, own = tag >> 16, tag & 0xFFFF, safe_attributes()
    if 0x10 <= number <= 0xFF:
        names, known = written.creator(tag), {(creator, at) for creator, at, _ in own}
        if names != source.creator(tag):
            walk.find(here, "not the source's private creator")
        elif not all((name, group) in known for name in names) or element.VR not in ("LO", "UN"):
            walk.find(here, "private creator without a safe attribute")
        return
    block = group << 16 | number >> 8
    names = written.creator(block)
    vr = own.get((names[0], group, number & 0xFF)) if len(names) == 1 and number > 0xFFF else None
    after, before = (None, None) if vr is None else (written.as_vr(tag, vr), source.as_vr(tag, vr))
    if vr is None or names != source.creator(block) or after is None or before is None:
        walk.find(here, "private element that is not listed as safe")
    elif vr in TEXT_VRS:
        _words_right(walk, after, values_of(before), written.raw(tag), here)
    else:
        if values_of(after) != values_of(before):
            walk.find(here, "not the source's value")
        walk.searched(after, written.raw(tag), here)


def _words_right(walk: Walk, element: DataElement, before: list[str], raw: bytes, here: str) -> None:
    """Whether a description is the source's without some of its words, and none is left that identifies."""
    values = values_of(element)
    if values and not words_left(values, before):
        walk.find(here, "not the source's value without some words")
    walk.searched(element, raw, here)
    if any(walk.search.in_description(text, int(element.tag)) for text in values):
        walk.find(here, "identifier")


def allowed(walk: Walk, element: DataElement, written: View, source: View, here: str) -> bool:
    """Whether an option or exception lets this stay, judged here; what none does is left to the Basic Profile."""
    tag, vr, values = int(element.tag), element.VR, values_of(element)
    rules = walk.request.rules
    cell = cell_of(lookup(tag), tag, rules)
    if not cell or not vr or vr != vr_of(tag):
        return False
    before = values_of(source.get(tag)) if tag in source.tags() else []
    if vr in TEMPORAL_VRS:
        if not values:
            return not any(before)  # nothing, as in the source
        days = walk.days if cell == "C" else 0
        return (cell == "K" or days != 0) and moments_right(values, before, vr, days)
    if vr == "UI":
        return bool(values) and values == before and all(_UID.fullmatch(uid) for uid in values if uid)
    if vr in TEXT_VRS and (cell == "C" or excepted(tag, rules)):
        _words_right(walk, element, before, written.raw(tag), here)
    elif (cell == "C" and vr != "SQ") or (vr == "SQ" and not values):
        return False
    else:
        walk.kept(element, written, source, here)
    return True
