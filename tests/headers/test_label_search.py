"""What of a header refuses a label that is to be kept."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.dataset import Dataset

from xnat_pixelanon.domain.header_rules import PLAIN, HeaderRules
from xnat_pixelanon.headers import holds_known, holds_of_header, same_label


def header(**attributes: object) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def held(label: str, *, written: bool = False, rules: HeaderRules = PLAIN, **attributes: object) -> bool:
    (found,) = holds_of_header((label,), header(**attributes), rules, written_to_headers=written)
    return found


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
    assert held(label, ReferencedStudySequence=[header(**{keyword: value})])
    assert not held("S017-US1", **{keyword: value})


def test_a_label_over_name_and_id_is_no_sign_where_staging_writes_it_there() -> None:
    written = {"PatientName": "PX-S017^^^^", "PatientID": "PX_S017"}
    assert held("PX-S017", **written)
    assert not held("PX-S017", written=True, **written)


@pytest.mark.parametrize(
    "attributes",
    [
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
    assert held("PX-S017", written=True, **attributes)


def test_each_label_is_told_by_itself() -> None:
    ds = header(AccessionNumber="PX-S017-US1")
    assert holds_of_header(("PX-S017", "PX-S017-US1"), ds, PLAIN, written_to_headers=False) == (False, True)


def test_what_an_option_retains_identifies_nobody() -> None:
    keeps = HeaderRules(frozenset({"retain-institution-identity"}))
    assert held("Nowhere-Clinic-1", InstitutionName="Nowhere Clinic")
    assert not held("Nowhere-Clinic-1", rules=keeps, InstitutionName="Nowhere Clinic")


def test_the_titles_of_the_file_meta_information_count() -> None:
    ds = header(PatientID="1")
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.SourceApplicationEntityTitle = "NOWHERECT7"
    assert holds_of_header(("S1-NOWHERE-CT7", "S1"), ds, PLAIN, written_to_headers=False) == (True, False)


def test_what_is_known_besides_is_looked_for_as_in_a_description() -> None:
    assert holds_known("AB-40017188-US", ("40017188",))
    assert holds_known("S-AB-1", ("ab",))
    assert not holds_known("S-ABC-1", ("ab", "", "0000"))
    assert same_label("Pähl-01", "PAHL_01")
    assert not same_label("S-1", "S-11")
