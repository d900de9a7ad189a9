"""Exceptions of a policy for single attributes: carried out at every depth, told in the copy, and seen by the proof."""

from __future__ import annotations

import pytest
from header_makers import identified, nest, nested, put, reread, run
from header_options import asked
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import PROFILE_EDITION, exception_problems, profile_digest, prove_header
from xnat_pixelanon.headers.constants import OPTION_CODES

SOURCE = {"ProtocolName": "T1 Ada", "PatientAge": "053Y", "ContrastBolusAgent": "Gado", "SliceThickness": "2.5"}


def cleaned(action: str, tag: str) -> tuple[Dataset, tuple[str, ...]]:
    source = identified(**SOURCE)
    inner = Dataset()
    for keyword, value in SOURCE.items():
        put(inner, keyword, value)
    nest(source, inner)
    _, written, proof = run(reread(source), asked(exceptions={tag: action}))
    return written, proof.findings


@pytest.mark.parametrize(
    ("tag", "action", "keyword", "left"),
    [
        ("(0018,1030)", "keep", "ProtocolName", "T1"),
        ("(0018,1030)", "empty", "ProtocolName", ""),
        ("(0010,1010)", "keep", "PatientAge", "053Y"),
        ("(0018,0010)", "remove", "ContrastBolusAgent", None),
        ("(0018,0050)", "remove", "SliceThickness", None),
        ("(0018,0050)", "empty", "SliceThickness", None),
        ("(0008,0020)", "keep", "StudyDate", "20240517"),
    ],
)
def test_an_exception_goes_before_the_profile(tag, action, keyword, left):
    written, findings = cleaned(action, tag)
    assert findings == ()
    assert written.get(keyword) == left
    if keyword in SOURCE:
        assert nested(written).get(keyword) == left
    assert f"except {tag} {action}" in list(written.DeidentificationMethod)
    assert PROFILE_EDITION in list(written.DeidentificationMethod)


def test_an_exception_goes_before_an_option_too():
    rules = asked("retain-patient-characteristics", exceptions={"(0010,1010)": "remove"})
    _, written, proof = run(reread(identified(PatientAge="053Y")), rules)
    assert proof.findings == ()
    assert "PatientAge" not in written
    assert written.PatientSex == "F"


def test_what_is_kept_by_exception_still_loses_what_identifies():
    written, findings = cleaned("keep", "(0008,1030)")
    assert findings == ()
    assert written.StudyDescription == "Head of"


def test_the_proof_knows_the_exceptions():
    source = reread(identified(**SOURCE))
    rules = asked(exceptions={"(0018,0050)": "remove", "(0018,1030)": "empty"})
    _, written, proof = run(source, rules)
    assert proof.ok
    written.SliceThickness = "2.5"
    assert prove_header(source, written, rules).findings == ("(0018,0050): exception remove",)
    del written.SliceThickness
    written.ProtocolName = "T1"
    assert prove_header(source, written, rules).findings == ("(0018,1030): exception empty",)


@pytest.mark.parametrize(
    ("tag", "action", "why"),
    [
        ("(0018,FFF0)", "remove", "PS3.6 has no attribute"),
        ("(0008,1070)", "keep", "a person's name"),
        ("(0008,1155)", "keep", "a UID"),
    ],
)
def test_an_exception_that_could_not_be_carried_out_is_refused(tag, action, why):
    (line,) = exception_problems(asked(exceptions={tag: action}).rules)
    assert why in line
    assert not list(exception_problems(asked(exceptions={"(0018,1030)": "keep", "(0008,1070)": "empty"}).rules))


def test_the_profiles_digest_and_the_copys_codes_follow_the_rules():
    requests = [asked(), *(asked(option) for option in OPTION_CODES), asked(exceptions={"(0018,1030)": "keep"})]
    assert len({profile_digest(one.rules) for one in requests}) == len(requests)
    for one in requests:
        _, written, proof = run(reread(identified()), one)
        assert proof.findings == ()
        codes = [(item.CodeValue, item.CodeMeaning) for item in written.DeidentificationMethodCodeSequence]
        wanted = [OPTION_CODES[name] for name in one.rules.options]
        assert codes == [("113100", "Basic Application Confidentiality Profile"), *wanted]


def test_a_missing_or_a_false_code_is_found():
    source, rules = reread(identified()), asked("retain-uids", "clean-descriptors")
    _, written, proof = run(source, rules)
    assert proof.ok
    assert written.SOPInstanceUID == source.SOPInstanceUID == written.file_meta.MediaStorageSOPInstanceUID
    del written.DeidentificationMethodCodeSequence[-1]
    assert not prove_header(source, written, rules).ok
    _, written, _ = run(source, rules)
    assert not prove_header(source, written, asked("retain-uids")).ok
    assert not prove_header(source, written, asked()).ok


def test_retained_institutions_and_devices_are_no_longer_looked_for_and_others_are():
    source = identified(ProcessingFunction="Sample Hospital North", SequenceName="NORTHMR1", ImageComments="Ada")
    _, written, proof = run(reread(source), asked("retain-institution-identity", "retain-device-identity"))
    assert proof.findings == ()
    assert written.InstitutionName == written.ProcessingFunction == "Sample Hospital North"
    assert written.StationName == written.SequenceName == "NORTHMR1"
    _, written, _ = run(reread(source), asked("retain-device-identity"))
    assert written.ProcessingFunction == ""
    assert "InstitutionName" not in written


def test_an_institution_that_names_the_patient_is_not_retained():
    source = identified(InstitutionName="Phantom Hospital")
    _, written, proof = run(reread(source), asked("retain-institution-identity"))
    assert proof.findings == ()
    assert written.InstitutionName == ""


@pytest.mark.parametrize("option", ["retain-uids", "retain-device-identity"])
def test_what_is_no_uid_is_not_retained_as_one(option):
    source = identified(DeviceUID="Phantom.Ada", IrradiationEventUID="1.2.x", FrameOfReferenceUID="TEST-0001")
    nest(source, put(Dataset(), "ReferencedSOPInstanceUID", "Ada Phantom"))
    _, written, proof = run(reread(source), asked(option))
    assert proof.findings == ()
    texts = [written.get("DeviceUID", ""), written.IrradiationEventUID, written.FrameOfReferenceUID]
    for uid in [*texts, nested(written).ReferencedSOPInstanceUID]:
        assert uid == "" or uid.startswith("2.25.")


def test_the_proof_finds_a_name_where_a_uid_belongs():
    source, rules = reread(identified(DeviceUID="Phantom.Ada")), asked("retain-device-identity")
    _, written, proof = run(source, rules)
    assert proof.ok
    put(written, "DeviceUID", "Phantom.Ada")
    assert not prove_header(source, written, rules).ok
