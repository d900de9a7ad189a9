"""Data sets of one shape under one set of rules: what identifies in each of their elements, remembered by its value."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from xnat_pixelanon.headers.engine import FUNCTIONAL_GROUPS, REQUIRED
from xnat_pixelanon.headers.memory import HeaderMemory, size_of
from xnat_pixelanon.headers.parts import Part, contents_of, instance_digits
from xnat_pixelanon.headers.plan import Plan
from xnat_pixelanon.headers.residue import may_identify
from xnat_pixelanon.headers.rows import Rows
from xnat_pixelanon.headers.rulings import Rulings
from xnat_pixelanon.headers.tree import Element, dictionary_vr, empty_node, read_element

_SOP_CLASS, _SOP_INSTANCE, *_ = REQUIRED


@dataclass(frozen=True, slots=True)
class Seen:
    """What an element tells of its source: what identifies in it, and its text where it has exactly one value."""

    part: Part | None
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a file tells of its source: the parts of its identifiers, and its two SOP UIDs."""

    parts: tuple[Part, ...]
    sop_class_uid: str
    sop_instance_uid: str


class Layout:
    """What all data sets of one shape have in common, and what was seen in their elements."""

    def __init__(self, rows: Rows, source: Dataset, rulings: Rulings) -> None:
        self.rulings = rulings
        self.tags = rows.tags
        self.keys = tuple(source.keys())
        self.vrs = tuple(frozenset((vr or "", dictionary_vr(tag))) for tag, vr in zip(rows.tags, rows.vrs, strict=True))
        self.raw = rows.raw
        self.node = empty_node(source)
        self.functional_groups = not FUNCTIONAL_GROUPS.isdisjoint(rows.tags)
        self.instance = rows.tags.index(_SOP_INSTANCE)
        self.plans: dict[Hashable, Plan] = {}
        self._class = rows.tags.index(_SOP_CLASS)
        self._seen: tuple[tuple[int, dict[Hashable, Seen]], ...] = tuple(
            (position, {})
            for position, tag in enumerate(rows.tags)
            if position != self.instance and (tag in REQUIRED or may_identify(tag, self.vrs[position]))
        )

    @classmethod
    def of(cls, rows: Rows, source: Dataset, rulings: Rulings) -> Layout | None:
        """None where nothing is to be spliced: no UIDs, tags out of order, or elements encoded in several ways."""
        if rows.implicit not in ((True,), (False,)) or rows.tags != tuple(sorted(set(rows.tags))):
            return None
        if source.original_encoding != (*rows.implicit, True) or not set(REQUIRED) <= set(rows.tags):
            return None
        return cls(rows, source, rulings)

    def read(self, position: int, source: Dataset) -> Element:
        return read_element(source, self.keys[position], self.node)

    def told_by(self, rows: Rows, source: Dataset, memory: HeaderMemory) -> Told | None:
        """None where one of the UIDs is missing or unusual."""
        parts, texts = [], {}
        for position, entries in self._seen:
            value = rows.values[position]
            seen = entries.get(value)
            if seen is None:
                element = self.read(position, source)
                text = element.texts[0] if len(element.texts) == 1 else ""
                seen = Seen(memory.part(contents_of(element, self.rulings)), text)
                memory.keep(entries, value, seen, size_of(value))
            if seen.part is not None:
                parts.append(seen.part)
            if self.tags[position] in REQUIRED:
                texts[position] = seen.text
        instance = self.read(self.instance, source)
        usual = instance.vr == "UI" and self.raw[self.instance] and len(instance.texts) == 1 and not instance.fault
        if not usual or not instance_digits(instance.texts[0]) or not all(texts.values()):
            return None
        return Told(tuple(parts), texts[self._class], instance.texts[0])
