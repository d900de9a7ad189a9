"""What the clock, the switches and the site script do: the stand-in's own settings."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pydicom
import pytest
from conftest import Corner, Stage, Study

MakeStage = Callable[..., Stage]
FAST = {"rebuild_interval": 0.2, "rebuild_repeat": 0.05}


def until(condition: Callable[[], Any]) -> Any:
    """The first true value of a condition, within ten seconds."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not come")


def only_status(corner: Corner) -> str:
    rows = corner.prearchive()
    return rows[0]["status"] if rows else ""


def first_object(corner: Corner, session: str) -> pydicom.Dataset:
    row = corner.rows(f"/data/experiments/{session}/scans/ALL/files")[0]
    return pydicom.dcmread(io.BytesIO(corner.raw("GET", row["URI"]).content))


def test_a_quiet_entry_becomes_ready_by_itself(stage: MakeStage, study: Study) -> None:
    corner = stage(**FAST).as_user("owner")
    study.series(1)
    corner.send(study.zip(), project="P", subject="S", session="L")
    assert only_status(corner) == "RECEIVING"
    until(lambda: only_status(corner) == "READY")


def test_an_entry_that_prevents_it_is_never_touched(stage: MakeStage, study: Study) -> None:
    corner = stage(**FAST).as_user("owner")
    corner.raw("PUT", "/data/projects/P/prearchive_code/4")
    study.series(1)
    corner.send(study.zip(), project="P", subject="S", session="L", prevent_auto_commit="true")
    time.sleep(0.8)
    assert only_status(corner) == "RECEIVING"
    assert corner.experiments() == []


def test_leftovers_are_archived_half_complete_by_an_auto_archive_project(stage: MakeStage, study: Study) -> None:
    corner = stage(**FAST).as_user("owner")
    corner.raw("PUT", "/data/projects/P/prearchive_code/4")
    study.series(1, count=2)
    body = study.zip(("bad.txt", b"no DICOM"))
    assert corner.send(body, dest="/prearchive/projects/P", subject="S", session="HALF").status_code == 400
    until(corner.experiments)
    assert corner.experiments()[0]["label"] == "HALF"


def test_an_auto_archive_entry_answers_303_to_the_archive_call(stage: MakeStage, study: Study) -> None:
    corner = stage().as_user("owner")
    corner.raw("PUT", "/data/projects/P/prearchive_code/4")
    study.series(1)
    url = corner.to_prearchive(study.zip())
    answer = corner.archive(url, **{"auto-archive": "false"})
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/data/archive/projects/P/subjects/SUBJ/experiments/SESS")


def test_a_timeout_is_500_and_the_session_appears_later(stage: MakeStage, study: Study) -> None:
    corner = stage(archive_delay=0.6, archive_timeout=0.1).as_user("owner")
    study.series(1)
    url = corner.to_prearchive(study.zip())
    assert corner.archive(url).status_code == 500
    assert only_status(corner) == "ARCHIVING"
    assert corner.archive(url).status_code == 403
    assert corner.experiments() == []
    until(corner.experiments)
    assert corner.prearchive() == []


@pytest.mark.parametrize(("switch", "winner"), [("keep", "FIRST"), ("replace", "SECOND")])
def test_matching_files_may_be_kept_or_replaced_without_a_word(
    stage: MakeStage, study: Study, new_study: Callable[[], Study], switch: str, winner: str
) -> None:
    site = stage(matching_files=switch)
    corner = site.as_user("owner")
    one, two = ({"SOPInstanceUID": "2.25.7", "StationName": name} for name in ("FIRST", "SECOND"))
    series = study.series(1, count=1, **one)
    session = corner.publish(study.zip())
    again = new_study()
    again.uid = study.uid
    again.series(1, count=1, uid=series, **two)
    assert corner.publish(again.zip()) == session
    assert first_object(corner, session).StationName == winner


def test_a_failed_archive_leaves_its_subject(stage: MakeStage, study: Study) -> None:
    corner = stage().as_user("owner")
    corner.raw("PUT", "/xapi/anonymize/projects/P", data=b"nonsense[]\n", headers={"Content-Type": "text/plain"})
    study.series(1)
    url = corner.to_prearchive(study.zip(), subject="ORPHAN")
    answer = corner.archive(url)
    assert answer.status_code == 500
    assert only_status(corner) == "ERROR"
    assert corner.experiments() == []
    assert [row["label"] for row in corner.rows("/data/projects/P/subjects")] == ["ORPHAN"]


def test_the_site_script_writes_the_labels_into_each_object_unless_prevented(
    stage: MakeStage, study: Study, new_study: Callable[[], Study]
) -> None:
    corner = stage().as_user("owner")
    study.series(1, count=1)
    edited = first_object(corner, corner.publish(study.zip(), session="EDITED"))
    assert (edited.PatientName, edited.PatientID, edited.StudyDescription) == ("SUBJ", "EDITED", "P")
    other = new_study()
    other.series(1, count=1)
    kept = first_object(corner, corner.publish(other.zip(), session="KEPT", prevent_anon="true"))
    assert (kept.PatientName, kept.PatientID, kept.StudyDescription) == ("Phantom^Ada", "TEST-0001", "INVENTED")


def test_the_fields_of_session_and_scan_are_filled_from_headers(stage: MakeStage, study: Study) -> None:
    site = stage(site_script_enabled=False)
    study.series(1, count=1, OperatorsName="Phantom^Olga", InstitutionName="Invented Hospital", AccessionNumber="ACC7",
                 PatientBirthDate="19010203", ProtocolName="INVENTED PROTOCOL", SeriesTime="101112")  # fmt: skip
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    item = site.as_user("owner").client.get_json(f"/data/experiments/{session}")["items"][0]
    fields = item["data_fields"]
    assert fields["dcmPatientName"] == "Phantom^Ada"
    assert fields["dcmPatientBirthDate"] == "1901-02-03"
    assert (fields["operator"], fields["acquisition_site"]) == ("Phantom^Olga", "Invented Hospital")
    assert (fields["dcmAccessionNumber"], fields["date"]) == ("ACC7", "2020-01-02")
    (scan,) = next(child["items"] for child in item["children"] if child["field"] == "scans/scan")
    assert scan["data_fields"]["parameters/protocolName"] == "INVENTED PROTOCOL"
    assert scan["data_fields"]["startTime"] == "10:11:12"


def test_filtered_objects_vanish_without_a_word(stage: MakeStage, study: Study) -> None:
    corner = stage(series_filter=lambda ds: ds.Modality != "CT").as_user("owner")
    study.series(1)
    answer = corner.send(study.zip(), project="P", subject="S", session="L")
    assert (answer.status_code, answer.text) == (200, "")
    assert corner.prearchive() == []


def test_without_checksums_the_digest_is_empty(stage: MakeStage, study: Study) -> None:
    site = stage(checksums=False)
    study.series(1, count=1)
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    assert site.as_user("owner").rows(f"/data/experiments/{session}/scans/1/files")[0]["digest"] == ""


def test_labels_in_comments_route_an_upload_that_names_nothing(stage: MakeStage, study: Study) -> None:
    corner = stage().as_user("owner")
    study.series(1, PatientComments="Project:P Subject:FROMTEXT; Session:HEADER")
    answer = corner.send(study.zip())
    assert answer.text.strip().endswith("/HEADER")
    (row,) = corner.prearchive()
    assert row["subject"] == "FROMTEXT"


def test_a_late_arrival_adds_to_its_session(stage: MakeStage, study: Study, new_study: Callable[[], Study]) -> None:
    site = stage()
    study.series(1)
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    late = new_study()
    late.uid = study.uid
    late.series(1)
    assert site.sandbox.seed_session("P", "S", "L", late.files) == session
    scans = site.as_user("owner").rows(f"/data/experiments/{session}/scans")
    assert sorted(row["ID"] for row in scans) == ["1", "1-CT1"]


def test_a_scan_may_have_a_folder_of_another_name(stage: MakeStage, study: Study) -> None:
    site = stage()
    study.series(4)
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    site.sandbox.scan_folder_drift(session, "4", "4-CT1")
    corner = site.as_user("owner")
    assert len(corner.rows(f"/data/experiments/{session}/scans/4-CT1/files")) == 2
    folder = site.sandbox.session_folder(session)
    assert (folder / "SCANS" / "4" / "DICOM" / "scan_4_catalog.xml").is_file()
    assert folder == site.sandbox.root / "archive" / "P" / "arc001" / "L"


def test_a_renamed_session_moves_its_folder(stage: MakeStage, study: Study) -> None:
    site = stage()
    study.series(1)
    session = site.sandbox.seed_session("P", "S", "OLD", study.files)
    site.sandbox.add_assessor("P", "OLD", "QC1", files={"qc.txt": b"x"})
    site.sandbox.rename_session(session, "NEW")
    assert site.sandbox.session_folder(session).name == "NEW"
    corner = site.as_user("owner")
    assert first_object(corner, session).Modality == "CT"
    rows = corner.rows(f"/data/experiments/{session}/resources", all="true")
    assert sorted(row["category"] for row in rows) == ["assessors", "scans"]


def test_overwritten_files_may_stay_on_the_server(stage: MakeStage) -> None:
    site = stage(keep_history=True)
    corner = site.as_user("owner")
    path = "/data/projects/P/resources/R/files/a.txt?overwrite=true"
    for data in (b"unsafe", b"safe"):
        corner.raw("PUT", path, data=data, headers={"Content-Type": "text/plain"})
    kept = [item.path.read_bytes() for item in site.sandbox.stored() if item.path and "history" in item.where]
    assert kept == [b"unsafe"]


class _Unseekable(io.RawIOBase):
    """A stream that a zip is written into while it is sent: sizes can only follow the data."""

    def __init__(self, target: io.BytesIO) -> None:
        self.target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.target.write(data)


@pytest.mark.parametrize(("method", "status"), [(zipfile.ZIP_STORED, 400), (zipfile.ZIP_DEFLATED, 200)])
def test_a_streamed_zip_must_be_deflated(stage: MakeStage, study: Study, method: int, status: int) -> None:
    corner = stage().as_user("owner")
    study.series(1, count=1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(_Unseekable(buffer), "w", method) as archive:
        archive.write(study.files[0], "a.dcm")
    body = study.folder / "stream.zip"
    body.write_bytes(buffer.getvalue())
    answer = corner.send(body, dest="/prearchive/projects/P", subject="S", session="L")
    assert answer.status_code == status
