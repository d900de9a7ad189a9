"""The table under each option, row by row: at the top level and inside nested sequences, engine and proof.

What has to come of a row is written here from PS3.15 E.1 and E.3, not from the engine.
"""

from __future__ import annotations

import datetime

import pytest
from header_makers import IDENTITY, image, nest, nested, put, reread, run
from header_options import asked
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from test_header_table import MARK, SAMPLES, allowed, tag_of, vr_of

from xnat_pixelanon.domain.header_rules import OPTIONS
from xnat_pixelanon.headers.profile import Row, rows

DAYS = IDENTITY.date_shift("ABCDEFGHIJKLMNOP")
FAMILY = "Wolkenstein"
TEXT = ("LO", "LT", "SH", "ST", "UC", "UT")
OWN = (0x00100010, 0x00100020)
# The engine's own; a copy has them however the profile rules the source's.
GONE = "gone"


def column(option: str) -> str:
    return option.replace("-", "_")


def value_of(tag: int) -> object:
    """Descriptions name the patient; all else is as in the table's own test."""
    vr = vr_of(tag)
    if vr == "SQ":
        return Sequence([put(put(Dataset(), "ImageComments", MARK), "CodeMeaning", "plain")])
    if vr in TEXT:
        return f"arm {FAMILY}"
    if vr in ("AE", "CS"):
        return f"ZQ{tag:08X}"  # its own, so that none repeats what identifies in another
    if vr in ("OB", "OB or OW", "OD", "OF", "OL", "OW", "UN"):
        return f"ZQ{tag:08X}ZQZQZQ".encode()
    return SAMPLES.get(vr, MARK)


def earlier(text: str) -> str:
    day = datetime.datetime.strptime(text[:8], "%Y%m%d") + datetime.timedelta(days=DAYS)
    return day.strftime("%Y%m%d") + text[8:]


def wanted(row: Row, option: str) -> object:
    """The value that has to stand there; GONE where the Basic Profile applies."""
    cell, tag, vr = row.options.get(column(option), ""), tag_of(row.tag), vr_of(tag_of(row.tag))
    if not cell or tag >> 16 < 8 or "x" in row.tag or (cell == "C" and vr not in (*TEXT, "DA", "DT", "TM", "SQ")):
        return GONE
    if option == "retain-dates-modified" and vr not in ("DA", "DT", "TM"):
        return GONE  # a time zone cannot be moved, nor can bytes
    value = value_of(tag)
    if vr in TEXT:
        return "arm" if cell == "C" else ""  # a descriptor loses the word; what is kept whole must not name the patient
    if vr in ("DA", "DT") and cell == "C":
        return earlier(str(value))
    return value


def right(ds: Dataset, row: Row, option: str) -> bool:
    tag, want = tag_of(row.tag), wanted(row, option)
    if want is GONE:
        return allowed_text(ds, tag, row, option)
    if tag not in ds:
        return False
    value = ds[tag].value
    if vr_of(tag) == "SQ":
        comments = "ImageComments" in value[0]
        return len(value) == 1 and value[0].CodeMeaning == "plain" and comments == (option == "clean-descriptors")
    return bool(value == want)


def allowed_text(ds: Dataset, tag: int, row: Row, option: str) -> bool:
    """As the table's own test has it; rows of ours that keep text empty what names the patient."""
    if row.basic == "K" and vr_of(tag) in TEXT:
        return ds[tag].value == ""
    if row.basic == "K":
        return bool(ds[tag].value == value_of(tag))
    if row.basic == "X/Z/U*" and option == "clean-descriptors":
        return ds[tag].value[0].ImageComments in (MARK, "")  # which may be a name in what stands beside it
    return allowed(ds, tag, row.basic)


def wrong(some: list[Row], option: str) -> list[str]:
    """Rows that are not obeyed, in one data set of all of them; with them the findings of the proof."""
    source, inner = image(PatientName=f"{FAMILY}^Zoe"), Dataset()
    for row in some:
        tag = tag_of(row.tag)
        if tag >> 16 >= 8 and tag not in OWN:
            put(inner, tag, value_of(tag), vr_of(tag))
            if tag not in source:
                put(source, tag, value_of(tag), vr_of(tag))
    identity_tags = set(image().keys()) | set(OWN)
    nest(source, inner)
    _, written, proof = run(reread(source), asked(option))
    found = [f"{option}: {finding}" for finding in proof.findings]
    for row in some:
        tag = tag_of(row.tag)
        if tag >> 16 < 8:
            assert tag not in written
            continue
        kept_sequence = tag in (0x00089092, 0x00081115, 0x0008114A)
        provenance = tag in (0x00082111, 0x00280303)
        if tag not in identity_tags and not kept_sequence and not provenance and not right(written, row, option):
            found.append(f"{option} {row.tag} {row.keyword} at the top level")
        if tag not in OWN and not right(nested(written), row, option):
            found.append(f"{option} {row.tag} {row.keyword} in nested sequences")
    return found


@pytest.mark.parametrize("option", OPTIONS)
def test_every_row_with_a_say_is_obeyed_by_itself(option):
    some = [row for row in rows() if row.options.get(column(option))]
    assert some
    assert [line for row in some for line in wrong([row], option)] == []


@pytest.mark.parametrize("option", OPTIONS)
def test_every_row_without_a_say_is_ruled_by_the_basic_profile(option):
    rest = [row for row in rows() if not row.options.get(column(option)) and not row.tag.startswith("(odd")]
    assert len(rest) > 500
    assert wrong(rest, option) == []


def test_every_option_has_its_column_and_every_column_its_option():
    columns = {name for row in rows() for name in row.options}
    assert columns == {column(option) for option in OPTIONS}
    assert all(set(row.options.values()) <= {"K", "C"} for row in rows())
