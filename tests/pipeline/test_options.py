"""A run under a policy with options and exceptions: copies, report, receipt, and what a change of them means."""

from __future__ import annotations

import pydicom
import pytest

from tests.pipeline.conftest import STAGING, Site, slices
from xnat_pixelanon.archive import XnatLocation
from xnat_pixelanon.domain.report import RunReport
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.headers import PROFILE_EDITION
from xnat_pixelanon.pipeline.labels import numbers_in
from xnat_pixelanon.sandbox.person import Person

PERSON = Person.numbered(1)


def said(site: Site, keyword: str) -> set[str]:
    """What the copies say."""
    return {str(pydicom.dcmread(path).get(keyword, "")) for path in site.copies()}


def published(site: Site) -> RunReport:
    report = site.run().report
    assert [session.outcome for session in report.sessions] == ["published"]
    assert site.sweep().leaks == ()
    return report


def test_the_report_names_the_options_and_the_exceptions_of_the_policy(site: Site) -> None:
    exceptions = [{"tag": "(0018,1030)", "action": "empty", "reason": "not needed"}]
    site.policy(headers={"options": ["retain-patient-characteristics"], "exceptions": exceptions})
    report = published(site)
    assert report.profile == f"{PROFILE_EDITION}; retain-patient-characteristics; except (0018,1030) empty"
    assert said(site, "LongitudinalTemporalInformationModified") == {"REMOVED"}


def test_dates_of_two_sessions_of_a_subject_keep_their_distance(site: Site) -> None:
    later = slices(PERSON, 1, series=9)
    for ds in later:
        ds.StudyDate = "20240612"
        ds.StudyInstanceUID = f"{ds.StudyInstanceUID}.7"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{ds.SOPInstanceUID}.7"
        ds.SeriesInstanceUID = f"{ds.SeriesInstanceUID}.7"
    site.seed("S2", later, person=PERSON)
    site.policy(headers={"options": ["retain-dates-modified"]})
    report = site.run().report
    assert [session.outcome for session in report.sessions] == ["published", "published"]
    dates = {pydicom.dcmread(path).StudyDate for path in site.copies()} - {""}
    sources = {str(ds.StudyDate) for ds in (*slices(PERSON, 1), *later)}
    ordinals = [sorted(pydicom.valuerep.DA(one).toordinal() for one in days) for days in (dates, sources)]
    shifts = {new - old for new, old in zip(*ordinals, strict=True)}
    assert len(shifts) == 1
    assert shifts.pop() <= -30
    times = {text for sample in site.samples for text in sample.identity.strings() if text.startswith("10")}
    leaks = {leak.what for leak in site.sweep().leaks}
    assert times
    assert leaks <= {"an identifying text", "an identifying text in its bytes"}
    kept = b"".join(path.read_bytes() for path in site.copies())
    texts = {text for sample in site.samples for text in sample.identity.strings() if len(text) > 5} - times
    assert not any(text.encode() in kept for text in texts)


@pytest.mark.parametrize(
    "headers",
    [
        {"options": ["clean-descriptors"]},
        {"exceptions": [{"tag": "(0018,1030)", "action": "keep"}]},
        {"identifiers": ["Quixley"]},
    ],
)
def test_what_was_sent_under_other_rules_is_stale(site: Site, headers: dict[str, object]) -> None:
    published(site)
    site.policy(headers=headers)
    assert site.outcomes() == ["stale"]
    site.policy()
    assert site.outcomes() == ["unchanged"]


def test_the_owners_list_is_looked_for(site: Site) -> None:
    site.policy(headers={"options": ["clean-descriptors"], "identifiers": ["Quixley"]})
    images = slices(PERSON, 2, series=7)
    for ds in images:
        ds.SeriesDescription = "axial for Quixley"
    site.seed("S1", images, person=PERSON)
    published(site)
    assert "axial for" in said(site, "SeriesDescription")
    assert not any(b"uixley" in path.read_bytes() for path in site.copies())


def test_retained_uids_are_those_of_the_source_and_a_second_run_knows_them(site: Site) -> None:
    site.policy(headers={"options": ["retain-uids"]})
    assert [session.outcome for session in site.run().report.sessions] == ["published"]
    sources = {uid for sample in site.samples for uid in sample.uids}
    assert said(site, "StudyInstanceUID") <= sources
    assert said(site, "SOPInstanceUID") <= sources
    assert site.outcomes() == ["unchanged"]


def test_a_policy_that_could_not_be_carried_out_stops_the_run(site: Site) -> None:
    site.policy(headers={"exceptions": [{"tag": "(0008,1070)", "action": "keep"}]})
    with pytest.raises(DocumentError, match="policy"):
        site.run(source=XnatLocation(STAGING))
    assert site.copies() == []


def structures(images: list[pydicom.Dataset], *, pixels: bool = False) -> list[pydicom.Dataset]:
    """A structure set in a series of its own, with the names of the images' patient; `pixels`: with a picture in it."""
    ds = images[0]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = STRUCTURES
    ds.Modality, ds.StructureSetLabel = "RTSTRUCT", str(ds.PatientID)
    roi = pydicom.Dataset()
    roi.ROINumber, roi.ROIName = "1", f"lung of {ds.PatientName}"
    ds.StructureSetROISequence = [roi]
    if not pixels:
        for element in [one.tag for one in ds if one.tag.group in (0x0028, 0x7FE0)]:
            del ds[element]
    return [ds]


STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
SENDING = {"headers": {"options": ["clean-graphics", "clean-descriptors"]}, "send_headers_only": [STRUCTURES]}


def test_a_structure_set_goes_with_its_header_cleaned_and_its_own_decision(site: Site) -> None:
    site.seed("S1", structures(slices(PERSON, 1, series=8)), person=PERSON)
    assert {scan.decision for scan in published(site).sessions[0].scans} == {"redact", "pass", "unsupported"}
    site.policy(**SENDING)
    report = site.run(replace=True).report
    (session,) = report.sessions
    assert session.outcome == "published"
    (scan,) = [one for one in session.scans if one.id == "8"]
    assert (scan.decision, scan.code, scan.sent) == ("headers-only", "headers-only", True)
    assert [instance.proof for instance in scan.instances] == ["ok"]
    (copy,) = [ds for path in site.copies() if (ds := pydicom.dcmread(path)).Modality == "RTSTRUCT"]
    assert copy.StructureSetROISequence[0].ROIName.startswith("lung of")
    assert "113101" not in {item.CodeValue for item in copy.DeidentificationMethodCodeSequence}
    assert "BurnedInAnnotation" not in copy
    assert site.sweep().leaks == ()
    assert site.outcomes() == ["unchanged"]


def test_a_structure_set_with_pixels_never_goes(site: Site) -> None:
    site.policy(**SENDING)
    site.seed("S1", structures(slices(PERSON, 1, series=8), pixels=True), person=PERSON)
    (session,) = site.run().report.sessions
    assert {scan.id: scan.code for scan in session.scans}["8"] == "annotation"


def test_a_number_within_a_label_is_looked_for_by_itself() -> None:
    assert numbers_in("TEST-0417-ADA-V1") == {"TEST0417", "TEST0417ADA", "TEST0417ADAV1", "0417ADA", "0417ADAV1"}
    assert "40017188" in numbers_in("AB_40017188_20200101")
    assert numbers_in("") == numbers_in("ACHIEVA3T") == numbers_in("BRAIN") == set()
    assert len(numbers_in("1234567-" * 1000)) < 200
