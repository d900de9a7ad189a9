"""The script interpreter, scan IDs and the zip reader, each by itself."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from conftest import write_tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xnat_pixelanon.sandbox.anon_script import Context, Rejected, ScriptError, run_script
from xnat_pixelanon.sandbox.builder import scan_ids
from xnat_pixelanon.sandbox.zip_stream import members

CONTEXT = Context("P", "SUBJ", "SESS")


@pytest.fixture
def ds(tmp_path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(write_tiny(tmp_path / "a.dcm", SOPInstanceUID="1.2.3.4.5.6"))


@pytest.mark.parametrize(
    ("statement", "keyword", "value"),
    [
        ('(0010,0010) := "Nobody"', "PatientName", "Nobody"),
        ("(0010,0020) := subject // comment", "PatientID", "SUBJ"),
        ("(0008,1030) := project", "StudyDescription", "P"),
        ("(0008,1030) := (0008,0060)", "StudyDescription", "CT"),
        ("- (0008,1030)", "StudyDescription", None),
        ('project != "P" ? (0008,1030) := "X"', "StudyDescription", "INVENTED"),
        ('project = "P" ? (0008,1030) := "X"', "StudyDescription", "X"),
        ("(0008,0018) := hashUID[(0008,0018)]", "SOPInstanceUID", "2.25.262228503153619312954819897114011402300"),
    ],
)
def test_one_statement(ds: pydicom.Dataset, statement: str, keyword: str, value: str | None) -> None:
    run_script(f'version "6.1"\n{statement}\n', ds, CONTEXT)
    assert ds.get(keyword) == value


@pytest.mark.parametrize(
    "statement", ["nonsense[]", "(0010,0010) = x", 'version "5"', 'alterPixels["circle", "l=0", "solid", "v=1"]']
)
def test_an_unknown_statement_refuses_the_script_before_the_first_edit(ds: pydicom.Dataset, statement: str) -> None:
    with pytest.raises(ScriptError):
        run_script(f'(0010,0010) := "Nobody"\n{statement}\n', ds, CONTEXT)
    assert ds.PatientName == "Phantom^Ada"


def test_alter_pixels_blackens_rows_and_columns_up_to_the_end(ds: pydicom.Dataset) -> None:
    assert run_script('alterPixels["rectangle", "l=2, t=1, r=5, b=3", "solid", "v=100"]', ds, CONTEXT)
    expected = np.arange(64, dtype=np.uint8).reshape(8, 8)
    expected[1:3, 2:5] = 0
    assert np.array_equal(ds.pixel_array, expected)


def test_reject_drops_the_object(ds: pydicom.Dataset) -> None:
    with pytest.raises(Rejected):
        run_script("reject[]", ds, CONTEXT)


def test_scan_ids_follow_the_series_numbers() -> None:
    assert scan_ids([("1.2", "7", "CT"), ("1.3", "+8", "MR"), ("1.4", "", "US")]) == {
        "1.2": "7",
        "1.3": "_8",
        "1.4": "1_4",
    }
    assert scan_ids([("1.9", "1", "CT"), ("1.1", "1", "CT"), ("1.5", "1", "MR")]) == {
        "1.1": "1-CT1",
        "1.5": "1-MR1",
        "1.9": "1-CT2",
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    contents=st.lists(st.binary(max_size=2000), min_size=1, max_size=5),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    keep=st.floats(0, 1),
)
def test_a_zip_is_read_from_its_front_as_far_as_it_goes(
    tmp_path: Path, contents: list[bytes], method: int, keep: float
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for index, data in enumerate(contents):
            archive.writestr(f"d/{index}", data)
    whole = buffer.getvalue()
    assert [(n, f.read()) for n, f in members(io.BytesIO(whole), tmp_path)] == [
        (f"d/{index}", data) for index, data in enumerate(contents)
    ]
    read = []
    cut = io.BytesIO(whole[: int(len(whole) * keep)])
    try:
        for _, member in members(cut, tmp_path):
            read.append(member.read())
    except zipfile.BadZipFile:
        pass
    assert read == contents[: len(read)]
