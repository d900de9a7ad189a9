"""What counts as a trace of the source: the engine's search and the proof's, which have to agree."""

from __future__ import annotations

import pytest
from header_makers import image, put
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from xnat_pixelanon.headers.proof_search import Found, Search, compiled
from xnat_pixelanon.headers.proof_view import View
from xnat_pixelanon.headers.residue import Identifiers, collect
from xnat_pixelanon.headers.silence import quiet
from xnat_pixelanon.headers.tree import read_tree


def searches(source: Dataset, *known: str) -> tuple[Identifiers, Search]:
    with quiet():
        return collect(read_tree(source), known), compiled(Found.of(View(source).everything(), known))


def found(text: str, source: Dataset, *known: str, vr: str = "LO", tag: int = 0x00081140) -> bool:
    """Both say the same, or the test fails."""
    engine, proof = searches(source, *known)
    one = engine.in_text(text, code=vr == "CS", product=tag == 0x00081090)
    assert one == proof.in_text(text, vr, tag)
    return one


PERSON = {"PatientName": "Phantom^Ada^B", "PatientID": "TEST-0001", "PatientBirthDate": "19710203"}


@pytest.mark.parametrize(
    "text",
    [
        "Phantom",
        "PHANTOM, ADA",
        "scan of adaphantom",
        "p-h-a-n-t-o-m",
        "Ada 2nd series",
        "headAda2",
        "Phäntom",
        "id TEST-0001",
        "test0001",
        "x TEST 0001 y",
        "born 1971-02-03",
        "born 03.02.1971",
        "born 2/3/1971",
        "born 02/03/71",
        "3 Feb 1971",
        "03FEB1971",
        "February 3, 1971",
        "1971 Feb 3",
        "dob19710203",
        "03021971",
        "20240101_19710203_x",
        "1.2.826.0.1.3680043.10.999.1.44",
        "Ｐｈａｎｔｏｍ",
    ],
)
def test_traces_are_found(text):
    assert found(text, image(**PERSON))


@pytest.mark.parametrize(
    "text",
    [
        "t1_tse_sag",
        "Canada",
        "ADAPT",
        "adaptive",
        "19710204",
        "1971",
        "v 1.2.3",
        "build 1.2.840.10008.1.2.1",
        "10-02-71",
        "TEST-1000",
        "",
    ],
)
def test_words_that_are_no_trace_are_left(text):
    assert not found(text, image(**PERSON))


def test_short_ids_are_compared_as_a_whole_only():
    source = image(PatientID="CT7")
    assert found("CT7", source)
    assert not found("CT7 thorax", source)
    assert not found("CT7", source, vr="CS")
    source = image(PatientID="A123")
    assert found("x A-123 y", source)
    assert not found("XA1234", source)


@pytest.mark.parametrize("value", ["CT", "0", "000000", "ANONYMOUS", "Unknown", "ORIGINAL", ""])
def test_ids_that_identify_nobody_destroy_nothing(value):
    source = image(PatientID=value, PatientName=value)
    for text in ("CT", "0", "000000", "anonymous", "ORIGINAL"):
        assert not found(text, source, vr="LO")


def test_a_station_named_after_its_model_does_not_take_the_model_away():
    source = image(StationName="VISION900")
    assert found("VISION900", source)
    assert not found("Vision 900", source, tag=0x00081090)
    assert found("Vision 900", image(DeviceSerialNumber="VISION900"), tag=0x00081090)


def test_names_of_other_scripts_are_found():
    source = image(SpecificCharacterSet="ISO_IR 192", PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう")
    for text in ("山田", "患者 太郎 様", "やまだ", "YAMADA", "tarou"):
        assert found(text, source)
    source = image(SpecificCharacterSet="ISO_IR 192", PatientName="李^明")
    assert found("李明", source)
    assert found("明 李", source)
    assert not found("明日", source)


def test_what_xnat_calls_the_session_is_a_trace():
    assert found("see S042_MR1", image(), "S042_MR1")
    assert not found("see S042_MR1", image())


def test_identifiers_are_collected_at_every_depth_and_of_every_person():
    inner = put(Dataset(), "OperatorsName", "Operator^Olga")
    source = image(ReferringPhysicianName="Example^Refer")
    put(source, "ReferencedSeriesSequence", [inner])
    assert found("by olga", source)
    assert found("for example", source)


def test_numbers_are_compared_as_a_whole():
    engine, proof = searches(image(PatientID="20714455", StudyDate="20240517"))
    for text, expected in (("20714455", True), ("20240517", True), ("207144.55", False), ("1", False), ("4455", False)):
        assert engine.in_number(text) == proof.in_number(text) == expected


def test_bytes_are_searched_in_ascii_and_utf16():
    engine, proof = searches(image(**PERSON))
    for data in (b"..Phantom..", "Test-0001".encode("utf-16-le")):
        assert engine.in_bytes(data)
        assert proof.in_bytes(data)
    assert not engine.in_bytes(bytes(range(256)))
    assert not proof.in_bytes(bytes(range(256)))


NAMES = st.text("abcdeABCDE äéß^ -'=7山", max_size=14)
IDS = st.text("abAB012 -_./", max_size=10)
TEXTS = st.text("abcdeABCDE äéß^ -_./,7012山", max_size=24)
DATES = st.dates().map(lambda date: f"{date:%Y%m%d}".rjust(8, "0"))


@settings(deadline=None)
@given(NAMES, IDS, IDS, DATES, TEXTS)
@example("abcde^ab", "", "", "20010203", "xabc deX")
@example("ab^cd", "A1-1", "", "20010203", "a1 1 dcab")
@example("abc^", "", "", "19010203", "3/2/01")
def test_engine_and_proof_agree_on_every_text(name, patient_id, station, date, text):
    source = image(
        SpecificCharacterSet="ISO_IR 192", PatientName=name, PatientID=patient_id, StationName=station, StudyDate=date
    )
    for vr, tag in (("LO", 0x00081140), ("CS", 0x00180015), ("LO", 0x00081090)):
        found(text, source, vr=vr, tag=tag)


@settings(deadline=None)
@given(st.dates(), st.sampled_from("-/. "), st.data())
def test_dates_are_found_in_every_common_form(date, separator, data):
    source = image(StudyDate=f"{date.year:04d}{date:%m%d}")
    forms = [
        "{y:04d}{s}{m:02d}{s}{d:02d}",
        "{d}{s}{m}{s}{y:04d}",
        "{m:02d}{s}{d:02d}{s}{y:04d}",
        "{y:04d}{m:02d}{d:02d}",
    ]
    form = data.draw(st.sampled_from(forms))
    text = "seen " + form.format(y=date.year, m=date.month, d=date.day, s=separator)
    assert found(text, source) == ((date.year, date.month, date.day) != (1900, 1, 1))
