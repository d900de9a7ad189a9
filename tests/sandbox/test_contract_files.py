"""Resources and files (section 2.4 of the wire contract)."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from conftest import Corner, Study

pytestmark = pytest.mark.live
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def session(corner: Corner, study: Study) -> str:
    """Path of a session with scans 1 and 2."""
    study.series(1, count=2, SeriesDescription="AXIAL 5/5")
    study.series(2, count=1)
    return f"/data/experiments/{corner.publish(study.zip())}"


def test_a_file_goes_up_and_comes_back_with_its_digest(corner: Corner) -> None:
    base = f"/data/projects/{corner.id}/resources/PIXELANON"
    assert corner.raw("PUT", base).status_code == 200
    answer = corner.raw("PUT", f"{base}/files/reports/run.txt", data=b"hello", headers=BYTES)
    assert (answer.status_code, answer.text) == (200, "")
    (row,) = corner.rows(f"{base}/files")
    assert (row["Name"], row["Size"], row["collection"]) == ("run.txt", "5", "PIXELANON")
    assert row["digest"] in ("", hashlib.md5(b"hello").hexdigest())
    assert row["URI"].split("/files/")[1] == "reports/run.txt"
    assert corner.raw("GET", row["URI"]).content == b"hello"
    assert int(corner.raw("GET", row["URI"]).headers["Content-Length"]) == 5


def test_an_existing_name_without_overwrite_is_200_and_nothing_is_written(corner: Corner) -> None:
    path = f"/data/projects/{corner.id}/resources/R/files/a.txt"
    corner.raw("PUT", path, data=b"first", headers=BYTES)
    answer = corner.raw("PUT", path, data=b"second", headers=BYTES)
    assert answer.status_code == 200
    assert answer.json() == {"duplicates": ["a.txt"]}
    assert corner.raw("GET", path).content == b"first"
    corner.raw("PUT", path, params={"overwrite": "none"}, data=b"third", headers=BYTES)
    assert corner.raw("GET", path).content == b"third"


def test_an_empty_file_is_refused(corner: Corner) -> None:
    path = f"/data/projects/{corner.id}/resources/R/files/empty.txt"
    assert corner.raw("PUT", path, data=b"", headers=BYTES).status_code == 500


def test_a_form_s_file_is_stored_as_a_browser_sends_it(corner: Corner) -> None:
    path = f"/data/projects/{corner.id}/resources/R/files/a.json"
    content = b'{"a": "\xc3\xa4"}\r\n\n-- \x00\xff'
    answer = corner.raw("POST", path, files={"file": ("other.json", content, "application/json")})
    assert answer.status_code == 200
    assert corner.raw("GET", path).content == content
    assert [row["Name"] for row in corner.rows(f"/data/projects/{corner.id}/resources/R/files")] == ["a.json"]


def test_json_in_the_body_needs_inbody(corner: Corner) -> None:
    path = f"/data/projects/{corner.id}/resources/R/files/a.json"
    headers = {"Content-Type": "application/json"}
    assert corner.raw("PUT", path, data=b"{}", headers=headers).status_code == 400
    assert corner.raw("PUT", path, params={"inbody": "true"}, data=b"{}", headers=headers).status_code == 200
    assert corner.raw("GET", path).content == b"{}"


def test_a_resource_is_made_once_and_its_catalog_is_xml(corner: Corner, session: str) -> None:
    base = f"{session}/resources/RECEIPT"
    assert corner.raw("PUT", base).status_code == 200
    assert corner.raw("PUT", base).status_code == 409
    answer = corner.raw("GET", base, params={"format": "json"})
    assert "Catalog" in answer.text
    assert "xml" in answer.headers["Content-Type"]


def test_a_resource_is_found_by_number_and_by_label(corner: Corner, session: str) -> None:
    row = corner.rows(f"{session}/scans/1/resources")[0]
    by_number = corner.rows(f"{session}/scans/1/resources/{row['xnat_abstractresource_id']}/files")
    assert len(by_number) == len(corner.rows(f"{session}/scans/1/resources/DICOM/files")) == 2


def test_deleting_takes_the_file_away(corner: Corner, session: str) -> None:
    path = f"{session}/resources/R/files/a.txt"
    corner.raw("PUT", path, data=b"x", headers=BYTES)
    assert corner.raw("DELETE", path).status_code == 200
    assert corner.raw("GET", path).status_code == 404
    assert corner.raw("DELETE", f"{session}/resources/R", params={"removeFiles": "true"}).status_code == 200
    assert "R" not in [row["label"] for row in corner.rows(f"{session}/resources")]


def test_the_zip_of_all_scans_names_session_scan_and_type(corner: Corner, session: str) -> None:
    answer = corner.raw("GET", f"{session}/scans/ALL/files", params={"format": "zip"})
    assert "Content-Length" not in answer.headers
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert len([n for n in names if n.startswith("SESS/scans/1-AXIAL_5_5/resources/DICOM/files/")]) == 2
    assert len([n for n in names if "/scans/2-AXIAL/" in n]) == 1


def test_the_scan_selector_matches_ids_lists_and_types(corner: Corner, session: str) -> None:
    assert len(corner.rows(f"{session}/scans/1,2/files")) == 3
    assert len(corner.rows(f"{session}/scans/AXIAL/files")) == 1
    assert len(corner.rows(f"{session}/scans/*/files")) == 3


def test_the_client_downloads_a_file_whole(corner: Corner, session: str, tmp_path: Path) -> None:
    row = corner.rows(f"{session}/scans/2/resources/DICOM/files")[0]
    target = tmp_path / "x.dcm"
    corner.client.download(row["URI"], target, verbose=False)
    assert target.stat().st_size == int(row["Size"])
    assert target.read_bytes()[128:132] == b"DICM"


def test_files_of_an_unknown_experiment_are_404(corner: Corner) -> None:
    assert corner.raw("GET", "/data/experiments/XNAT_E99999999/scans").status_code == 404
    path = f"/data/projects/{corner.id}/experiments/NOBODY/resources/R/files/a.txt"
    assert corner.raw("PUT", path, data=b"x", headers=BYTES).status_code == 404
