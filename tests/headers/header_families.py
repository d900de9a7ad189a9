"""Strategies: files that resemble one another, each a change away from another, and what is asked for them.

What identifies the one may stand in the other's kept attributes, in any spelling; neighbours, character sets, kinds of
object, encodings and requests change under values that stay. Every identity is invented.
"""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass

from header_bytes import DEFLATED, Raw, raw_file
from header_makers import BIG_ENDIAN, EXPLICIT, IMPLICIT, request
from header_options import RULES
from hypothesis import strategies as st

from xnat_pixelanon.headers import HeaderRequest, Identity

ROOT = "1.2.826.0.1.3680043.10.999.20240517"
INSTANCES = [f"{ROOT}.4001.1011127501", f"{ROOT}.4002.1011127502", "1.2.3.4", "2.25.1357913579135791357913579"]
UIDS = [*INSTANCES, f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.9", "1.2.840.10008.5.1.4.1.1.2", " 1.2.840.10008.1.4.1.1", ""]
CLASSES = [
    *("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.128"),
    *("1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.481.2", " 1.2.840.10008.5.1.4.1.1.2", "1.2.3"),
]
CHARSETS = [
    *(b"ISO_IR 100", b"ISO_IR 144", b"ISO_IR 192", b"ISO IR 100", b"\\ISO 2022 IR 87", b"ISO_IR 6", b"", b"PHANTOM"),
]
TEXTS = [
    *(
        b"",
        b"Plain words",
        b"YES",
        b"ORIGINAL\\PRIMARY\\AXIAL",
        b"Phantom^Ada",
        b"Quixley^Zo\xeb",
        b"Zo\xc3\xab^Quixley",
    ),
    *(
        b"head of PHANTOM ",
        b"Quixley, Zoe",
        b"a\\Ada\\b",
        b"zoeQuixley",
        b"TEST-0001",
        b"test 0001",
        b"Q-778899",
        b"4711",
    ),
    *(b"20240517", b"17.05.2024", b"19710203", b"3 Feb 1971", b"NORTHCT1", b"NORTHAE", b"SOUTHAE", b"SUB0042", b"ZO"),
    *(b"\xc4rger", b"\x1b$B;3ED\x1b(B", b"caf\xc3\xa9", b"\xff\xfe", b" lead", b"trail \0", b"a\0b", b"\0\0", b"\n\r"),
    *(
        b"1.25\\2.5",
        b"12",
        b"778899",
        b"1A",
        b"1e3",
        b"-4711",
        b"20240517.0",
        b"010Y",
        b"Anonymised",
        b"xnat-pixelanon",
    ),
    *(b"x" * 70000, b"Maker Inc", b"113100", b"DCM", b"10", b"8"),
    *(uid.encode() for uid in UIDS),
    *(uid.replace(".", "").encode() for uid in INSTANCES),
    *(b"seen with " + uid.replace(".", " ").encode() for uid in INSTANCES[:2]),
]
NUMBERS = [
    *(b"", b"\1\0", b"\2\0\3\0", b"\1", b"\1\0\0\0", struct.pack("<L", 778899), struct.pack("<d", 20240517.0)),
    *(struct.pack("<d", 1.5), b"Phantom^", b"\0\0\0\0\0\0\0\0", INSTANCES[0].replace(".", "").encode()),
]
TEXT_TAGS = [
    *((0x00080008, "CS"), (0x00080012, "DA"), (0x00080013, "TM"), (0x00080014, "UI"), (0x00080020, "DA")),
    *((0x00080022, "DA"), (0x0008002A, "DT"), (0x00080050, "SH"), (0x00080060, "CS"), (0x00080070, "LO")),
    *((0x00080080, "LO"), (0x00080090, "PN"), (0x0008010C, "UI"), (0x0008010E, "UR"), (0x00080100, "SH")),
    *((0x00080104, "LO"), (0x00081010, "SH"), (0x00081030, "LO"), (0x0008103E, "LO"), (0x00081070, "PN")),
    *((0x00081090, "LO"), (0x00081155, "UI"), (0x00082111, "ST"), (0x00089007, "CS"), (0x00100010, "PN")),
    *((0x00100020, "LO"), (0x00100030, "DA"), (0x00100040, "CS"), (0x00101010, "AS"), (0x00104000, "LT")),
    *((0x00120062, "CS"), (0x00120063, "LO"), (0x00180015, "CS"), (0x00180060, "DS"), (0x00181000, "LO")),
    *((0x00181020, "LO"), (0x00181030, "LO"), (0x00185100, "CS"), (0x00200010, "SH"), (0x00200011, "IS")),
    *((0x00200012, "IS"), (0x00200013, "IS"), (0x00200032, "DS"), (0x0020000D, "UI"), (0x0020000E, "UI")),
    *((0x00200052, "UI"), (0x00204000, "LT"), (0x00280004, "CS"), (0x00280008, "IS"), (0x00280301, "CS")),
    *((0x00280303, "CS"), (0x00281053, "DS"), (0x00290010, "LO"), (0x00291002, "PN"), (0x0040A160, "UT")),
    *((0x00321060, "LO"), (0x00700084, "PN"), (0x00880140, "UI"), (0x00180022, "CS"), (0x00181400, "LO")),
    *((0x00180024, "SH"), (0x00189004, "CS"), (0x00020010, "UI"), (0x00220001, "LO"), (0x7FE10010, "LO")),
]
NUMBER_TAGS = [
    *((0x00080000, "UL"), (0x00180073, "UL"), (0x00189073, "FD"), (0x00189328, "FD"), (0x00280002, "US")),
    *((0x00280009, "AT"), (0x00280010, "US"), (0x00280011, "US"), (0x00280100, "US"), (0x00280101, "US")),
    *((0x00280102, "US"), (0x00280103, "US"), (0x00280106, "US"), (0x00280107, "SS"), (0x00281201, "OW")),
    *((0x00281101, "US"), (0x00291001, "OB"), (0x00420011, "OB"), (0x50003000, "OW"), (0x60000010, "US")),
    *((0x60003000, "OW"), (0x00282000, "OB"), (0x00189219, "SS"), (0x7FE00008, "OB"), (0xFFFCFFFC, "OB")),
]
SEQUENCES = [
    *(0x00081115, 0x00081140, 0x00082218, 0x00089092, 0x00089215, 0x00120064, 0x0018A001, 0x00283010, 0x00291003),
    *(0x00400275, 0x0040A730, 0x00540016, 0x00603000, 0x00700001, 0x00880200, 0x52009229, 0x52009230),
]
_FIXED = {0x00080016, 0x00080018}


@dataclass(frozen=True)
class Member:
    """One file of a family, and what is asked for it."""

    elements: tuple[Raw, ...]
    syntax: str
    undefined: bool
    title: bytes
    asked: HeaderRequest

    @property
    def data(self) -> bytes:
        return raw_file(self.elements, self.syntax, undefined=self.undefined, title=self.title)


def _vr(vr: str) -> st.SearchStrategy[str]:
    return st.sampled_from([vr] * 12 + ["UN", "LO", "OB", "US"])


def _of(tags: list[tuple[int, str]], values: list[bytes]) -> st.SearchStrategy[Raw]:
    return st.sampled_from(tags).flatmap(lambda one: st.tuples(st.just(one[0]), _vr(one[1]), st.sampled_from(values)))


PLAIN: st.SearchStrategy[Raw] = st.one_of(
    *[_of(TEXT_TAGS, TEXTS)] * 4,
    _of(NUMBER_TAGS, NUMBERS),
    st.tuples(st.just(0x00080005), st.just("CS"), st.sampled_from(CHARSETS)),
    st.tuples(st.just(0x00080018), st.just("UI"), st.sampled_from([uid.encode() for uid in INSTANCES])),
)


def _sequence(inner: st.SearchStrategy[Raw]) -> st.SearchStrategy[Raw]:
    items = st.lists(st.lists(inner, max_size=3), max_size=2)
    return st.tuples(st.sampled_from(SEQUENCES), st.sampled_from(["SQ"] * 8 + ["UN"]), items)


ELEMENT: st.SearchStrategy[Raw] = st.one_of(PLAIN, PLAIN, PLAIN, _sequence(PLAIN | _sequence(PLAIN)))
IDENTITY_ELEMENTS: st.SearchStrategy[Raw] = st.one_of(
    st.tuples(st.just(0x00080018), st.just("UI"), st.sampled_from(INSTANCES).map(str.encode)),
    st.tuples(st.just(0x00080016), st.just("UI"), st.sampled_from(CLASSES).map(str.encode)),
    st.tuples(st.just(0x00080005), st.just("CS"), st.sampled_from(CHARSETS)),
    _of([(0x00100010, "PN"), (0x00100020, "LO"), (0x00100030, "DA"), (0x00080020, "DA"), (0x00081010, "SH")], TEXTS),
)
_DESCRIBED = [("BitsStored", 8), ("PhotometricInterpretation", "RGB"), ("LossyImageCompressionRatio", (10.0, 2.5))]
REQUEST_FIELDS = {
    "identity": st.sampled_from([Identity.from_keys(bytes([number] * 32)) for number in (1, 2)]),
    "subject_label": st.sampled_from(["ABCDEFGHIJKLMNOP", "SUBJECT2", "Phantom"]),
    "session_label": st.sampled_from(["QRSTUVWXYZ234567", "SESSION2"]),
    "project": st.sampled_from(["CLEAN", "CLEAN2"]),
    "pixels_changed": st.booleans(),
    "reviewed": st.booleans(),
    "template_digest": st.sampled_from([None, "ab" * 32, "cd" * 32]),
    "tool_version": st.sampled_from(["0.1.0", "0.2.0"]),
    "known_identifiers": st.sampled_from([(), ("SUB0042",), ("Maker Inc", "ZO"), ("Plain",)]),
    "rules": st.sampled_from(RULES),
    "pixel_description": st.sampled_from([(), (_DESCRIBED[0],), (("BitsStored", 12),), tuple(_DESCRIBED)]),
}
_WRITTEN_AS = {
    EXPLICIT: [EXPLICIT, EXPLICIT, "1.2.840.10008.1.2.4.80", DEFLATED, IMPLICIT],
    DEFLATED: [DEFLATED, EXPLICIT],
    IMPLICIT: [IMPLICIT, IMPLICIT, IMPLICIT, EXPLICIT],
    BIG_ENDIAN: [BIG_ENDIAN, EXPLICIT],
}


@st.composite
def relatives(draw: st.DrawFn, member: Member) -> Member:
    """The same but for one thing."""
    what = draw(st.sampled_from(["value", "value", "identity", "identity", "more", "less", "request", "file"]))
    elements = {raw[0]: raw for raw in member.elements}
    if what == "request":
        name = draw(st.sampled_from(sorted(REQUEST_FIELDS)))
        return dataclasses.replace(
            member, asked=dataclasses.replace(member.asked, **{name: draw(REQUEST_FIELDS[name])})
        )
    if what == "file":
        return draw(encodings(member))
    if what == "identity":
        raw = draw(IDENTITY_ELEMENTS)
        return dataclasses.replace(member, elements=tuple({**elements, raw[0]: raw}.values()))
    if what == "more":
        raw = draw(ELEMENT)
        return dataclasses.replace(member, elements=tuple({**elements, raw[0]: raw}.values()))
    tag = draw(st.sampled_from(sorted(elements)))
    if what == "less":
        del elements[tag]
    elif isinstance(elements[tag][2], bytes) and tag not in _FIXED:
        elements[tag] = (tag, elements[tag][1], draw(st.sampled_from(TEXTS + NUMBERS)))
    return dataclasses.replace(member, elements=tuple(elements.values()))


@st.composite
def encodings(draw: st.DrawFn, member: Member) -> Member:
    """The same elements in a file that is written, or to be written, otherwise."""
    syntax = draw(st.sampled_from([EXPLICIT] * 6 + [IMPLICIT] * 3 + [DEFLATED, BIG_ENDIAN]))
    return dataclasses.replace(
        member,
        syntax=syntax,
        undefined=draw(st.sampled_from([False, False, True])),
        title=draw(st.sampled_from([b"NORTHAE", b"SOUTHAE"])),
        asked=dataclasses.replace(member.asked, transfer_syntax_uid=draw(st.sampled_from(_WRITTEN_AS[syntax]))),
    )


@st.composite
def families(draw: st.DrawFn) -> list[Member]:
    """Two to five files, each a change away from one before it, in any order."""
    fixed: list[Raw] = [
        (0x00080016, "UI", CLASSES[0].encode()),
        (0x00080018, "UI", INSTANCES[0].encode()),
        (0x00080060, "CS", b"CT"),
        (0x00100010, "PN", b"Phantom^Ada"),
        (0x0020000D, "UI", f"{ROOT}.1".encode()),
        (0x0020000E, "UI", f"{ROOT}.2".encode()),
    ]
    more = draw(st.lists(ELEMENT, min_size=2, max_size=8))
    elements = tuple({raw[0]: raw for raw in (*fixed, *more)}.values())
    family = [draw(encodings(Member(elements, EXPLICIT, False, b"NORTHAE", request())))]
    for _ in range(draw(st.integers(1, 4))):
        family.append(draw(relatives(draw(st.sampled_from(family)))))
    return draw(st.permutations(family))
