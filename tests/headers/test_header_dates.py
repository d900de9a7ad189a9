"""Longitudinal temporal information: dates as they are, or moved by days that a subject's sessions share."""

from __future__ import annotations

import datetime

import pytest
from header_makers import IDENTITY, identified, image, nest, nested, put, reread, run
from header_options import asked
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import prove_header
from xnat_pixelanon.headers.proof_options import is_moment, is_moved
from xnat_pixelanon.headers.shift import is_temporal, shifted

DAYS = IDENTITY.date_shift("ABCDEFGHIJKLMNOP")


def earlier(text: str, days: int = DAYS) -> str:
    """Eight digits, moved; the standard library's own arithmetic."""
    return (datetime.datetime.strptime(text, "%Y%m%d") + datetime.timedelta(days=days)).strftime("%Y%m%d")


def test_all_dates_of_a_subject_move_by_the_same_days_and_times_stay():
    source = identified(AcquisitionDateTime="20240518093000.5+0100", SeriesTime="1011")
    nest(source, put(Dataset(), "SeriesDate", "20240520"))
    _, written, proof = run(reread(source), asked("retain-dates-modified"))
    assert proof.findings == ()
    assert written.StudyDate == earlier("20240517")
    assert written.AcquisitionDateTime == earlier("20240518") + "093000.5+0100"
    assert (written.StudyTime, written.SeriesTime) == ("101112", "1011")
    assert nested(written).SeriesDate == earlier("20240520")
    assert written.LongitudinalTemporalInformationModified == "MODIFIED"


def test_the_shift_is_the_subjects_and_the_keys_own():
    other = type(IDENTITY).from_keys(bytes(range(1, 33)))
    shifts = {IDENTITY.date_shift(f"S{number}") for number in range(200)}
    assert len(shifts) > 150
    assert all(-3652 <= days <= -30 for days in shifts)
    assert IDENTITY.date_shift("S1") == IDENTITY.date_shift("S1") != other.date_shift("S1")


def test_the_date_of_birth_is_none_of_them():
    for option in ("retain-dates-modified", "retain-dates-full"):
        _, written, proof = run(reread(identified()), asked(option))
        assert proof.ok
        assert written.PatientBirthDate == ""


@pytest.mark.parametrize(
    "text", ["19000101", "18581117", "17530101", "19700101", "20240230", "2024", "today", "00010101"]
)
def test_a_date_that_cannot_be_moved_is_ruled_by_the_basic_profile(text):
    source = image(StudyDate=text, SeriesDate=text)
    _, written, proof = run(reread(source), asked("retain-dates-modified"))
    assert proof.findings == ()
    assert written.StudyDate == ""
    assert "SeriesDate" not in written


def test_a_date_in_the_old_form_is_written_in_the_new_one():
    _, written, proof = run(reread(image(StudyDate="2024.05.17")), asked("retain-dates-modified"))
    assert proof.ok
    assert written.StudyDate == earlier("20240517")


def test_full_dates_stay_and_say_so():
    _, written, proof = run(reread(identified(AcquisitionDateTime="2024")), asked("retain-dates-full"))
    assert proof.findings == ()
    assert (written.StudyDate, written.StudyTime, written.AcquisitionDateTime) == ("20240517", "101112", "2024")
    assert written.LongitudinalTemporalInformationModified == "UNMODIFIED"


@pytest.mark.parametrize("said", ["MODIFIED", "REMOVED"])
def test_dates_that_an_earlier_tool_modified_are_never_called_unmodified(said):
    source = identified(LongitudinalTemporalInformationModified=said)
    _, written, proof = run(reread(source), asked("retain-dates-full"))
    assert proof.ok
    assert written.LongitudinalTemporalInformationModified == said


def test_dates_in_text_go_whatever_happens_to_the_attributes():
    source = identified(ProcessingFunction="seen 17.05.2024")
    for option in ("retain-dates-modified", "retain-dates-full"):
        _, written, proof = run(reread(source), asked(option))
        assert proof.ok
        assert written.ProcessingFunction == ""


MOMENTS = [
    ("DA", "20240517"),
    ("DA", "20240230"),
    ("DA", "2024.05.17"),
    ("DA", "2024.0517"),
    ("DA", "20240517x"),
    ("DA", "٢٠٢٤٠٥١٧"),
    ("DA", "19000101"),
    ("DA", "00000517"),
    ("DT", "2024"),
    ("DT", "202413"),
    ("DT", "20240517"),
    ("DT", "2024051709"),
    ("DT", "20240517093000.123456-0800"),
    ("DT", "20240517+0100"),
    ("DT", "20240517259999"),
    ("DT", "20240517 name"),
    ("TM", "09"),
    ("TM", "0930"),
    ("TM", "093060.5"),
    ("TM", "09:30:00"),
    ("TM", "09:3000"),
    ("TM", "2561"),
    ("TM", "noon"),
]


@pytest.mark.parametrize(("vr", "text"), MOMENTS)
def test_engine_and_proof_agree_on_what_a_date_is_and_where_it_goes(vr, text):
    assert is_temporal(text, vr) == is_moment(text, vr)
    moved = shifted(text, vr, -40)
    if moved is not None:
        assert is_moved(moved, text, vr, -40)
        assert vr == "TM" or not is_moved(moved, text, vr, -41)
    else:
        assert not any(is_moved(new, text, vr, -40) for new in (text, "20240407", "19001231"))


@pytest.mark.parametrize("change", ["20240517", "19000101", "20240101", earlier("20240517", DAYS - 1)])
def test_the_proof_finds_a_date_that_was_not_moved_by_the_subjects_days(change):
    source = reread(identified(SeriesDate="20240517", AcquisitionDateTime="20240517093000"))
    rules = asked("retain-dates-modified")
    _, written, proof = run(source, rules)
    assert proof.ok
    written.SeriesDate = change  # X/D: the dummy is what the Basic Profile may put there
    assert prove_header(source, written, rules).ok == (change == "19000101")
    _, written, _ = run(source, rules)
    written.AcquisitionDateTime = f"{change}093000"
    assert not prove_header(source, written, rules).ok


def test_the_proof_finds_a_date_of_another_subject_and_dates_that_nobody_allowed():
    source, rules = reread(identified()), asked("retain-dates-modified")
    _, written, proof = run(source, asked("retain-dates-modified", subject_label="ANOTHERSUBJECT77"))
    assert proof.ok
    assert not prove_header(source, written, rules).ok
    for other in (asked(), asked("retain-dates-full"), asked("retain-patient-characteristics")):
        _, written, _ = run(source, rules)
        assert any("(0008,0020)" in finding for finding in prove_header(source, written, other).findings)
        _, written, _ = run(source, asked("retain-dates-full"))
        moved = prove_header(source, written, rules)
        assert any("(0008,0020)" in finding for finding in moved.findings)


def test_the_proof_finds_a_false_word_about_the_dates():
    source, rules = reread(identified()), asked("retain-dates-modified")
    _, written, _ = run(source, rules)
    written.LongitudinalTemporalInformationModified = "UNMODIFIED"
    assert prove_header(source, written, rules).findings == ("(0028,0303): label or provenance value",)


def test_a_characteristic_that_was_retained_is_the_sources_own():
    source = reread(identified(PatientAge="053Y", PatientWeight="70", EthnicGroup="Ada"))
    rules = asked("retain-patient-characteristics")
    _, written, proof = run(source, rules)
    assert proof.findings == ()
    assert (written.PatientAge, written.PatientWeight, written.PatientSex, written.EthnicGroup) == ("053Y", 70, "F", "")
    for keyword, value in (
        ("PatientAge", "054Y"),
        ("PatientWeight", "71"),
        ("PatientSex", "M"),
        ("EthnicGroup", "Ada"),
    ):
        _, written, _ = run(source, rules)
        setattr(written, keyword, value)
        assert not prove_header(source, written, rules).ok
    _, written, _ = run(source, rules)
    assert not prove_header(source, written, asked()).ok


@pytest.mark.parametrize("option", ["retain-dates-modified", "retain-dates-full", "retain-device-identity"])
def test_an_empty_date_or_time_stays_empty(option):
    source = identified(TimeOfLastCalibration="", DateOfLastCalibration="", AcquisitionDateTime="")
    _, written, proof = run(reread(source), asked(option))
    assert proof.findings == ()
    assert [str(written.get(name, "")) for name in ("TimeOfLastCalibration", "AcquisitionDateTime")] == ["", ""]
