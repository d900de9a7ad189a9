"""The whole profile table, row by row: at the top level and inside nested sequences, engine and proof."""

from __future__ import annotations

import pytest
from header_makers import IDENTITY, image, nest, nested, put, request, reread, run
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from xnat_pixelanon.headers import clean_header, describe, encode_header, profile_digest
from xnat_pixelanon.headers.constants import DUMMIES
from xnat_pixelanon.headers.profile import ACTIONS, common_words, lookup, rows

MARK = "ZQXMARKZQX"
SAMPLES = {
    "AE": MARK,
    "AS": "042Y",
    "AT": 0x00100010,
    "CS": MARK,
    "DA": "19830405",
    "DS": "77.25",
    "DT": "19830405060708",
    "FD": 1.5,
    "FL": 1.5,
    "IS": "77",
    "OB": MARK.encode(),
    "OB or OW": MARK.encode(),
    "OD": MARK.encode() * 4,
    "OF": MARK.encode() * 2,
    "OL": MARK.encode() * 2,
    "OW": MARK.encode(),
    "PN": f"{MARK}^X",
    "SL": 3,
    "SS": 3,
    "TM": "060708",
    "UI": "1.2.826.0.1.3680043.10.999.77",
    "UL": 3,
    "UN": MARK.encode(),
    "US": 3,
}
PATTERNS = {
    "(odd,xxxx)": 0x00091001,
    "(50xx,xxxx)": 0x50043000,
    "(60xx,3000)": 0x60023000,
    "(60xx,4000)": 0x60024000,
    "(60xx,xxxx)": 0x60020010,
    "(4010,xxxx)": 0x4010101A,
}
ROWS = [pytest.param(row, id=row.tag) for row in rows()]


def tag_of(pattern: str) -> int:
    return PATTERNS.get(pattern) or int(pattern[1:5] + pattern[6:10], 16)


def vr_of(tag: int) -> str:
    vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "LO"
    return "OW" if "OW" in vr else vr


def planted(tag: int) -> Dataset:
    vr = vr_of(tag)
    value = Sequence([put(Dataset(), "ImageComments", MARK)]) if vr == "SQ" else SAMPLES.get(vr, MARK)
    return put(Dataset(), tag, value, vr)


def allowed(ds: Dataset, tag: int, basic: str) -> bool:
    """Whether what is left of `tag` satisfies the action; written from PS3.15 Table E.1-1a, not from the engine."""
    if basic == "K":
        return bool(ds[tag].value == planted(tag)[tag].value)
    parts = set(basic.replace("*", "").split("/"))
    if tag not in ds:
        return "X" in parts or (basic == "D" and (vr_of(tag) not in DUMMIES))
    value = ds[tag].value
    if value is None or value == "" or value == []:
        return "Z" in parts
    if vr_of(tag) == "SQ":
        return basic == "X/Z/U*" and "ImageComments" not in value[0]
    if vr_of(tag) == "UI":
        return "U" in parts and value == IDENTITY.uid(SAMPLES["UI"])
    return "D" in parts and value == DUMMIES[vr_of(tag)]


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_obeyed_at_the_top_level_and_in_nested_sequences(row):
    tag = tag_of(row.tag)
    source = image()
    nest(source, planted(tag))
    identity_of_the_object = tag in source or tag in (0x00100010, 0x00100020)
    if not identity_of_the_object:
        source.update(planted(tag))
    if tag >> 16 >= 8:  # command, file meta and DICOMDIR elements cannot be written into a data set at all
        source = reread(source)
        cleaned, written, proof = run(source)
        assert proof.findings == ()
    else:
        written = clean_header(source, request()).dataset
        assert tag not in written
        assert tag not in nested(written)
        return
    assert identity_of_the_object or allowed(written, tag, row.basic)
    assert allowed(nested(written), tag, row.basic)
    if row.basic != "K":
        assert MARK.encode() not in encode_header(cleaned.dataset, request().transfer_syntax_uid)


def test_the_table_is_whole_and_well_formed():
    tags = [row.tag for row in rows()]
    assert len(set(tags)) == len(tags) == 733
    assert {row.basic for row in rows()} <= set(ACTIONS)
    editions = [row.edition for row in rows()]
    assert (editions.count("2024b"), editions.count("2026c")) == (619, 35)
    assert all(row.comment for row in rows() if row.edition == "project")
    assert {row.search for row in rows()} == {"", "id", "station", "product"}


@pytest.mark.parametrize(
    ("keyword", "action"),
    [
        ("(0010,0010)", "Z"),
        ("(0010,0020)", "Z/D"),
        ("(0010,0030)", "Z"),
        ("(0010,0040)", "Z"),
        ("(0010,1010)", "X"),
        ("(0008,0018)", "U"),
        ("(0020,000D)", "U"),
        ("(0020,000E)", "U"),
        ("(0020,0052)", "U"),
        ("(0008,1155)", "U"),
        ("(0008,0050)", "Z"),
        ("(0008,0080)", "X/Z/D"),
        ("(0008,0020)", "Z"),
        ("(0008,0021)", "X/D"),
        ("(0008,0022)", "X/Z"),
        ("(0008,0023)", "Z/D"),
        ("(0008,0090)", "Z"),
        ("(0008,1010)", "X/Z/D"),
        ("(0008,1030)", "X"),
        ("(0008,103E)", "X"),
        ("(0008,1070)", "X/Z/D"),
        ("(0008,1140)", "X/Z/U*"),
        ("(0018,1000)", "X/Z/D"),
        ("(0018,1030)", "X/D"),
        ("(0040,A730)", "D"),
        ("(0018,9367)", "D"),
        ("(0088,0200)", "X"),
        ("(FFFA,FFFA)", "X"),
        ("(0010,0041)", "X"),
        ("(0070,0006)", "D"),
        ("(0400,0500)", "X"),
    ],
)
def test_the_rows_that_everyone_knows_say_what_the_standard_says(keyword, action):
    row = lookup(tag_of(keyword))
    assert row is not None
    assert (row.tag, row.basic) == (keyword, action)


def test_repeating_and_private_groups_are_ruled_as_groups():
    assert lookup(0x00111001).tag == "(odd,xxxx)"
    assert lookup(0x50FE0005).tag == "(50xx,xxxx)"
    assert lookup(0x601E0050).basic == "X"
    assert lookup(0x40101006).basic == "X"
    assert lookup(0x00280010) is None


def test_the_digest_and_the_description_follow_the_files():
    assert len(profile_digest()) == 64
    described = describe()
    assert len(described) == len(rows())
    assert ("(0008,0050)", "Accession Number", "emptied", "2024b", "") in described


def test_common_words_are_folded_words():
    assert all(word == word.casefold() and word.isalnum() for word in common_words())
    assert "phantom" not in common_words()
