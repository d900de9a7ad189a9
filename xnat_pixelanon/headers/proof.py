"""The header half of the proof: a written file, reopened, against its source and the profile, element by element.

Shares with the engine the table file, the UID mapping, the tool's own constants, and the interpreter of scripts, which
it runs anew; nothing else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_is_retired
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from xnat_pixelanon.domain.header_rules import PLAIN
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers.constants import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    IN_CODES,
    TOOL,
)
from xnat_pixelanon.headers.identity import is_well_known
from xnat_pixelanon.headers.profile import PROFILE_EDITION, Row, lookup
from xnat_pixelanon.headers.proof_allowed import allowed, private_right
from xnat_pixelanon.headers.proof_options import (
    TEMPORAL,
    cell_of,
    codes_of,
    days_of,
    excepted,
    is_dummy,
    temporal_values,
)
from xnat_pixelanon.headers.proof_own import own_items, own_values
from xnat_pixelanon.headers.proof_script import Settled, alone, births_of, private_alone
from xnat_pixelanon.headers.proof_search import Found, Search, compiled
from xnat_pixelanon.headers.proof_view import (
    CHARACTER_SET,
    View,
    ae_titles,
    flat,
    name_of,
    own_uids,
    values_of,
    vr_of,
)
from xnat_pixelanon.headers.request import HeaderProof, HeaderRequest
from xnat_pixelanon.headers.scripted import Scripted, scripted
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet

RUN = 20
_NUMBERS = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "US or SS", "UV"})
_WIDE_NUMBERS = frozenset({"FD", "FL", "SL", "SV", "UL", "UV"})
_STRINGS = frozenset({"AE", "AS", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"})
_NUMBER_STRINGS = frozenset({"DS", "IS"})
_CODE_URIS = frozenset({0x0008010E, 0x00080120})
_NUMBER = re.compile(r"([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)?", re.ASCII)
_GROUP_LENGTH, _LATERALITY = 0x00020000, "(0020,0060)"
_TYPES = frozenset({0x00080008, 0x00089007})
METHOD, METHOD_CODES, EQUIPMENT = 0x00120063, 0x00120064, 0x0018A001
PROVENANCE = (METHOD, METHOD_CODES, EQUIPMENT, TEMPORAL)
"""What the tool writes depending on what was there."""
PIXEL_GROUP = 0x7FE0
# What the writer of pixels puts there: Extended Offset Table and its lengths, the pixels.
_PIXEL_TAGS = frozenset(0x7FE00000 + element for element in (0x1, 0x2, 0x3, 0x8, 0x9, 0x10))
COMPUTED = frozenset({0x00603000, *(0x00280000 + n for n in (0x104, 0x105, 0x106, 0x107, 0x108, 0x109, 0x110, 0x111))})
MUST_STAY = (
    *(0x00280000 + n for n in (0x2, 0x4, 0x6, 0x8, 0x10, 0x11, 0x100, 0x101, 0x102, 0x103, 0x1052, 0x1053)),
    *(0x00281100 + n for n in (0x1, 0x2, 0x3, 0x101, 0x102, 0x103, 0x121, 0x122, 0x123)),
)
MUST_CHANGE = (0x00080018, 0x0020000D, 0x0020000E)


def compare(source: Dataset, written: Dataset, request: HeaderRequest) -> HeaderProof:
    """The whole comparison, every element of both sides, with nothing remembered: see `prove_header`."""
    with quiet():
        try:
            original, copy = View(source), View(written)
            found = Found.of(original.everything(), request.known_identifiers, ae_titles(source), request.rules)
            asked = scripted(source, request)
            walk = Walk(
                request,
                compiled(found),
                own_uids(original),
                asked,
                births_of(original) if request.script else frozenset(),
            )
            walk.file_meta(written, original)
            base = original if asked.dataset is source else View(asked.dataset)
            walk.dataset(copy, base, "")
            walk.required(copy, base)
        except PYDICOM_ERRORS:
            return HeaderProof(False, ("data set: cannot be read to its end",))
        except InstanceError as error:
            return HeaderProof(False, (error.detail,))
    return HeaderProof(not walk.findings, tuple(walk.findings))


class Walk:
    """One comparison; collects findings.

    What it finds in an element depends on this and on the element on both sides alone: request, search, own UIDs, the
    character sets of both sides. It never looks at the element's neighbours.
    """

    def __init__(
        self,
        request: HeaderRequest,
        search: Search,
        uids: frozenset[str],
        asked: Scripted | None = None,
        births: frozenset[str] = frozenset(),
    ) -> None:
        self.request = request
        self.search = search
        self.uids, self.births = uids, births
        self.findings: list[str] = []
        self.runs: set[str] = set()
        """Every run of RUN digits and more in which the own UIDs were looked for."""
        self.settled = Settled(asked) if asked is not None and asked.settled else None
        self.dates = "" if asked is None else asked.dates
        self.own = own_values(request, () if asked is None else asked.settled)
        self.days = days_of(request)
        self.ruled = request.rules != PLAIN

    def find(self, path: str, rule: str) -> None:
        self.findings.append(f"{path}: {rule}")

    def file_meta(self, written: Dataset, source: View) -> None:
        if getattr(written, "preamble", None) != bytes(128):
            self.find("preamble", "128 zero bytes")
        meta = View(getattr(written, "file_meta", Dataset()))
        instance = "".join(values_of(source.get(0x00080018)))
        wanted = {
            0x00020001: [b"\x00\x01".hex()],
            0x00020002: values_of(source.get(0x00080016)),
            0x00020003: [self.request.identity.uid(instance)],
            0x00020010: [self.request.transfer_syntax_uid],
            0x00020012: [IMPLEMENTATION_CLASS_UID],
            0x00020013: [IMPLEMENTATION_VERSION_NAME],
        }
        for tag in sorted(set(wanted) ^ (set(meta.tags()) - {_GROUP_LENGTH})):
            self.find(name_of(tag), "file meta has exactly what the writer puts there")
        for tag, values in wanted.items():
            if values_of(meta.get(tag)) != values:
                self.find(name_of(tag), "file meta value")

    def required(self, written: View, source: View) -> None:
        for tag in MUST_CHANGE:
            self.stands(tag, written, source)
        for tag in (*self.own, *PROVENANCE):
            if tag not in written.tags():
                self.find(name_of(tag), "label or provenance missing")
        for tag in MUST_STAY:
            self.stands(tag, written, source)
        if self.settled is not None:
            computed = COMPUTED if self.request.pixels_changed else ()
            for path in self.settled.missing((*self.own, *PROVENANCE, *computed)):
                self.find(path, "set by the script, and not there")
        if self.request.pixels_changed:
            for tag in COMPUTED.intersection(written.tags()):
                self.find(name_of(tag), "computed from pixels that have changed")

    def stands(self, tag: int, written: View, source: View) -> None:
        """Whether an attribute of MUST_CHANGE is there, and one of MUST_STAY is the source's."""
        if tag in MUST_CHANGE:
            if not values_of(written.get(tag)):
                self.find(name_of(tag), "has to be there")
        elif tag not in self.own and values_of(written.get(tag)) != values_of(source.get(tag)):
            self.find(name_of(tag), "describes the pixels, and differs from the source")

    def dataset(self, written: View, source: View, path: str) -> None:
        for tag in written.tags():
            element = written.get(tag)
            if element is not None:
                self._element(element, written, source, path)

    def _element(self, element: DataElement, written: View, source: View, path: str) -> None:
        tag, here = int(element.tag), path + name_of(int(element.tag))
        ours = not path and (tag in self.own or tag in PROVENANCE)
        if self.settled is not None and not ours and self.settled.holds(here):
            self.settled.judge(self, element, written, source, here)
        elif (tag >> 16) % 2 and self.request.rules.script_alone:
            private_alone(self, element, written, source, here)
        elif (tag >> 16) % 2 and "retain-safe-private" in self.request.rules.options:
            private_right(self, element, written, source, here)
        elif (tag >> 16) % 2 or tag >> 16 < 8 or not tag & 0xFFFF:
            self.find(here, "private element, group length, or of another kind of data set")
        elif tag >> 16 == PIXEL_GROUP:
            if path or tag not in _PIXEL_TAGS:
                self.find(here, "not a pixel element")
        elif not path and tag in self.own:
            if values_of(element) != self.own[tag]:
                self.find(here, "label or provenance value")
        elif not path and tag == TEMPORAL:
            wanted = temporal_values(self.request, values_of(source.get(tag)), self.dates)
            if self.settled is not None and self.settled.sets(here):
                wanted = values_of(source.get(tag))
            if values_of(element) != wanted:
                self.find(here, "label or provenance value")
        elif not path and tag == METHOD:
            self._methods(element, source)
        elif not path and tag in (METHOD_CODES, EQUIPMENT):
            self._items(tag, written, source, here, added=own_items(tag, self.request))
        elif self.ruled and allowed(self, element, written, source, here):
            pass
        elif self.ruled and (act := excepted(tag, self.request.rules)):
            if act != "empty" or values_of(element):
                self.find(here, f"exception {act}")
        elif self.request.rules.script_alone:
            alone(self, element, written, source, here)
        elif (row := lookup(tag)) is not None and row.basic != "K":
            self._row(row, element, written, source, here)
        elif row is None and (rule := _forbidden(tag)):
            if not (rule == "VR PN" and not values_of(element)):
                self.find(here, rule)
        else:
            self.kept(element, written, source, here)

    def _row(self, row: Row, element: DataElement, written: View, source: View, here: str) -> None:
        """Whether one of the row's actions was done; X cannot have been, as the element is there."""
        tag, actions, values = int(element.tag), row.basic.split("/"), values_of(element)
        if element.VR != "SQ" and vr_of(tag) != element.VR:
            self.find(here, "its VR is not the attribute's")
        elif "U*" in actions and element.VR == "SQ":
            self._items(tag, written, source, here)
        elif "U" in actions and element.VR == "UI":
            self._uids(element, source, here)
        elif not values:
            if not ({"Z", "D"} & set(actions)) or ("Z" not in actions and values_of(source.get(tag))):
                self.find(here, f"E.1-1 {row.basic}")
        elif "D" not in actions or element.VR == "SQ" or not is_dummy(element):
            self.find(here, f"E.1-1 {row.basic}")

    def kept(self, element: DataElement, written: View, source: View, here: str) -> None:
        tag, vr = int(element.tag), element.VR
        if vr == "SQ":
            self._items(tag, written, source, here)
        elif vr == "UI":
            self._uids(element, source, here)
        elif tag == CHARACTER_SET:
            if not set(values_of(element)) <= set(python_encoding):
                self.find(here, "not a character set of PS3.3 C.12.1.1.2")
        else:
            self.same(element, source, here)
            self.searched(element, written.raw(tag), here)

    def same(self, element: DataElement, source: View, here: str) -> None:
        values, tag = values_of(element), int(element.tag)
        if tag not in source.tags():
            if (
                here != _LATERALITY or values
            ):  # without a value it says nothing, and the tool may add it (PS3.3 C.7.3.1)
                self.find(here, "not in the source")
            return
        if not values:
            return  # emptied, which `required` does not allow where it would matter
        before = values_of(source.get(tag))
        if tag in _TYPES and self.request.pixels_changed:
            firsts = {"DERIVED"} if "." not in here else {"DERIVED", *before[:1]}
            if values[0] not in firsts or not _without_some(values[1:], before[1:]):
                self.find(here, "first value DERIVED, the others the source's")
        elif not _without_some(values, before) and not (tag in IN_CODES and before and is_dummy(element)):
            self.find(here, "not the source's value")

    def searched(self, element: DataElement, raw: bytes, here: str) -> None:
        """Looks at the values, and at the bytes of what is not plain text."""
        value, vr, tag = element.value, element.VR, int(element.tag)
        texts = values_of(element)
        if vr in _STRINGS:
            if not raw.isascii() or b"\x1b" in raw:
                texts.append(raw.decode("latin-1"))
            found = any(self.search.in_text(text, vr, tag) or self.own_uid(text) for text in texts)
        elif vr in _NUMBER_STRINGS:
            found = any(self.search.in_number(text, tag) for text in texts)
            if not all(_NUMBER.fullmatch(text) for text in texts):
                self.find(here, "not a number")
        elif vr in _NUMBERS:
            found = self.search.in_bytes(raw) or (vr in _WIDE_NUMBERS and self.search.is_number(texts))
        else:
            found = self.search.in_bytes(value) if isinstance(value, bytes) else value is not None
        if found:
            self.find(here, "identifier")

    def own_uid(self, text: str) -> bool:
        """Whether a UID of the source is in a text, with any separators, or with none."""
        plain = re.sub(r"[\W_]+", "", text)
        self.runs.update(re.findall(rf"[0-9]{{{RUN},}}", plain))
        return any(uid in plain if len(uid) >= 6 else uid == plain for uid in self.uids)

    def _uids(self, element: DataElement, source: View, here: str) -> None:
        tag, identity = int(element.tag), self.request.identity
        if (row := lookup(tag)) is not None and not cell_of(row, tag, self.request.rules):
            identity = replace(identity, keeps_uids=False)
        before = values_of(source.get(tag)) if tag in source.tags() else []
        wanted = [uid if not uid or is_well_known(uid, tag) else identity.uid(uid) for uid in before]
        if values_of(element) not in (wanted, []):
            self.find(here, "UID: neither well-known nor the mapped one")

    def _items(self, tag: int, written: View, source: View, here: str, *, added: tuple[str, ...] = ()) -> None:
        after, before = written.items(tag), source.items(tag) if tag in source.tags() else []
        for index, item in enumerate(after[: len(before)]):
            self.dataset(item, before[index], f"{here}[{index}].")
        texts = [flat(item) for item in after]
        if any(text not in added for text in texts[len(before) :]) or len(after) < len(before):
            self.find(here, "its items are not the source's")
        if any(text not in texts for text in added) and tag == EQUIPMENT:
            self.find(here, "provenance item missing")
        if tag == METHOD_CODES and not here.count("."):
            codes = {value for item in after for value in values_of(item.get(0x00080100))}
            if not {code for code, _ in codes_of(self.request)} <= codes:
                self.find(here, "provenance code missing")

    def _methods(self, element: DataElement, source: View) -> None:
        ours = [f"{TOOL} {self.request.tool_version}"[:64]]
        if not self.request.rules.script_alone:
            ours.append(PROFILE_EDITION)
        if self.request.script:
            digest = self.request.identity.keyed_digest(b"script", self.request.script.encode())
            ours.append(f"script {digest[:40]}")
        ours += [f"except {one.tag} {one.action}" for one in self.request.rules.exceptions]
        if self.request.template_digest is not None:
            ours.append(f"template sha256:{self.request.template_digest[:40]}")
        values, before = values_of(element), values_of(source.get(METHOD))
        others = [value for value in values if value not in ours]
        if not set(ours) <= set(values) or not set(others) <= set(before):
            self.find(name_of(METHOD), "names the tool, the profile and the templates, after what was there")
        if any(self.search.in_text(value, "LO", METHOD) for value in others):
            self.find(name_of(METHOD), "identifier")


@cache
def _forbidden(tag: int) -> str:
    """Why an attribute without a row of the table may not be there with a value; '' where it may."""
    kind = vr_of(tag)
    if not kind:
        return "not in PS3.6"
    if kind in ("PN", "DA", "DT", "TM", "AE", "AS") or (kind == "UR" and tag not in _CODE_URIS):
        return f"VR {kind}"
    if dictionary_is_retired(tag) and kind not in _NUMBERS | _NUMBER_STRINGS:
        return "retired, and not a number"
    return "" if kind in _NUMBERS | _NUMBER_STRINGS | _STRINGS | {"SQ", "UI"} else "binary"


def _without_some(after: list[str], before: list[str]) -> bool:
    """Whether `after` is `before` with none or some of its values emptied."""
    return len(after) == len(before) and all(new in ("", old) for new, old in zip(after, before, strict=True))
