"""Small data sets of every mix that could mislead a memory, byte for byte as a hypothesis test draws them.

Few values, each in many attributes, so that one file's identifiers are another's plain words. All are invented.
"""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pydicom
from header_makers import EXPLICIT, IMPLICIT, SERIES, STUDY, request
from header_options import RULES
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import HeaderRequest, Identity

ROOT = b"1.2.826.0.1.3680043.10.999"
INSTANCES = (
    ROOT + b".3.10111213141516",
    ROOT + b".3.77",
    b"1.2.3",
    b"2.25.1234567890123456789012345678901234",
    b"",
    b"x",
)
CLASSES = tuple(
    b"1.2.840.10008.5.1.4.1.1." + end
    for end in (b"2\0", b"4\0", b"128\0", b"2.1\0", b"88.11\0", b"481.1\0", b"9999\0", b"2 ")
)
DIGITS = INSTANCES[0].replace(b".", b"")
WORDS = (
    *(b"", b"Phantom^Ada", b"Ada", b"ADA ", b"TEST-0001", b"test 0001", b"0001", b"4711", b"19710203", b"20240517"),
    *(
        b"3.2.1971",
        b"YES ",
        b"12",
        b"-1.5",
        b"1.25\\2.5 ",
        b"a\\b\\Ada",
        b"plain words ",
        b"head\\",
        b" lead",
        b"DERIVED\\AXIAL",
    ),
    *(
        DIGITS,
        b"x" + DIGITS + b"0",
        INSTANCES[0],
        INSTANCES[1],
        ROOT + b".5.123456789",
        ROOT + b".3.1",
        b"1.2.840.10008.1.2",
    ),
    *(
        b"M\xfcller",
        b"M\xc3\xbcller^Ada",
        b"\x1b$B;3ED",
        b"Mueller",
        b"S042_MR1",
        b"47110815",
        b"NORTHAE",
        b"ORIGINAL\\PRIMARY",
    ),
    *(b"a\0b", b"\xff\xfe", b"2.25.17", b"10.0", b"1e1 ", b"ISO_IR 100"),
)
BINARY = (
    b"",
    b"\0\0",
    b"\1\0",
    b"\x67\x12",
    b"\7\0\1\0",
    struct.pack("<d", 19710203.0),
    struct.pack("<I", 47110815),
    b"\1",
)
CHARSETS = (b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 100 ", b"", b"\\ISO 2022 IR 87", b"NONSENSE", b"ISO_IR 13 ")
STRINGS: Mapping[int, str] = MappingProxyType(
    {
        **{0x00080008: "CS", 0x00080020: "DA", 0x00080022: "DA", 0x00080023: "DA", 0x0008002A: "DT", 0x00080030: "TM"},
        **{0x00080050: "SH", 0x00080070: "LO", 0x00080080: "LO", 0x00081010: "SH", 0x00081030: "LO", 0x0008103E: "LO"},
        **{0x00081070: "PN", 0x00081090: "LO", 0x00082111: "ST", 0x00100010: "PN", 0x00100020: "LO", 0x00100030: "DA"},
        **{0x00104000: "LT", 0x00120062: "CS", 0x00120063: "LO", 0x00180015: "CS", 0x00180024: "SH", 0x00180050: "DS"},
        **{0x00181000: "LO", 0x00181020: "LO", 0x00181160: "SH", 0x00181210: "SH", 0x00200010: "SH", 0x00200011: "IS"},
        **{0x00200012: "IS", 0x00200013: "IS", 0x00200052: "UI", 0x00204000: "LT", 0x00280004: "CS", 0x00280301: "CS"},
        **{0x00281050: "DS", 0x00282110: "CS", 0x00282112: "DS", 0x00282114: "CS", 0x00290010: "LO", 0x00291001: "PN"},
        **{0x00291002: "LO", 0x00291003: "DA", 0x0040A160: "UT", 0x00080018: "UI", 0x0020000D: "UI", 0x0020000E: "UI"},
        **{0x00080100: "SH", 0x00081155: "UI", 0x00081150: "UI", 0x300A00B2: "SH", 0x00089007: "CS", 0x00081048: "PN"},
    }
)
NUMBERS: Mapping[int, str] = MappingProxyType(
    {
        **{0x00280010: "US", 0x00280100: "US", 0x00280103: "US", 0x00280106: "SS", 0x00280120: "SS", 0x00281101: "US"},
        **{0x00189073: "FD", 0x00289001: "UL", 0x00291010: "OB", 0x00282000: "OB", 0x60003000: "OW", 0x00280009: "AT"},
    }
)
SEQUENCES = (0x00081140, 0x00081115, 0x00400275, 0x00120064, 0x0018A001, 0x52009229, 0x00291020, 0x00400555, 0x00880200)
_LONG = frozenset({"OB", "OW", "SQ", "UN", "UT"})
Value = bytes | tuple["Elements", ...]
Elements = tuple[tuple[int, str, Value], ...]

words, binary = st.sampled_from(WORDS), st.sampled_from(BINARY)
odd_vrs = st.sampled_from(("", "", "", "", "", "UN", "LO", "OB", "SH", "IS", "PN", "UI"))


def _element(tag: int, vr: str, odd: str, value: Value) -> tuple[int, str, Value]:
    return (tag, odd or vr, value)


def elements(depth: int = 2) -> st.SearchStrategy[tuple[int, str, Value]]:
    string = st.builds(
        lambda row, odd, value: _element(*row, odd, value), st.sampled_from([*STRINGS.items()]), odd_vrs, words
    )
    number = st.builds(
        lambda row, odd, value: _element(*row, odd, value), st.sampled_from([*NUMBERS.items()]), odd_vrs, binary
    )
    charset = st.builds(lambda value: (0x00080005, "CS", value), st.sampled_from(CHARSETS))
    kinds = [string, string, string, number, charset]
    if depth:
        items = st.lists(st.lists(elements(depth - 1), max_size=3).map(tuple), max_size=2).map(tuple)
        sequence = st.builds(
            lambda tag, vr, value: (tag, vr, value),
            st.sampled_from(SEQUENCES),
            st.sampled_from(("SQ", "SQ", "SQ", "UN")),
            items,
        )
        kinds.append(sequence)
    return st.one_of(*kinds)


def encoded(parts: Elements, *, implicit: bool, undefined: bool) -> bytes:
    """A data set in little endian; later elements of one tag win."""
    return b"".join(
        _encoded(*part, implicit, undefined)
        for part in sorted({one[0]: one for one in parts}.values(), key=lambda one: one[0])
    )


def _encoded(tag: int, vr: str, value: Value, implicit: bool, undefined: bool) -> bytes:
    unknown = vr == "UN" and not implicit
    data = value if isinstance(value, bytes) else _items(value, implicit or unknown, undefined)
    open_ended = undefined and not isinstance(value, bytes)
    size, end = (0xFFFFFFFF, b"\xfe\xff\xdd\xe0\0\0\0\0") if open_ended else (len(data), b"")
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if implicit:
        return start + struct.pack("<I", size) + data + end
    if vr in _LONG:
        return start + vr.encode() + b"\0\0" + struct.pack("<I", size) + data + end
    return start + vr.encode() + struct.pack("<H", size) + data


def _items(items: tuple[Elements, ...], implicit: bool, undefined: bool) -> bytes:
    bodies = [encoded(item, implicit=implicit, undefined=undefined) for item in items]
    if undefined:
        return b"".join(b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + one + b"\xfe\xff\x0d\xe0\0\0\0\0" for one in bodies)
    return b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(one)) + one for one in bodies)


@dataclasses.dataclass(frozen=True)
class Mix:
    """One file and its request, of which the next differs in a few places."""

    parts: Mapping[int, tuple[int, str, Value]]
    asked: Mapping[str, Any]
    implicit: bool = False
    undefined: bool = False
    touched: bool = False
    title: bytes = b"NORTHAE"

    def source(self) -> Dataset:
        syntax = (IMPLICIT if self.implicit else EXPLICIT).encode()
        meta = encoded(((0x00020010, "UI", syntax), (0x00020016, "AE", self.title)), implicit=False, undefined=False)
        body = encoded(tuple(self.parts.values()), implicit=self.implicit, undefined=self.undefined)
        return pydicom.dcmread(io.BytesIO(bytes(128) + b"DICM" + meta + body), stop_before_pixels=True)

    def request(self) -> HeaderRequest:
        asked = {"transfer_syntax_uid": EXPLICIT, **self.asked}
        return request(**{**asked, "transfer_syntax_uid": IMPLICIT} if self.implicit else asked)


PLAIN = Mix(
    MappingProxyType(
        {
            tag: (tag, vr, value)
            for tag, vr, value in (
                *((0x00080016, "UI", CLASSES[0]), (0x00080018, "UI", INSTANCES[0]), (0x00080060, "CS", b"CT")),
                *(
                    (0x0020000D, "UI", STUDY.encode()),
                    (0x0020000E, "UI", SERIES.encode()),
                    (0x00100010, "PN", WORDS[1]),
                ),
                *((0x00100020, "LO", WORDS[4]), (0x00100030, "DA", WORDS[8]), (0x0008103E, "LO", b"axial ")),
                *((0x00280010, "US", b"\4\0"), (0x00280011, "US", b"\4\0"), (0x00280100, "US", b"\x10\0")),
            )
        }
    ),
    MappingProxyType({}),
)
SYNTAXES = (EXPLICIT, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.2")
DESCRIPTIONS = (
    *((), (("BitsAllocated", 16),), (("BitsAllocated", 8),), (("LossyImageCompression", "01"),)),
    *(
        (("LossyImageCompressionRatio", 10),),
        (("LossyImageCompressionRatio", 10.0),),
        (("LossyImageCompressionRatio", "10"),),
    ),
    (("LossyImageCompressionRatio", (10.0, 2.5)), ("LossyImageCompressionMethod", "ISO_10918_1")),
    (("PhotometricInterpretation", "YBR_FULL"), ("PlanarConfiguration", 0), ("PixelRepresentation", 1)),
    (("PixelRepresentation", True),),
    (("PixelRepresentation", 1),),
)
FIELDS: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "identity": (Identity.from_keys(bytes(range(32))), Identity.from_keys(bytes(32))),
        "subject_label": ("ABCDEFGHIJKLMNOP", "Ada", "Müller", ""),
        "session_label": ("QRSTUVWXYZ234567", "TEST-0001"),
        "project": ("CLEAN", "Phantom"),
        "transfer_syntax_uid": SYNTAXES,
        "pixels_changed": (False, True),
        "reviewed": (False, True),
        "template_digest": (None, "cd" * 32, "ef" * 32),
        "tool_version": ("0.1.0", "0.2.0"),
        "known_identifiers": ((), ("S042_MR1",), ("axial",), ("4711", "plain words")),
        "pixel_description": DESCRIPTIONS,
        "rules": RULES,
    }
)


def _asked(mix: Mix, change: tuple[str, Any]) -> Mix:
    return dataclasses.replace(mix, asked=MappingProxyType({**mix.asked, change[0]: change[1]}))


def _put(mix: Mix, part: tuple[int, str, Value]) -> Mix:
    return dataclasses.replace(mix, parts=MappingProxyType({**mix.parts, part[0]: part}))


def _revalued(mix: Mix, place: int, value: bytes) -> Mix:
    """Another value for an element that is there: the layout stays."""
    tag, vr, before = list(mix.parts.values())[place % len(mix.parts)]
    return _put(mix, (tag, vr, value)) if isinstance(before, bytes) else mix


def _without(mix: Mix, tag: int) -> Mix:
    return dataclasses.replace(mix, parts=MappingProxyType({key: one for key, one in mix.parts.items() if key != tag}))


fields = st.one_of(*(st.tuples(st.just(name), st.sampled_from(values)) for name, values in FIELDS.items()))
changes = st.one_of(
    st.tuples(st.integers(6, 30), words).map(lambda other: lambda mix: _revalued(mix, *other)),
    st.tuples(st.integers(6, 30), words).map(lambda other: lambda mix: _revalued(mix, *other)),
    elements().map(lambda part: lambda mix: _put(mix, part)),
    elements().map(lambda part: lambda mix: _put(mix, part)),
    fields.map(lambda change: lambda mix: _asked(mix, change)),
    st.sampled_from(INSTANCES).map(lambda uid: lambda mix: _put(mix, (0x00080018, "UI", uid))),
    st.sampled_from(CLASSES).map(lambda uid: lambda mix: _put(mix, (0x00080016, "UI", uid))),
    st.sampled_from([*STRINGS, *NUMBERS, *SEQUENCES]).map(lambda tag: lambda mix: _without(mix, tag)),
    st.sampled_from(("implicit", "undefined", "touched")).map(
        lambda name: lambda mix: dataclasses.replace(mix, **{name: not getattr(mix, name)})
    ),
    st.sampled_from((b"NORTHAE", b"axial", b"")).map(lambda title: lambda mix: dataclasses.replace(mix, title=title)),
)


@st.composite
def runs(draw: st.DrawFn, files: int = 6) -> list[Mix]:
    """Files as a worker meets them: each differs from an earlier one in a few places, and some come again."""
    start = PLAIN
    for part in draw(st.lists(elements(), max_size=12)):
        start = _put(start, part)
    mixes = [start]
    for _ in range(files - 1):
        mix = draw(st.sampled_from(mixes))
        for change in draw(st.lists(changes, max_size=3)):
            mix = change(mix)
        mixes.append(mix)
    return mixes
