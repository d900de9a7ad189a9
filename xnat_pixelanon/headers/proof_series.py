"""The proof of a written header, with what is remembered of others of its series.

Only that nothing was found is remembered, never a finding: where an element is not known to be right the comparison of
proof.py judges it, and where that finds anything, or anything is out of the ordinary, it judges the whole file. A
verdict on an element is kept apart by all that the comparison looks at there (docs/decisions/0009-header-speed.md).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from xnat_pixelanon.domain.header_rules import HeaderRules
from xnat_pixelanon.headers.profile import lookup
from xnat_pixelanon.headers.proof import (
    COMPUTED,
    MUST_CHANGE,
    MUST_STAY,
    PIXEL_GROUP,
    PROVENANCE,
    Walk,
    compare,
)
from xnat_pixelanon.headers.proof_memory import ProofMemory
from xnat_pixelanon.headers.proof_options import cell_of
from xnat_pixelanon.headers.proof_own import own_values
from xnat_pixelanon.headers.proof_rows import StrangeError, side_of
from xnat_pixelanon.headers.proof_search import Search, compiled
from xnat_pixelanon.headers.proof_source import INSTANCE, encodings_of, source_of, titles_of, union
from xnat_pixelanon.headers.proof_view import View, vr_of
from xnat_pixelanon.headers.request import HeaderProof, HeaderRequest
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet

_SOP_CLASS, _META_INSTANCE = 0x00080016, 0x00020003
_ABSENT = ("absent",)
Runs = tuple[str, ...]


def prove_header(
    source: Dataset, written: Dataset, request: HeaderRequest, memory: ProofMemory | None = None
) -> HeaderProof:
    """Whether `written`, as reopened with its file meta and preamble, is what the profile makes of `source`.

    Neither is touched. What cannot be read or understood is a finding, never an exception. The same with and without
    `memory`, whatever it holds.
    """
    if memory is not None and not request.script:  # what a script does to an element depends on its neighbours too
        memory.begin()
        try:
            with quiet():
                if _known_to_be_right(_Pair(source, written, request, memory)):
                    return HeaderProof(True, ())
        except (StrangeError, *PYDICOM_ERRORS):
            pass  # the whole comparison says what is wrong, if anything is
    return compare(source, written, request)


class _Pair:
    """One file's two headers, and what is needed only where something is not known yet."""

    def __init__(self, source: Dataset, written: Dataset, request: HeaderRequest, memory: ProofMemory) -> None:
        self.before, self.after, self.request, self.memory = source, written, request, memory
        self.source = source_of(source, side_of(source), request.rules, memory)
        self.written = side_of(written)
        self.keys = (*self.source.side.keys, _ABSENT)
        self.new = request.identity.uid(self.source.instance).encode("ascii")


def _known_to_be_right(pair: _Pair) -> bool:
    verdicts = _verdicts(pair)
    return verdicts is not None and verdicts.all_right(pair)


def _verdicts(pair: _Pair) -> Verdicts | None:
    request, memory, source = pair.request, pair.memory, pair.source
    described = frozenset(int(Tag(keyword)) for keyword, _ in request.pixel_description)
    if described:
        request = replace(request, pixel_description=())
    titles = titles_of(pair.before)
    key = (request, described, source.told, titles, *_forms(pair))
    if key not in memory.verdicts:
        found = union(source.told, request.known_identifiers, titles)
        search = compiled(found)
        size = 512 * len(pair.keys) + search.size + source.side.extra + pair.written.extra
        memory.hold(memory.verdicts, key, Verdicts.of(pair, search), size)
    return memory.verdicts[key]


def _forms(pair: _Pair) -> tuple[Hashable, ...]:
    """Of both sides; with private creators, where what a private element is depends on them."""
    sides = (pair.source.side, pair.written)
    forms = tuple(side.form for side in sides)
    if "retain-safe-private" not in pair.request.rules.options:
        return forms
    creators = (
        [key for tag, key in zip(side.tags, side.keys, strict=True) if (tag >> 16) % 2 and tag & 0xFFFF < 0x100]
        for side in sides
    )
    return (*forms, *(tuple(keys) for keys in creators))


class Verdicts:
    """What was found right in pairs of files of one form each, with one search and one request.

    Of Pixel Description, `described` tags, only the tags are the same: those are looked at each time.
    """

    def __init__(
        self, pair: _Pair, search: Search, own: frozenset[int], encodings: tuple[list[str], list[str]]
    ) -> None:
        source, written = pair.source, pair.written
        described = {int(Tag(keyword)) for keyword, _ in pair.request.pixel_description}
        self._search, self._uids, self._encodings = search, source.own_uids, encodings
        places = {tag: at for at, tag in enumerate(source.side.tags)}
        after = {tag: at for at, tag in enumerate(written.tags)}
        self._instance = after[INSTANCE]
        self._class = places.get(_SOP_CLASS, -1)
        self._described = tuple(tag for tag in written.tags if tag in described)
        self._elements: tuple[tuple[int, int, int | None, dict[Hashable, Runs]], ...] = tuple(
            (at, tag, None if _alone(tag, vr, own, pair.request.rules) else places.get(tag, -1), {})
            for at, (tag, vr) in enumerate(zip(written.tags, written.vrs, strict=True))
            if tag not in described and tag != INSTANCE
        )
        self._standing: tuple[tuple[int, int | None, int, dict[Hashable, Runs]], ...] = tuple(
            (tag, after.get(tag), places.get(tag, -1), {})
            for tag in (*MUST_CHANGE, *MUST_STAY)
            if tag != INSTANCE and tag not in own and (tag in MUST_CHANGE or tag in places or tag in after)
        )
        self._metas: dict[Hashable, Runs] = {}

    @classmethod
    def of(cls, pair: _Pair, search: Search) -> Verdicts | None:
        """None where what has to be there is not, or is there and must not be."""
        source, written, request = pair.source, pair.written, pair.request
        own, tags = frozenset(own_values(request)), frozenset(written.tags)
        if not own | {*PROVENANCE, INSTANCE} <= tags:
            return None
        if request.pixels_changed and not COMPUTED.isdisjoint(tags):
            return None
        if written.tags != tuple(sorted(tags)) or source.side.tags != tuple(sorted(set(source.side.tags))):
            return None
        return cls(pair, search, own, (encodings_of(pair.before), encodings_of(pair.after)))

    def all_right(self, pair: _Pair) -> bool:
        """Whether every check of the comparison is known to pass, or passes now."""
        return self._instance_right(pair) and self._meta_right(pair) and self._elements_right(pair)

    def _elements_right(self, pair: _Pair) -> bool:
        before, after, digits = pair.keys, pair.written.keys, pair.source.digits
        for at, tag, place, known in self._elements:
            key: Hashable = after[at] if place is None else (after[at], before[place])
            runs = known.get(key)
            if runs is None:
                runs = self._judged(pair, tag)
                if runs is None:
                    return False
                pair.memory.remember(known, key, runs)
            if runs and any(digits in run for run in runs):
                return False
        for tag, there, place, known in self._standing:
            key = (_ABSENT if there is None else after[there], before[place])
            if key not in known:
                walk = self._walk(pair)
                walk.stands(tag, *self._views(pair, tag))
                if walk.findings:
                    return False
                pair.memory.remember(known, key, ())
        return all(self._judged(pair, tag) == () for tag in self._described)

    def _walk(self, pair: _Pair) -> Walk:
        return Walk(pair.request, self._search, self._uids)

    def _views(self, pair: _Pair, tag: int) -> tuple[View, View]:
        """Written and source, of one attribute alone."""
        before, after = self._encodings
        block = (tag >> 16 << 16 | tag >> 8 & 0xFF,) if (tag >> 16) % 2 and tag & 0xF000 else ()
        names = tuple(BaseTag(name) for name in (*block, tag))
        return (
            View(pair.after, after, [name for name in names if name in pair.after]),
            View(pair.before, before, [name for name in names if name in pair.before]),
        )

    def _judged(self, pair: _Pair, tag: int) -> Runs | None:
        """None where the comparison finds something in an element, else the long runs of digits that it looked at."""
        walk = self._walk(pair)
        walk.dataset(*self._views(pair, tag), "")
        return None if walk.findings else tuple(walk.runs)

    def _instance_right(self, pair: _Pair) -> bool:
        value = pair.written.keys[self._instance]
        plain = pair.written.vrs[self._instance] in ("UI", None) and isinstance(value, bytes)
        return plain and isinstance(value, bytes) and value.strip(b" \0") == pair.new

    def _meta_right(self, pair: _Pair) -> bool:
        if getattr(pair.after, "preamble", None) != bytes(128):
            return False
        side = side_of(getattr(pair.after, "file_meta", Dataset()))
        at = side.tags.index(_META_INSTANCE) if _META_INSTANCE in side.tags else -1
        value = side.keys[at]
        if at < 0 or side.vrs[at] != "UI" or not isinstance(value, bytes) or value.strip(b" \0") != pair.new:
            return False
        key = (side.form, side.keys[:at], side.keys[at + 1 :], pair.keys[self._class])
        if key not in self._metas:
            walk = self._walk(pair)
            walk.file_meta(pair.after, View(pair.before, self._encodings[0], (BaseTag(_SOP_CLASS), BaseTag(INSTANCE))))
            if walk.findings:
                return False
            pair.memory.remember(self._metas, key, ())
        return True


def _alone(tag: int, vr: str | None, own: frozenset[int], rules: HeaderRules) -> bool:
    """Whether the comparison never looks at the source for an attribute: one that the profile may empty, and is no
    sequence and no UID."""
    if tag in own or tag in PROVENANCE or (tag >> 16) % 2 or tag >> 16 in (0, PIXEL_GROUP):
        return False
    row = lookup(tag)
    if cell_of(row, tag, rules):
        return False
    kinds = {vr or vr_of(tag), vr_of(tag)}
    return row is not None and "Z" in row.basic.split("/") and kinds.isdisjoint(("SQ", "UI", "UN"))
