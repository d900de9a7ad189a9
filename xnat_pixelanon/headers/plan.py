"""What is written for data sets of one layout with the same identifiers, element by element, remembered by value."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import provenance
from xnat_pixelanon.headers.encode import encode_element, encode_head
from xnat_pixelanon.headers.engine import FUNCTIONAL_GROUPS, Cleaner, looks_at_value
from xnat_pixelanon.headers.memory import HeaderMemory, size_of
from xnat_pixelanon.headers.request import HeaderAction, HeaderRequest
from xnat_pixelanon.headers.rows import Rows
from xnat_pixelanon.headers.rulings import PIXEL_GROUP
from xnat_pixelanon.headers.tree import HEADER_REFUSED, SPECIFIC_CHARACTER_SET

if TYPE_CHECKING:
    from xnat_pixelanon.headers.layout import Layout


_ACTION = 200
_INPUTS = provenance.INPUTS - FUNCTIONAL_GROUPS
"""Functional groups are looked at where pixels changed, and such files go the whole way. They are long, and each file
has its own: nothing is to be known by them."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of an element: its encoded bytes (none where it goes), what is reported, and the long runs of digits
    that were looked at (`Identifiers.runs`). Compared as an object."""

    data: bytes
    actions: tuple[HeaderAction, ...]
    runs: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return len(self.data) + _ACTION * len(self.actions) + sum(map(len, self.runs))


@dataclass(frozen=True, slots=True)
class Tail:
    """Labels and provenance: pieces to put in, the order of all (outcomes first, then these), what is reported."""

    pieces: list[bytes]
    order: Callable[[list[bytes]], Iterable[bytes]]
    actions: tuple[HeaderAction, ...]


class Plan:
    """What is done to each element, and the bytes that come of it."""

    def __init__(self, layout: Layout, cleaner: Cleaner) -> None:
        self._layout, self._cleaner = layout, cleaner
        charset = layout.node.charset
        self._terms = (list(charset) if len(charset) > 1 else charset[0]) if charset else None
        self._outcomes: tuple[tuple[dict[Hashable, Outcome], bool], ...] = tuple(
            ({}, raw and not looks_at_value(tag, vrs, cleaner.context, cleaner.rulings))
            for tag, vrs, raw in zip(layout.tags, layout.vrs, layout.raw, strict=True)
        )
        self._provenance = tuple(
            (position, tag in provenance.COMPUTED) for position, tag in enumerate(layout.tags) if tag in _INPUTS
        )
        self._tails: dict[Hashable, Tail] = {}
        self._heads: dict[tuple[str, str, int], tuple[bytes, bytes]] = {}
        self._instances: dict[int, tuple[bytes, bytes, tuple[HeaderAction, ...]]] = {}

    def outcomes(self, rows: Rows, source: Dataset, memory: HeaderMemory) -> list[Outcome]:
        """One for each element, but none for the SOP Instance UID."""
        found = []
        for position, ((entries, by_presence), value) in enumerate(zip(self._outcomes, rows.values, strict=True)):
            key = bool(value) if by_presence else value
            outcome = entries.get(key)
            if outcome is None:
                if position == self._layout.instance:
                    outcome = _NOTHING
                else:
                    outcome = self._worked_out(position, source)
                    memory.keep(entries, key, outcome, size_of(key) + outcome.size)
            found.append(outcome)
        return found

    def _worked_out(self, position: int, source: Dataset) -> Outcome:
        cleaner = self._cleaner
        cleaner.actions, cleaner.identifiers.runs = [], set()
        kept = self._cleaned(position, source)
        data = b"" if kept is None else self._encoded(kept)
        return Outcome(data, tuple(cleaner.actions), tuple(cleaner.identifiers.runs))

    def _cleaned(self, position: int, source: Dataset) -> RawDataElement | DataElement | None:
        kept = self._cleaner.element(self._layout.read(position, source), self._layout.node, "")
        if kept is not None and self._layout.tags[position] >> 16 >= PIXEL_GROUP:
            raise InstanceError(HEADER_REFUSED, "elements behind the pixels")
        return kept

    def _encoded(self, element: RawDataElement | DataElement) -> bytes:
        return encode_element(element, implicit_vr=bool(self._layout.node.encoding[0]), terms=self._terms)

    def instance(self, uid: str, new: str, source: Dataset) -> tuple[bytes, tuple[HeaderAction, ...]]:
        """The element SOP Instance UID with its new value."""
        if (known := self._instances.get(len(new))) is None:
            outcome = self._worked_out(self._layout.instance, source)
            known = self._instances[len(new)] = (*_around(outcome.data, new), outcome.actions)
        before, after, actions = known
        return before + new.encode("ascii") + after, actions

    def head(self, sop_class_uid: str, new: str, transfer_syntax_uid: str) -> bytes:
        """Preamble and file meta information."""
        key = (sop_class_uid, transfer_syntax_uid, len(new))
        if (known := self._heads.get(key)) is None:
            known = self._heads[key] = _around(encode_head(sop_class_uid, new, transfer_syntax_uid), new)
        return known[0] + new.encode("ascii") + known[1]

    def tail(self, request: HeaderRequest, outcomes: list[Outcome], source: Dataset, memory: HeaderMemory) -> Tail:
        """Labels and provenance of this request on top of these outcomes."""
        key = (
            request,
            repr(request.pixel_description),  # numbers that are equal may be written otherwise: 1, 1.0, True
            *(bool(outcomes[at].data) if presence else outcomes[at] for at, presence in self._provenance),
        )
        if (known := self._tails.get(key)) is None:
            known = self._written(request, source)
            size = sum(map(len, known.pieces)) + sum(len(outcomes[at].data) for at, _ in self._provenance)
            memory.keep(self._tails, key, known, size + 16 * len(outcomes))
        return known

    def _written(self, request: HeaderRequest, source: Dataset) -> Tail:
        layout = self._layout
        kept: dict[BaseTag, RawDataElement | DataElement] = {}
        for position, tag in enumerate(layout.tags):
            if tag in _INPUTS or tag == SPECIFIC_CHARACTER_SET:
                element = self._cleaned(position, source)
                if element is not None:
                    kept[BaseTag(tag)] = element
        ds = Dataset(dict(kept), parent_encoding=layout.node.encodings)
        ds.set_original_encoding(*layout.node.encoding, layout.node.encodings)
        actions: list[HeaderAction] = []
        provenance.apply(ds, request, actions)
        places = {tag: position for position, tag in enumerate(layout.tags)}
        pieces: list[bytes] = []
        for tag in kept.keys() - ds.keys():
            del places[tag]
        for tag, element in ds.items():
            if kept.get(tag) is not element:
                places[tag] = len(layout.tags) + len(pieces)
                pieces.append(self._encoded(element))
        order = itemgetter(*(places[tag] for tag in sorted(places)))
        return Tail(pieces, order, tuple(actions))


_NOTHING = Outcome(b"", (), ())


def _around(data: bytes, uid: str) -> tuple[bytes, bytes]:
    """What stands before and behind a UID: the same for every UID of that length."""
    before, found, after = data.partition(uid.encode("ascii"))
    if not found or uid.encode("ascii") in after:
        raise InstanceError(HEADER_REFUSED, "a UID that is not where it belongs")
    return before, after
