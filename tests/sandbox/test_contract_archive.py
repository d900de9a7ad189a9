"""From the prearchive into the archive (section 2.8), scans and listings (sections 2.3 and 4)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from conftest import Corner, Study

pytestmark = pytest.mark.live
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def test_an_archived_session_is_listed_with_its_study(corner: Corner, study: Study) -> None:
    study.series(1)
    experiment = corner.publish(study.zip(), session="FINAL", subject="SUBJ")
    (row,) = corner.experiments(columns="ID,label,UID,subject_label,xnat:imageSessionData/meta/status")
    assert (row["ID"], row["label"], row["UID"], row["subject_label"]) == (experiment, "FINAL", study.uid, "SUBJ")
    assert row["xnat:imagesessiondata/meta/status"] == "active"
    assert corner.prearchive() == []


def test_the_archive_call_gives_the_url_and_its_labels_win(corner: Corner, study: Study) -> None:
    study.series(1)
    url = corner.to_prearchive(study.zip(), session="TEMP")
    answer = corner.archive(url, project=corner.id, subject="LAST", session="FINAL")
    assert answer.status_code == 200
    assert answer.text == f"/data/archive/projects/{corner.id}/subjects/LAST/experiments/FINAL\r\n"
    assert [row["label"] for row in corner.experiments()] == ["FINAL"]


def test_quarantine_is_seen_by_the_owner_and_ended_by_activation(corner: Corner, study: Study) -> None:
    study.series(1)
    url = corner.to_prearchive(study.zip())
    assert corner.archive(url, quarantine="true").status_code == 200
    column = "xnat:imageSessionData/meta/status"
    (row,) = corner.experiments(columns=f"ID,{column}")
    assert row[column.lower()] == "quarantine"
    path = f"/data/experiments/{row['ID']}/resources/PIXELANON/files/receipt.json"
    corner.raw("PUT", path, params={"inbody": "true"}, data=b"{}", headers={"Content-Type": "application/json"})
    assert corner.raw("GET", path).content == b"{}"
    corner.raw("PUT", f"/data/projects/{corner.id}/experiments/{row['ID']}", params={"activate": "true"})
    assert corner.experiments(columns=f"ID,{column}")[0][column.lower()] == "active"


def test_new_scans_of_the_same_study_are_merged_in(
    corner: Corner, study: Study, new_study: Callable[[], Study]
) -> None:
    study.series(1)
    experiment = corner.publish(study.zip())
    late = new_study()
    late.uid = study.uid
    late.series(2)
    assert corner.publish(late.zip()) == experiment
    assert sorted(row["ID"] for row in corner.rows(f"/data/experiments/{experiment}/scans")) == ["1", "2"]


def test_another_study_under_the_same_label_is_500_and_stays(
    corner: Corner, study: Study, new_study: Callable[[], Study]
) -> None:
    study.series(1)
    experiment = corner.publish(study.zip())
    other = new_study()
    other.series(1)
    url = corner.to_prearchive(other.zip())
    answer = corner.archive(url)
    assert answer.status_code == 500
    assert "<h3>" in answer.text
    assert corner.rows(url)[0]["status"] in ("CONFLICT", "ERROR")
    assert [row["ID"] for row in corner.experiments()] == [experiment]


def test_the_same_files_again_are_a_conflict(corner: Corner, study: Study) -> None:
    study.series(1)
    corner.publish(study.zip())
    url = corner.to_prearchive(study.zip())
    answer = corner.archive(url)
    assert answer.status_code == 500
    assert corner.rows(url)[0]["status"] == "CONFLICT"
    assert corner.archive(url, overwrite="delete", overwrite_files="true").status_code == 200


def test_subjects_are_the_same_whatever_the_case(corner: Corner, study: Study, new_study: Callable[[], Study]) -> None:
    study.series(1)
    corner.publish(study.zip(), session="ONE", subject="Subj")
    other = new_study()
    other.series(1)
    corner.publish(other.zip(), session="TWO", subject="SUBJ")
    assert len(corner.rows(f"/data/projects/{corner.id}/subjects")) == 1


def test_a_deleted_session_leaves_its_subject(corner: Corner, study: Study) -> None:
    study.series(1)
    experiment = corner.publish(study.zip())
    assert corner.raw("DELETE", f"/data/experiments/{experiment}?removeFiles=true").status_code == 200
    assert corner.experiments() == []
    assert [row["label"] for row in corner.rows(f"/data/projects/{corner.id}/subjects")] == ["SUBJ"]


def test_two_archives_at_once_make_one_subject(corner: Corner, new_study: Callable[[], Study]) -> None:
    urls = []
    for name in ("ONE", "TWO", "THREE"):
        study = new_study()
        study.series(1, count=1)
        urls.append(corner.to_prearchive(study.zip(), session=name, subject="NEW"))
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda u=url: statuses.append(corner.archive(u).status_code)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200, 200, 200]
    assert len(corner.rows(f"/data/projects/{corner.id}/subjects")) == 1


def test_two_series_under_one_number_are_told_apart_by_modality_and_index(corner: Corner, study: Study) -> None:
    first, second = sorted([study.series(1, count=1), study.series(1, count=1)])
    study.series(2, count=1)
    experiment = corner.publish(study.zip())
    scans = {row["ID"]: row["UID"] for row in corner.rows(f"/data/experiments/{experiment}/scans", columns="ID,UID")}
    assert scans["1-CT1"] == first
    assert scans["1-CT2"] == second
    assert set(scans) == {"1-CT1", "1-CT2", "2"}


def test_the_minor_sop_class_of_a_series_lies_in_secondary(corner: Corner, study: Study) -> None:
    series = study.series(3, count=2)
    study.series(3, count=1, uid=series, SOPClassUID=SECONDARY_CAPTURE)
    experiment = corner.publish(study.zip())
    rows = corner.rows(f"/data/experiments/{experiment}/scans/3/files")
    assert sorted(row["collection"] for row in rows) == ["DICOM", "DICOM", "secondary"]


def test_a_session_is_asked_for_by_label_or_by_id(corner: Corner, study: Study) -> None:
    study.series(1)
    experiment = corner.publish(study.zip(), session="LABEL")
    by_label = corner.client.get_json(f"/data/projects/{corner.id}/experiments/LABEL")["items"][0]
    by_id = corner.client.get_json(f"/data/archive/experiments/{experiment}")["items"][0]
    assert by_label["data_fields"]["ID"] == by_id["data_fields"]["ID"] == experiment
    assert by_id["data_fields"]["project"] == corner.id
    assert by_id["data_fields"]["UID"] == study.uid
    assert corner.experiments(label="LABEL")
    assert corner.experiments(label="NOBODY") == []


def test_an_unknown_prearchive_entry_cannot_be_archived(corner: Corner) -> None:
    answer = corner.archive(f"/prearchive/projects/{corner.id}/20200101_000000000/NOBODY")
    assert answer.status_code == 404


def test_a_project_script_edits_what_is_archived_unless_it_is_prevented(
    corner: Corner, study: Study, new_study: Callable[[], Study]
) -> None:
    script = b'version "6.1"\n(0008,1010) := "SCRIPTED"\n'
    headers = {"Content-Type": "text/plain"}
    corner.raw("PUT", f"/xapi/anonymize/projects/{corner.id}", data=script, headers=headers)
    corner.raw(
        "PUT",
        f"/xapi/anonymize/projects/{corner.id}/enabled?enable=true",
        headers={"Content-Type": "application/json"},
    )
    study.series(1, count=1)
    edited = corner.publish(study.zip(), session="EDITED")
    other = new_study()
    other.series(1, count=1)
    kept = corner.publish(other.zip(), session="KEPT", prevent_anon="true")
    fields = [corner.client.get_json(f"/data/experiments/{e}")["items"][0]["data_fields"] for e in (edited, kept)]
    assert [f.get("scanner") for f in fields] == ["SCRIPTED", None]
