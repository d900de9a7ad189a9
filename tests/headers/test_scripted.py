"""A project's script before the profile: what it sets stays, what it leaves is cleaned, what identifies is found."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pydicom
import pytest
from header_makers import (
    IMPLICIT,
    INSTANCE,
    SERIES,
    STUDY,
    identified,
    put,
    request,
    reread,
)
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.domain.header_rules import HeaderRules, TagException
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import (
    HeaderMemory,
    HeaderRequest,
    ProofMemory,
    clean_header,
    prove_header,
    write_header,
)

ALONE = HeaderRules(script_alone=True)


def copied(source: Dataset, asked: HeaderRequest) -> tuple[Dataset, tuple[str, ...]]:
    """The copy as it is read again, and what the proof finds in it."""
    written = write_header(source, asked, HeaderMemory())
    copy = pydicom.dcmread(io.BytesIO(written.head + written.body))
    proof = prove_header(source, copy, asked, ProofMemory())
    assert proof.ok is not bool(proof.findings)
    return copy, proof.findings


def after(script: str, source: Dataset | None = None, **changes: Any) -> Dataset:
    """The copy that a script leads to, proved."""
    copy, findings = copied(reread(source or identified()), request(script=script, **changes))
    assert findings == ()
    return copy


def refused(script: str, source: Dataset | None = None, **changes: Any) -> str:
    with pytest.raises(InstanceError) as error:
        write_header(reread(source or identified()), request(script=script, **changes))
    assert error.value.code == "header-refused"
    return error.value.detail


def test_what_the_script_sets_stays_and_what_it_leaves_is_cleaned() -> None:
    copy = after('(0008,1030) := "knee"\n(0010,0040) := (0010,0040)')
    assert (copy.StudyDescription, copy.PatientSex) == ("knee", "F")
    assert copy.get("InstitutionName", "") == ""
    assert copy.PatientID == request().subject_label


def test_the_script_sees_the_values_of_the_source() -> None:
    copy = after('(0008,1030) ~ "Head.*" ? (0008,103E) := "a head"')
    assert copy.SeriesDescription == "a head"


def test_the_variables_are_those_of_the_clean_side() -> None:
    copy = after("(0008,1030) := project\n(0010,0020) := subject\n(0020,0010) := session")
    assert (copy.StudyDescription, copy.StudyID) == ("CLEAN", request().session_label)
    assert copy.PatientID == request().subject_label


def test_labels_that_the_script_sets_go_before_ours() -> None:
    copy = after('(0010,0010) := "Nobody"\n(0010,0020) := "N1"')
    assert (str(copy.PatientName), copy.PatientID) == ("Nobody", "N1")


@pytest.mark.parametrize(
    "statement",
    [
        "(0010,0010) := (0010,0010)",
        "(0008,1030) := (0010,0020)",
        '(0008,1030) := "of Phantom"',
        "(0008,0080) := (0008,0080)",
        "(0010,0030) := (0010,0030)",
        "(0008,0020) := (0010,0030)",
        "(0008,1140)[0]/(0008,1150) := (0020,000D)",
        "(0019,{TOY}01) := (0010,0010)",
    ],
)
def test_what_identifies_is_refused_with_the_line(statement: str) -> None:
    said = refused(f'version "6.3"\n{statement}')
    assert "line 2, column 1" in said
    assert "Phantom" not in said
    assert "TEST-0001" not in said


def test_dates_are_the_owners_decision() -> None:
    copy = after('(0008,0020) := shiftDateByIncrement[(0008,0020), "-14"]')
    assert copy.StudyDate == "20240503"
    assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
    assert copy.get("StudyTime", "") == ""
    kept = "(0008,0020) := (0008,0020)"
    assert after(kept).LongitudinalTemporalInformationModified == "MODIFIED"  # all others are gone
    assert after(kept, rules=ALONE).LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert after("- (0008,0020)").LongitudinalTemporalInformationModified == "REMOVED"
    assert after('(0008,0020) := ""').LongitudinalTemporalInformationModified == "REMOVED"


def test_uids_that_the_script_maps_are_mapped_once() -> None:
    source = identified()
    put(source, "ReferencedFrameOfReferenceUID", STUDY)
    lines = [
        f"({tag}) := hashUID[({tag})]" for tag in ("0020,000D", "0020,000E", "0008,0018", "0020,0052", "3006,0024")
    ]
    copy = after("\n".join(lines), source)
    mapped = request().identity.uid
    assert (copy.StudyInstanceUID, copy.SeriesInstanceUID) == (mapped(STUDY), mapped(SERIES))
    assert copy.SOPInstanceUID == copy.file_meta.MediaStorageSOPInstanceUID == mapped(INSTANCE)
    assert copy.FrameOfReferenceUID == mapped(source.FrameOfReferenceUID)
    assert copy.ReferencedFrameOfReferenceUID == mapped(STUDY)


def test_a_study_uid_of_the_scripts_own_is_refused() -> None:
    assert "line 1, column 1" in refused('(0020,000D) := "1.2.3.4"')


def test_what_is_set_within_a_sequence_that_the_profile_drops_keeps_it_with_the_rest_cleaned() -> None:
    inner = Dataset()
    inner.ScheduledProcedureStepDescription, inner.ScheduledPerformingPhysicianName = "of Phantom", "Example^Perform"
    source = identified(RequestAttributesSequence=[inner])
    assert "RequestAttributesSequence" not in after('(0008,1030) := "x"', source)
    copy = after('(0040,0275)[0]/(0040,0007) := "a step"', source)
    (item,) = copy.RequestAttributesSequence
    assert item.ScheduledProcedureStepDescription == "a step"
    assert item.get("ScheduledPerformingPhysicianName", "") == ""


def test_private_elements_that_the_script_sets_stay_with_their_creator() -> None:
    for syntax in (None, IMPLICIT):
        changes = {"transfer_syntax_uid": syntax} if syntax else {}
        asked = request(script='(0019,{TOY MAKER}01) := "wheel"', **changes)
        copy, findings = copied(reread(identified(), *([syntax] if syntax else [])), asked)
        assert findings == ()
        assert copy[0x00190010].value in ("TOY MAKER", b"TOY MAKER ")
        assert copy[0x00191001].value == b"wheel\0"  # UN, as DicomEdit makes it


def test_what_was_only_blanked_is_still_the_profiles() -> None:
    source = identified()
    source.PatientComments = "TEST-0001\\one who limps"
    block = source.private_block(0x0019, "TOY MAKER", create=True)
    block.add_new(1, "LO", ["TEST-0001", "wheel"])
    copy = after("blankValues[(0010,0020)]", source)
    assert copy.get("PatientComments", "") == ""
    assert not [element for element in copy if element.tag.is_private]


def test_the_image_type_that_a_script_sets_is_derived_where_pixels_change() -> None:
    copy = after('(0008,0008) := "ORIGINAL\\\\SECONDARY"', pixels_changed=True, reviewed=True)
    assert list(copy.ImageType) == ["DERIVED", "SECONDARY"]


def test_the_rectangles_of_the_script_are_told() -> None:
    script = 'alterPixels["rectangle", "l=1, t=0, r=99, b=2", "solid", "v=0"]\n' * 2
    written = write_header(reread(identified()), request(script=script))
    assert written.rectangles == (Rectangle(0, 1, 2, 6),)


def test_a_rejected_instance_has_no_copy() -> None:
    assert "line 1, column 22" in refused('(0008,0060) = "MR" ? reject[]')


def test_every_element_is_named_with_the_line_of_the_script() -> None:
    source = reread(identified())
    cleaned = clean_header(source, request(script='version "6.3"\n(0008,1030) := "x"\n- (0008,1010)'))
    assert [(one.tag, one.rule, one.action) for one in cleaned.actions if one.rule.startswith("script")] == [
        ("(0008,1030)", "script 2:1", "set"),
        ("(0008,1010)", "script 3:1", "removed"),
    ]


def test_the_method_names_the_script_by_a_keyed_digest() -> None:
    script = '(0008,1030) := "x"'
    methods = [text for text in after(script).DeidentificationMethod if text.startswith("script ")]
    assert methods == [f"script {request().identity.keyed_digest(b'script', script.encode())[:40]}"]


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lambda copy: setattr(copy, "StudyDescription", "hip"), "(0008,1030): not what the script set"),
        (lambda copy: delattr(copy, "StudyDescription"), "(0008,1030): set by the script, and not there"),
        (lambda copy: setattr(copy, "PatientID", "P"), "(0010,0020): label or provenance value"),
        (lambda copy: setattr(copy, "PatientComments", "x"), "(0010,4000): E.1-1 X"),
        (
            lambda copy: setattr(copy, "LongitudinalTemporalInformationModified", "MODIFIED"),
            "(0028,0303): label or provenance value",
        ),
    ],
)
def test_the_proof_runs_the_script_again_and_compares(spoil: Any, finding: str) -> None:
    source, asked = reread(identified()), request(script='(0008,1030) := "knee"')
    copy, findings = copied(source, asked)
    assert findings == ()
    spoil(copy)
    assert finding in prove_header(source, reread_meta(copy), asked).findings


def reread_meta(copy: Dataset) -> Dataset:
    """As it is, with its preamble."""
    copy.preamble = bytes(128)
    return copy


def test_the_proof_searches_what_the_script_set() -> None:
    """The engine refuses it before: the proof stands alone here."""
    source, asked = reread(identified()), request(script='(0008,1030) := "of Phantom"')
    innocent = request(script='(0008,1030) := "of Phantom"', identity=asked.identity)
    copy, _ = copied(source, request(script='(0008,1030) := "knee"'))
    copy.StudyDescription = "of Phantom"
    assert "(0008,1030): identifier" in prove_header(source, reread_meta(copy), innocent).findings


def test_a_request_with_a_script_crosses_processes_and_tells_nothing_of_it() -> None:
    asked = request(script='(0008,1030) := "knee"')
    assert pickle.loads(pickle.dumps(asked)) == asked
    assert "knee" not in repr(asked)


class TestAlone:
    """`profile: none`: the script alone, and the search."""

    def test_what_does_not_identify_stays(self) -> None:
        source = identified(SeriesDescription="axial", PatientAge="052Y", AcquisitionDate="20240518")
        block = source.private_block(0x0019, "TOY MAKER", create=True)
        block.add_new(1, "LO", "wheel")
        block.add_new(2, "OB", b"\1\2\3\4")
        copy = after("- (0008,0080)", source, rules=ALONE)
        assert (copy.SeriesDescription, copy.PatientAge, copy.StudyDate) == ("axial", "052Y", "20240517")
        assert copy.AcquisitionDate == "20240518"
        assert copy[0x00191001].value == "wheel"
        assert 0x00191002 not in copy
        assert copy.LongitudinalTemporalInformationModified == "UNMODIFIED"
        assert not [item for item in copy.DeidentificationMethodCodeSequence if item.CodeValue == "113100"]
        assert not [text for text in copy.DeidentificationMethod if "E.1-1" in text]

    def test_what_identifies_goes_though_no_line_says_so(self) -> None:
        source = identified(SeriesDescription="head of Phantom", OperatorsName="Phantom^Ada")
        block = source.private_block(0x0019, "TOY MAKER", create=True)
        block.add_new(1, "LO", "Phantom")
        copy = after('(0008,0060) := "MR"', source, rules=ALONE)
        kept = str(copy).replace(request().subject_label, "")
        for text in ("Phantom", "TEST-0001", "19710203", "ACC778899", "STU4711", "Sample Hospital", "SN556677"):
            assert text not in kept

    def test_pictures_and_signatures_go_as_ever(self) -> None:
        icon = Dataset()
        icon.Rows = icon.Columns = 1
        source = identified(IconImageSequence=[icon], DigitalSignaturesSequence=[Dataset()])
        put(source, 0x60000010, 1, "US")
        copy = after('(0008,1030) := "x"', source, rules=ALONE)
        assert {"IconImageSequence", "DigitalSignaturesSequence"}.isdisjoint(copy.dir())
        assert 0x60000010 not in copy

    def test_the_proof_judges_it_by_itself(self) -> None:
        source, asked = reread(identified()), request(script='(0008,1030) := "x"', rules=ALONE)
        for tag, value, vr, finding in (
            (0x00081050, "Phantom^Ada", "PN", "(0008,1050): VR PN"),
            (0x00080021, "19710203", "DA", "(0008,0021): identifier"),
            (0x00080021, "20240101", "DA", "(0008,0021): not in the source"),
            (0x00191001, b"\0\1", "OB", "(0019,1001): private element that is no text"),
            (0x00420011, b"\0\1", "OB", "(0042,0011): carries what nothing can search, or the picture as it was"),
        ):
            copy, findings = copied(source, asked)
            assert findings == ()
            put(copy, tag, value, vr)
            assert finding in prove_header(source, reread_meta(copy), asked).findings

    def test_without_a_script_there_is_no_such_thing(self) -> None:
        with pytest.raises(ValueError, match="neither"):
            request(rules=ALONE)


def test_exceptions_of_the_policy_count_where_the_script_is_silent() -> None:
    rules = HeaderRules(exceptions=(TagException("(0008,103E)", "remove"), TagException("(0008,1030)", "remove")))
    copy = after('(0008,1030) := "knee"', identified(SeriesDescription="axial"), rules=rules)
    assert copy.StudyDescription == "knee"
    assert "SeriesDescription" not in copy


COPIED = [
    ("(0019,{ACME 9}10) := (0010,0010)", {"PatientName": "Doe^Jo"}),
    ("(0019,{ACME 9}10) := (0010,0020)", {"PatientID": "4711"}),
    ("(0008,1030) := (0010,0010)", {"PatientName": "Li"}),
    ('(0008,1030) := concatenate["of ", (0010,0020)]', {"PatientID": "A7"}),
    ("(0010,0010) := (0010,0010)", {"PatientName": "Ng^A"}),
    ("(0018,0015) := (0010,0010)", {"PatientName": "LI"}),
    ("(0018,0015) := (0010,0020)", {"PatientID": "A7"}),
    ("(0018,1150) := (0010,0020)", {"PatientID": "4711"}),
    ("(0020,9057) := (0010,0020)", {"PatientID": "4711"}),
    ("(0008,0030) := (0010,0020)", {"PatientID": "123456"}),
    ("(0008,0020) := (0010,0020)", {"PatientID": "20110405"}),
    (r'(0008,1030) := replace[(0010,0020), "-", "\\"]', {"PatientID": "QRS-7654"}),
]


@pytest.mark.parametrize(("script", "values"), COPIED)
def test_short_identifiers_that_a_script_copies_anywhere_are_refused(script: str, values: dict[str, str]) -> None:
    source = identified()
    for keyword, value in values.items():
        setattr(source, keyword, value)
    assert "would hold what identifies the source" in refused(script, source)


@pytest.mark.parametrize(("script", "values"), COPIED)
def test_the_proof_finds_them_by_itself(script: str, values: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_pixelanon.headers.settled._identifies", lambda *_: False)
    source = identified()
    for keyword, value in values.items():
        setattr(source, keyword, value)
    _, findings = copied(reread(source), request(script=script))
    assert any(finding.endswith(": identifier") for finding in findings)


def test_short_names_go_without_a_profile_too() -> None:
    source = identified()
    source.OperatorsName, source.ReferringPhysicianName, source.PatientName = "Li", "White", "Ng^A"
    source.PatientComments, source.StudyDescription = "Mrs Ng likes tea", "knee"
    source.NameOfPhysiciansReadingStudy = "Xu"
    source.RequestAttributesSequence = [Dataset()]
    source.RequestAttributesSequence[0].RequestingPhysician = "Xu"
    put(source, 0x00190010, "ACME 9", "LO")
    put(source, 0x00191011, "Xu", "PN")
    put(source, 0x00191012, "Mrs Ng", "LO")
    put(source, 0x00191013, "a knee", "LO")
    copy = after('(0008,103E) := "x"', source, rules=ALONE)
    assert copy.StudyDescription == "knee"
    assert not any(copy.get(name) for name in ("OperatorsName", "ReferringPhysicianName", "PatientComments"))
    assert not copy.get("NameOfPhysiciansReadingStudy")
    assert not copy.RequestAttributesSequence[0].get("RequestingPhysician")
    assert (0x0019, 0x1011) not in copy
    assert (0x0019, 0x1012) not in copy
    assert copy[0x0019, 0x1013].value == "a knee"


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00081070, "PN", "Li"),
        (0x00104000, "LT", "Mrs Ng likes tea"),
        (0x00191011, "PN", "Xu"),
        (0x00191012, "LO", "Mrs Ng"),
    ],
)
def test_the_proof_finds_short_names_without_a_profile(tag: int, vr: str, value: str) -> None:
    source = identified()
    source.PatientName = "Ng^A"
    put(source, 0x00190010, "ACME 9", "LO")
    put(source, tag, value, vr)
    asked = request(script='(0008,103E) := "x"', rules=ALONE)
    copy, findings = copied(reread(source), asked)
    assert findings == ()
    put(copy, tag, value, vr)
    findings = prove_header(reread(source), copy, asked, ProofMemory()).findings
    assert any(one.endswith((": VR PN", ": identifier", ": private element that is no text")) for one in findings)


@pytest.mark.parametrize("rules", [HeaderRules(), ALONE])
def test_a_private_sequence_that_cannot_be_read_is_no_way_for_what_is_in_it(rules: HeaderRules) -> None:
    source, item = reread(identified()), Dataset()
    item.PatientName = "Phantom^Ada"
    item[0x00080060] = RawDataElement(BaseTag(0x00080060), "CS", 40, b"MR", 0, False, True, True)
    put(source, 0x00190010, "ACME 9", "LO")
    put(source, 0x00191010, [item], "SQ")
    with pytest.raises(InstanceError, match="cannot be read"):
        write_header(source, request(script='(0019,{ACME 9}10)[0]/(0008,1030) := "x"', rules=rules))


@pytest.mark.parametrize("statement", ["- (0008,0020)", '(0008,0020) := ""', "blankValues[(0008,0020)]"])
@pytest.mark.parametrize("rules", [ALONE, HeaderRules(options=frozenset({"retain-dates-full"}))])
def test_dates_that_a_script_takes_out_are_not_unmodified(statement: str, rules: HeaderRules) -> None:
    copy = after(statement, rules=rules)
    assert not copy.get("StudyDate")
    assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
    assert after(statement).LongitudinalTemporalInformationModified == "REMOVED"


@pytest.mark.parametrize(("tag", "head"), [(0x00104000, b"\x10\0\0\x40LT"), (0x00191011, b"\x19\0\x11\x10LT")])
@pytest.mark.parametrize("script", ["", '(0008,1030) := "x"'])
def test_an_element_whose_reading_was_put_off_and_fails_holds_the_instance(script: str, tag: int, head: bytes) -> None:
    data = io.BytesIO()
    source = put(identified(), 0x00190010, "ACME 9", "LO")
    reread(put(source, tag, "Phantom " * 40, "LT")).save_as(data, enforce_file_format=True)
    spoiled = data.getvalue().replace(head, head[:4] + b"S\x1b")
    assert spoiled != data.getvalue()
    with pytest.raises(InstanceError, match="cannot be read"):
        write_header(pydicom.dcmread(io.BytesIO(spoiled), defer_size=64), request(script=script))
