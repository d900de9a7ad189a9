"""Invented people planted everywhere: nothing of them may be in the bytes that are written."""

from __future__ import annotations

import datetime
import re

import pytest
from header_makers import EXPLICIT, image, put, request, reread, run
from header_options import RULES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary, dictionary_is_retired, keyword_for_tag
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import encode_header

TEXT_TAGS = sorted(
    tag
    for tag, (vr, *_) in DicomDictionary.items()
    if vr in ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT") and 0x0008 <= tag >> 16 < 0x7FE0
    if tag not in (0x00080005, 0x00080060, 0x00280004)  # the engine refuses an object with a name in these
)
SEQUENCES = sorted(tag for tag, (vr, *_) in DicomDictionary.items() if vr == "SQ" and tag >> 16 >= 0x0008)
FAMILY = ["Zander", "Quixley", "Vornholt", "Ypsilanti", "Brzeska", "Wolkenstein", "Xu", "Öztürk", "Ng"]
GIVEN = ["Zoe", "Quentin", "Vilma", "Ygritte", "Bronislaw", "Wolfram", "Xaver", "Özlem", "Nguyet"]


@st.composite
def people(draw):
    family, given_name = draw(st.sampled_from(FAMILY)), draw(st.sampled_from(GIVEN))
    number = draw(st.integers(100_000, 999_999_999))
    date = draw(st.dates(datetime.date(1901, 1, 1), datetime.date(2039, 12, 31)))
    return {
        "name": f"{family}^{given_name}",
        "id": draw(st.sampled_from(["{}", "MRN-{}", "Q{}X"])).format(number),
        "accession": f"AC{number * 7 % 10_000_019:08d}",
        "date": date,
    }


def sayings(person) -> list[str]:
    family, given_name = person["name"].split("^")
    date = person["date"]
    texts = [
        f"{family} {given_name}",
        f"scan of {given_name.upper()} {family.upper()}",
        f"{given_name}{family}",
        f"pat. {person['id']}",
        person["id"].lower(),
        f"acc#{person['accession']}",
        f"seen {date:%Y%m%d}",
        f"{date:%d.%m.%Y}",
        f"on {date:%m/%d/%Y}!",
        f"{date:%d %b %Y}",
        f"ref 1.2.826.0.1.3680043.10.999.{person['id']}",
        "1.2.826.0.1.3680043.10.999.3",
    ]
    return texts


@st.composite
def sources(draw):
    person = draw(people())
    source = image(
        SpecificCharacterSet="ISO_IR 192",
        PatientName=person["name"],
        PatientID=person["id"],
        AccessionNumber=person["accession"],
        StudyDate=f"{person['date']:%Y%m%d}",
    )
    levels: list[Dataset] = [source]
    for tag in draw(st.lists(st.sampled_from(SEQUENCES), max_size=6)):
        parent = draw(st.sampled_from(levels))
        if tag not in parent:
            level = Dataset()
            put(parent, tag, [level])
            levels.append(level)
    protected = {int(element.tag) for element in source}
    for tag in draw(st.lists(st.sampled_from(TEXT_TAGS), min_size=5, max_size=40)):
        level = draw(st.sampled_from(levels))
        if level is not source or tag not in protected:
            put(level, tag, draw(st.sampled_from(sayings(person))))
    return person, source


def plain(data: bytes) -> str:
    return re.sub(r"[\W_]", "", data.decode("utf-8", "replace")).casefold()


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(sources())
def test_no_planted_identity_is_left_anywhere(planted):
    nothing_left(*planted, request())


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(sources(), st.sampled_from(RULES[1:]))
def test_no_planted_identity_is_left_anywhere_under_options(planted, rules):
    nothing_left(*planted, request(rules=rules), retained="retain-dates-full" in rules.options)


def nothing_left(person, source, asked, *, retained=False):
    cleaned, _, proof = run(reread(source), asked)
    assert proof.findings == ()
    text = plain(encode_header(cleaned.dataset, EXPLICIT))
    date = person["date"]
    parts = [part for part in person["name"].casefold().split("^") if len(part) > 4]
    forms = [f"{date:%d%m%Y}", f"{date:%m%d%Y}", f"{date:%d%b%Y}".lower()]
    forms += [] if retained else [f"{date:%Y%m%d}"]
    mapped = plain("".join(str(uid) for uid in uids_of(cleaned.dataset)).encode())
    for trace in [*parts, plain(person["id"].encode()), plain(person["accession"].encode()), *forms]:
        assert trace not in text or trace in mapped
    assert "3680043" not in text


def uids_of(ds: Dataset) -> list[str]:
    return [str(element.value) for element in ds.iterall() if element.VR == "UI"]


@pytest.mark.parametrize("rules", [RULES[0], RULES[3]], ids=["basic", "options"])
def test_every_text_attribute_of_the_dictionary_loses_a_planted_name(rules):
    left = []
    for tag in TEXT_TAGS:
        source = image(PatientName="Wolkenstein^Zoe")
        if tag in source and tag != 0x00100010:
            continue
        put(source, tag, "Wolkenstein^Zoe")
        inner = put(Dataset(), tag, "Wolkenstein^Zoe")
        put(source, "ReferencedSeriesSequence", [inner])
        cleaned, _, proof = run(source, request(rules=rules))
        if not proof.ok or "wolkenstein" in plain(encode_header(cleaned.dataset, EXPLICIT)):
            left.append(keyword_for_tag(tag))
    assert left == []


def test_retired_text_never_stays_even_if_it_names_nobody():
    for tag in TEXT_TAGS:
        if dictionary_is_retired(tag):
            cleaned, _, _ = run(put(image(), tag, "some words"))
            assert not cleaned.dataset.get(tag) or not cleaned.dataset[tag].value
    assert request().subject_label
