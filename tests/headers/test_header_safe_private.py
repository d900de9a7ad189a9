"""Retain Safe Private: what PS3.15 lists as safe stays, under its own creator, and nothing else that is private."""

from __future__ import annotations

import pytest
from header_makers import EXPLICIT, IMPLICIT, identified, nest, nested, put, reopen, reread, run
from header_options import asked
from pydicom.dataset import Dataset
from pydicom.uid import UID

from xnat_pixelanon.headers import HeaderMemory, ProofMemory, prove_header, write_header
from xnat_pixelanon.headers.profile import safe_attributes

ASKED = asked("retain-safe-private")
VALUES = {
    "CS": "PLAIN",
    "DS": "1.5",
    "FD": 1.5,
    "FL": 1.5,
    "IS": "3",
    "LO": "plain",
    "SH": "1.5:1",
    "SL": 3,
    "SS": 3,
    "US": 1,
}


def block(creator: str, group: int, *elements: tuple[int, object, str], at: int = 0x10) -> Dataset:
    ds = put(Dataset(), group << 16 | at, creator, "LO")
    for element, value, vr in elements:
        put(ds, group << 16 | at << 8 | element, value, vr)
    return ds


@pytest.mark.parametrize("row", safe_attributes().items(), ids=str)
def test_every_safe_attribute_stays_at_the_top_level_and_in_nested_sequences(row):
    (creator, group, element), vr = row
    source = identified()
    inner = block(creator, group, (element, VALUES[vr], vr), (0xEE, "secret", "LO"), at=0x42)
    nest(source, inner)
    source.update(inner)
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    for ds in (written, nested(written)):
        assert ds[group << 16 | 0x42].value == creator
        assert ds[group << 16 | 0x4200 | element].value == VALUES[vr]
        assert (group << 16 | 0x42EE) not in ds
    _, without, _ = run(reread(source), asked("clean-descriptors"))
    assert not any(tag.is_private for tag in list(without.keys()))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_what_an_implicit_file_does_not_say_the_table_does(syntax):
    source = identified()
    source.update(block("SIEMENS MR HEADER", 0x0019, (0x0C, "1000", "IS"), (0x0E, [0.5, 0.25, 1.0], "FD")))
    _, written, proof = run(reread(source, syntax), asked("retain-safe-private", transfer_syntax_uid=syntax))
    assert proof.findings == ()
    assert written[0x0019100C].value == 1000


BAD = {
    "another creator": block("SIEMENS CSA HEADER", 0x0019, (0x0C, "1000", "IS")),
    "a creator with more behind it": block("SIEMENS MR HEADER 2", 0x0019, (0x0C, "1000", "IS")),
    "no creator": put(Dataset(), 0x0019100C, "1000", "IS"),
    "another element": block("SIEMENS MR HEADER", 0x0019, (0x0B, "1000", "IS")),
    "another VR": block("SIEMENS MR HEADER", 0x0019, (0x0C, "1000", "LO")),
    "a name": block("SIEMENS MR HEADER", 0x0019, (0x0D, "PHANTOM ADA", "CS")),
    "an id": block("GEMS_SERS_01", 0x0025, (0x07, 778899, "SL")),
    "a name in a text": block("GEMS_PARM_01", 0x0043, (0x27, "Ada", "SH")),
}


@pytest.mark.parametrize("name", BAD)
def test_what_only_looks_safe_goes(name):
    source = identified()
    source.update(BAD[name])
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    left = [written[tag].value for tag in list(written.keys()) if tag.is_private and tag.element > 0xFF]
    assert left in ([], [""])


def test_what_is_not_what_the_table_says_goes():
    source = identified()
    source.update(block("SIEMENS MR HEADER", 0x0019, (0x0C, "nobody", "LO"), (0x0E, "12345", "LO")))
    asked_here = asked("retain-safe-private", transfer_syntax_uid=IMPLICIT)
    _, written, proof = run(reread(source, IMPLICIT), asked_here)
    assert proof.findings == ()
    assert 0x0019100C not in written
    assert 0x0019100E not in written


def test_words_that_identify_go_from_private_text():
    source = identified()
    source.update(block("GEMS_ACQU_01", 0x0019, (0x9E, "epi Ada 2", "LO")))
    _, written, proof = run(reread(source), ASKED)
    assert proof.findings == ()
    assert written[0x0019109E].value == "epi 2"


@pytest.mark.parametrize("change", ["value", "creator", "element", "name", "text"])
def test_the_proof_finds_what_is_not_safe(change):
    source = identified()
    source.update(block("SIEMENS MR HEADER", 0x0019, (0x0C, "1000", "IS"), (0x0B, "1000", "IS")))
    source.update(block("GEMS_PARM_01", 0x0043, (0x27, "1.5:1", "SH")))
    source = reread(source)
    _, written, proof = run(source, ASKED)
    assert proof.ok
    match change:
        case "value":
            put(written, 0x0019100C, "1001", "IS")
        case "creator":
            put(written, 0x00190010, "GEMS_ACQU_01", "LO")
        case "element":
            put(written, 0x0019100B, "1000", "IS")
        case "name":
            put(written, 0x00190010, "Ada Phantom", "LO")
        case "text":
            put(written, 0x00431027, "Ada", "SH")
    assert not prove_header(source, written, ASKED).ok


def test_creators_are_in_the_key_of_what_is_remembered():
    memory, proofs = HeaderMemory(), ProofMemory()
    for number, creator in enumerate(
        ["SIEMENS MR HEADER", "SIEMENS CSA HEADER", "SIEMENS MR HEADER", "GEMS_ACQU_01"] * 2
    ):
        source = identified(SOPInstanceUID=UID(f"1.2.826.0.1.3680043.10.999.333333333{number}"))
        source.update(block(creator, 0x0019, (0x0C, "1000", "IS"), (0x27, "1.5", "DS")))
        source = reread(source)
        header = write_header(source, ASKED, memory)
        assert header == write_header(source, ASKED)
        copy = reopen(header.head + header.body)
        assert (0x0019100C in copy) == (creator == "SIEMENS MR HEADER")
        assert prove_header(source, copy, ASKED, proofs).findings == ()
        put(copy, 0x00190010, "SIEMENS CSA HEADER", "LO")
        assert prove_header(source, copy, ASKED, proofs) == prove_header(source, copy, ASKED)
        assert not prove_header(source, copy, ASKED, proofs).ok or creator == "SIEMENS CSA HEADER"
