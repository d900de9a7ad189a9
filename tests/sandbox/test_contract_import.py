"""Import and the prearchive (sections 2.7 and 2.8 of the wire contract)."""

from __future__ import annotations

import io
from collections.abc import Callable

import pydicom
import pytest
from conftest import Corner, Study

pytestmark = pytest.mark.live


def test_one_zip_makes_one_ready_entry_under_the_labels_asked_for(corner: Corner, study: Study) -> None:
    study.series(1)
    url = corner.to_prearchive(study.zip())
    assert url.startswith(f"/data/prearchive/projects/{corner.id}/")
    assert url.endswith("/SESS")
    (row,) = corner.rows(url)
    assert (row["status"], row["subject"], row["name"], row["tag"]) == ("READY", "SUBJ", "SESS", study.uid)
    assert f"/data{row['url']}" == url
    scans = corner.rows(f"{url}/scans")
    assert [scan["ID"] for scan in scans] == ["1"]
    assert len(corner.rows(f"{url}/scans/1/resources/DICOM/files")) == 2


def test_bytes_are_written_anew_so_that_no_digest_survives(corner: Corner, study: Study) -> None:
    study.series(1, count=1)
    url = corner.to_prearchive(study.zip(), prevent_anon="true")
    (row,) = corner.rows(f"{url}/scans/1/resources/DICOM/files")
    stored = corner.raw("GET", row["URI"] if row["URI"].startswith("/data") else f"/data{row['URI']}").content
    sent = study.files[0].read_bytes()
    assert stored != sent
    ds = pydicom.dcmread(io.BytesIO(stored))
    assert ds.PixelData == pydicom.dcmread(study.files[0]).PixelData


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/x-zip-compressed"])
def test_the_format_is_taken_from_the_content_type(corner: Corner, study: Study, content_type: str) -> None:
    study.series(1, count=1)
    answer = corner.send(study.zip(), content_type=content_type, project=corner.id, subject="S", session="S")
    assert answer.status_code == 400
    assert corner.prearchive() == []


def test_a_bad_member_is_400_and_those_before_it_stay_receiving(corner: Corner, study: Study) -> None:
    study.series(1, count=2)
    body = study.zip(("notes.txt", b"this is no DICOM object"))
    answer = corner.send(body, dest=f"/prearchive/projects/{corner.id}", subject="S", session="LEFT", rename="true")
    assert answer.status_code == 400
    assert "<h3>" in answer.text
    (row,) = corner.prearchive()
    assert (row["name"], row["status"]) == ("LEFT", "RECEIVING")


def test_a_bad_member_can_be_passed_over(corner: Corner, study: Study) -> None:
    study.series(1, count=2)
    url = corner.to_prearchive(study.zip(first=("notes.txt", b"no DICOM")), **{"Ignore-Unparsable": "true"})
    assert len(corner.rows(f"{url}/scans/1/resources/DICOM/files")) == 2


def test_the_next_try_under_the_same_name_joins_the_leftovers(
    corner: Corner, study: Study, new_study: Callable[[], Study]
) -> None:
    study.series(1, count=2)
    corner.to_prearchive(study.zip())
    again = new_study()
    again.uid = study.uid
    again.series(2, count=1)
    url = corner.to_prearchive(again.zip())
    assert len(corner.prearchive()) == 1
    assert sorted(scan["ID"] for scan in corner.rows(f"{url}/scans")) == ["1", "2"]


def test_another_name_or_another_study_does_not_join(
    corner: Corner, study: Study, new_study: Callable[[], Study]
) -> None:
    study.series(1, count=1)
    corner.to_prearchive(study.zip())
    corner.to_prearchive(study.zip(), session="OTHER")
    other = new_study()
    other.series(1, count=1)
    corner.to_prearchive(other.zip())
    assert len(corner.prearchive()) == 3


def test_files_of_two_studies_make_two_lines(corner: Corner, study: Study, new_study: Callable[[], Study]) -> None:
    study.series(1, count=1)
    other = new_study()
    other.series(1, count=1)
    study.files += [other.files[0].rename(other.folder / "other.dcm")]
    answer = corner.send(study.zip(), dest=f"/prearchive/projects/{corner.id}", subject="S", session="TWO")
    assert answer.status_code == 200
    assert len(answer.text.split("\r\n")) == 3
    assert len(corner.prearchive()) == 2


def test_names_come_from_the_zip_unless_rename_is_asked_for(corner: Corner, study: Study) -> None:
    study.series(1, count=1)
    kept = corner.to_prearchive(study.zip(), session="KEPT", rename="false")
    renamed = corner.to_prearchive(study.zip(), session="RENAMED")
    (row,) = corner.rows(f"{kept}/scans/1/resources/DICOM/files")
    assert row["Name"] == study.files[0].name
    (row,) = corner.rows(f"{renamed}/scans/1/resources/DICOM/files")
    assert row["Name"].startswith(f"{study.uid}-1-1-")
    assert row["Name"].endswith(".dcm")


def test_without_a_destination_the_entry_stays_receiving(corner: Corner, study: Study) -> None:
    study.series(1, count=1)
    answer = corner.send(study.zip(), project=corner.id, subject="S", session="OPEN", prevent_auto_commit="true")
    assert answer.status_code == 200
    (row,) = corner.prearchive()
    assert (row["status"], row["prevent_auto_commit"]) == ("RECEIVING", "true")


def test_an_entry_is_deleted_at_once(corner: Corner, study: Study) -> None:
    study.series(1, count=1)
    url = corner.to_prearchive(study.zip())
    assert corner.raw("DELETE", url).status_code == 200
    assert corner.prearchive() == []
    assert corner.rows(url) == []
    assert corner.raw("DELETE", url).status_code == 404


def test_a_zip_may_come_chunked(corner: Corner, study: Study) -> None:
    study.series(1, count=1)
    data = study.zip().read_bytes()
    answer = corner.raw(
        "POST",
        "/data/services/import",
        params={"dest": f"/prearchive/projects/{corner.id}", "subject": "S", "session": "CHUNKED"},
        data=(data[at : at + 500] for at in range(0, len(data), 500)),
        headers={"Content-Type": "application/zip"},
    )
    assert answer.status_code == 200
    assert answer.text.strip().endswith("/CHUNKED")


def test_garbage_is_no_zip(corner: Corner, study: Study) -> None:
    body = study.folder / "garbage.zip"
    body.parent.mkdir()
    body.write_bytes(b"garbage" * 100)
    assert corner.send(body, dest=f"/prearchive/projects/{corner.id}", session="S", subject="S").status_code == 400


def test_an_unknown_handler_is_404(corner: Corner, study: Study) -> None:
    study.series(1, count=1)
    assert corner.send(study.zip(), **{"import-handler": "nobody"}).status_code == 404
