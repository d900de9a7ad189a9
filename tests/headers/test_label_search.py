"""What of a header refuses a label that is to be kept."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.dataset import Dataset

from xnat_pixelanon.domain.header_rules import PLAIN, HeaderRules
from xnat_pixelanon.headers import held_in_labels, holds_known, same_label


def header(**attributes: object) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def held(label: str, *, rules: HeaderRules = PLAIN, **attributes: object) -> str:
    return held_in_labels(header(**attributes), (label,), rules)


@pytest.mark.parametrize(
    ("label", "keyword", "value"),
    [
        ("S017-QUIXLEY", "PatientName", "Quixley^Ada"),
        ("quixley_ada", "PatientName", "Quixley^Ada"),
        ("S017_Ng", "ReferringPhysicianName", "Ng^A"),
        ("S-12345678", "PatientID", "12345678"),
        ("S-0042", "PatientID", "0042"),
        ("SUBJ_42", "PatientID", "42"),
        ("X-ACC-77001", "AccessionNumber", "ACC77001"),
        ("S_2024_01_31", "StudyDate", "20240131"),
        ("S31JAN2024", "PatientBirthDate", "20240131"),
        ("S-19999123456", "OtherPatientIDs", ["A1", "19999123456"]),
        ("Nowhere-Clinic-1", "InstitutionName", "Nowhere Clinic"),
    ],
)
def test_what_the_search_finds_in_a_text_it_finds_in_a_label(label: str, keyword: str, value: object) -> None:
    assert held(label, **{keyword: value})
    assert held(label, ReferencedStudySequence=[header(**{keyword: value})]).startswith("(0008,1110)[0].")
    assert not held("S017-US1", **{keyword: value})


def test_a_label_over_name_and_id_is_no_sign_as_xnats_own_script_writes_it_there() -> None:
    assert not held("PX-S017", PatientName="PX-S017^^^^", PatientID="PX-S017 ")


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientID": "PX_S017"},  # XNAT makes labels of what stands there, with _ for other signs
        {"PatientName": "PX^S017"},
        {"PatientID": "S017"},  # a part of the label is not the label
        {"PatientID": ["PX-S017", "S017"]},
        {"PatientName": "PX-S017^S017"},
        {"PatientName": "PX-S017=S017"},
        {"AccessionNumber": "PX-S017"},
        {"OtherPatientIDs": "PX-S017"},
        {"ReferencedStudySequence": [header(PatientID="PX-S017")]},
    ],
)
def test_whatever_else_says_the_same_is_a_sign_all_the_same(attributes: dict[str, object]) -> None:
    assert held("PX-S017", **attributes)


def test_where_it_stands_is_told() -> None:
    ds = header(AccessionNumber="PX-S017-US1")
    assert held_in_labels(ds, ("PX-S017", "PX-S017-US1"), PLAIN) == "(0008,0050)"
    assert held_in_labels(ds, ("PX-S017",), PLAIN) == ""


def test_what_an_option_retains_identifies_nobody() -> None:
    keeps = HeaderRules(frozenset({"retain-institution-identity"}))
    assert held("Nowhere-Clinic-1", InstitutionName="Nowhere Clinic")
    assert not held("Nowhere-Clinic-1", rules=keeps, InstitutionName="Nowhere Clinic")


def test_the_titles_of_the_file_meta_information_count() -> None:
    ds = header(PatientID="1")
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.SourceApplicationEntityTitle = "NOWHERECT7"
    assert held_in_labels(ds, ("S1", "S1-NOWHERE-CT7"), PLAIN) == "file meta information"
    assert held_in_labels(ds, ("S1",), PLAIN) == ""


def test_what_is_known_besides_is_looked_for_as_in_a_description() -> None:
    assert holds_known("AB-40017188-US", ("40017188",))
    assert holds_known("S-AB-1", ("ab",))
    assert not holds_known("S-ABC-1", ("ab", "", "0000"))
    assert same_label("Pähl-01", "PAHL_01")
    assert not same_label("S-1", "S-11")
