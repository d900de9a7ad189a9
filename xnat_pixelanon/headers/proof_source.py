"""What a source tells the proof to look for, in parts: those of one session's files are mostly the same.

`Found` of the whole is the union of `Found` of its elements. The SOP Instance UID, another one in each file, is kept
apart and looked for by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.domain.header_rules import HeaderRules
from xnat_pixelanon.headers.identity import is_well_known
from xnat_pixelanon.headers.profile import lookup
from xnat_pixelanon.headers.proof_memory import ProofMemory
from xnat_pixelanon.headers.proof_rows import Side, StrangeError
from xnat_pixelanon.headers.proof_search import Found
from xnat_pixelanon.headers.proof_told import Contents, Told
from xnat_pixelanon.headers.proof_view import CHARACTER_SET, OWN_UIDS, View, values_of, vr_of

INSTANCE = 0x00080018
RUN = 20
"""Digits of a UID that can be looked for in runs of digits alone."""
_TITLES = (BaseTag(0x00020016), BaseTag(0x00020017), BaseTag(0x00020018))
_PLAIN_UID = re.compile(rb"[0-9.]+[ \0]?")
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """A source: its side, what its elements tell but the SOP Instance UID, and that, without padding."""

    side: Side
    told: tuple[Told, ...]
    instance: str

    @property
    def own_uids(self) -> frozenset[str]:
        """Digits of the UIDs of study, series and frame of reference."""
        uids = {uid for one in self.told for uid in one.uids}
        return frozenset(uid.replace(".", "") for uid in uids if uid and not is_well_known(uid))

    @property
    def digits(self) -> str:
        return self.instance.replace(".", "")


def source_of(ds: Dataset, side: Side, rules: HeaderRules, memory: ProofMemory) -> Source:
    """StrangeError where the SOP Instance UID is not a long one as raw bytes."""
    answers = memory.told.get((side.form, rules))
    if answers is None:
        answers = tuple((at, {}) for at, tag in enumerate(side.tags) if tag != INSTANCE and _tells(tag, side.vrs[at]))
        memory.hold(memory.told, (side.form, rules), answers, 200 * len(side.tags) + side.extra)
    told: list[Told] = []
    encodings: list[str] | None = None
    for at, known in answers:
        key = side.keys[at]
        answer = known.get(key)
        if answer is None:
            encodings = encodings or encodings_of(ds)
            answer = memory.told_once(_told(View(ds, encodings, (BaseTag(side.tags[at]),)), side.tags[at], rules))
            memory.remember(known, key, answer, 200)
        told.append(answer)
    return Source(side, tuple(told), _instance(side))


def encodings_of(ds: Dataset) -> list[str]:
    """As `View` finds them for the whole."""
    return View(ds, None, (BaseTag(CHARACTER_SET),) if CHARACTER_SET in ds else ()).encodings


def union(told: Iterable[Told], known: Iterable[str], titles: Iterable[str] = ()) -> Found:
    """All that is to be looked for."""
    found = Found.of((), known, titles)
    kinds = [found, *(one.found for one in told)]
    return Found(
        _NOTHING.union(*(kind.ids for kind in kinds)),
        _NOTHING.union(*(kind.stations for kind in kinds)),
        _NOTHING.union(*(kind.names for kind in kinds)),
        _NOTHING.union(*(kind.dates for kind in kinds)),
        _NOTHING.union(*(kind.phrases for kind in kinds)),
    )


def titles_of(ds: Dataset) -> tuple[str, ...]:
    """As `ae_titles` finds them."""
    meta = getattr(ds, "file_meta", Dataset())
    tags = [tag for tag in _TITLES if tag in meta]
    return tuple(text for tag in tags for text in values_of(View(meta, None, (tag,)).get(tag)))


def _instance(side: Side) -> str:
    at = side.tags.index(INSTANCE) if INSTANCE in side.tags else -1
    value = side.keys[at] if at >= 0 and side.vrs[at] in ("UI", None) else None
    if not isinstance(value, bytes) or not _PLAIN_UID.fullmatch(value):
        raise StrangeError
    text = value.decode("ascii").rstrip(" \0")
    if len(text.replace(".", "")) < RUN or is_well_known(text):
        raise StrangeError
    return text


def _tells(tag: int, vr: str | None) -> bool:
    row = lookup(tag)
    searched = row is not None and row.search != ""
    return searched or tag in OWN_UIDS or bool({vr, vr_of(tag)} & {"PN", "DA", "DT", "SQ"})


def _told(view: View, tag: int, rules: HeaderRules) -> Contents:
    elements = list(view.everything())
    uids = tuple(values_of(view.get(tag))) if tag in OWN_UIDS else ()
    names = (name for one in elements if vr_of(int(one.tag)) == "PN" for name in names_of(one))
    return Found.of(elements, (), (), rules), uids, tuple(names)


def names_of(element: DataElement) -> Iterator[str]:
    """A person's name as it is written, and as people write it."""
    for value in values_of(element):
        for group in value.split("="):
            whole = group.strip("^ ")
            if "^" in whole:
                yield from (whole.replace("^", apart) for apart in ("^", " ", "_", ", "))
