"""A folder of DICOM: every file is in a scan, or named as not sent."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.archive.conftest import write_dicom
from xnat_pixelanon.archive import DirSource
from xnat_pixelanon.errors import ChangedError, ConfigurationError, NotFoundError, TransferError


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "in"
    root.mkdir()
    return root


def study(folder, *numbers, uid=""):
    """One series of two images for each number, in folders of their own."""
    uid = uid or generate_uid()
    for number in numbers:
        series = generate_uid()
        for index in (1, 2):
            write_dicom(
                folder / f"s{number}" / f"{index}.dcm",
                StudyInstanceUID=uid,
                SeriesInstanceUID=series,
                SeriesNumber=number,
                InstanceNumber=index,
            )
    return uid


def test_sessions_are_studies_and_scans_are_series(folder):
    first, second = study(folder / "a", 1, 10, 2), study(folder / "b", 5)
    source = DirSource(folder)
    sessions = {one.id: one for one in source.sessions(())}
    assert set(sessions) == {first, second}
    assert sessions[first].subject == ""
    contents = source.contents(sessions[first])
    assert [(scan.id, len(scan.files)) for scan in contents.scans] == [("1", 2), ("2", 2), ("10", 2)]
    assert source.strays() == ()
    assert source.name == f"dir:{folder}"


def test_one_study_in_many_folders_is_one_session(folder):
    uid = study(folder / "a", 1)
    study(folder / "b", 2, uid=uid)
    source = DirSource(folder)
    (session,) = source.sessions([uid])
    assert len(source.contents(session).scans) == 2


def test_a_study_that_is_not_there_is_not_found_and_not_quoted(folder):
    uid = study(folder, 1)
    with pytest.raises(NotFoundError, match="number 2") as caught:
        DirSource(folder).sessions([uid, "1.2.999"])
    assert "1.2.999" not in caught.value.message


def test_files_are_read_in_place(folder, tmp_path):
    study(folder, 1)
    source = DirSource(folder)
    files = source.contents(source.sessions(())[0]).scans[0].files
    paths = [source.fetch(file, tmp_path / "none") for file in files]
    assert paths == [folder / "s1" / "1.dcm", folder / "s1" / "2.dcm"]
    assert [file.size for file in files] == [path.stat().st_size for path in paths]


def test_what_is_no_image_is_listed_as_stray_and_never_lost(folder):
    uid = study(folder, 1)
    (folder / "notes.txt").write_text("notes")
    (folder / "empty").write_bytes(b"")
    (folder / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 60)
    (folder / "only-preamble").write_bytes(b"\0" * 128 + b"DICM")
    (folder / "like-dicom").write_bytes(b"\x08\x00" + b"\xff" * 300)
    (folder / ".hidden").write_text("x")
    os.mkfifo(folder / "pipe")
    write_dicom(folder / "DICOMDIR", SOPClassUID="1.2.840.10008.1.3.10", StudyInstanceUID=None, PixelData=None)
    source = DirSource(folder)
    assert [one.id for one in source.sessions(())] == [uid]
    kinds = {one.name: one.kind for one in source.strays()}
    assert kinds == {
        "notes.txt": "not-dicom",
        "empty": "not-dicom",
        "like-dicom": "not-dicom",
        ".hidden": "not-dicom",
        "broken.dcm": "damaged-dicom",
        "only-preamble": "damaged-dicom",
        "pipe": "special-file",
        "DICOMDIR": "dicomdir",
    }


def test_a_file_without_preamble_is_an_image_all_the_same(folder):
    path = write_dicom(folder / "a.dcm")
    path.write_bytes(path.read_bytes()[132:])
    bare = write_dicom(folder / "b.dcm", StudyInstanceUID=pydicom.dcmread(path, force=True).StudyInstanceUID)
    ds = pydicom.dcmread(bare)
    pydicom.dcmwrite(bare, ds, implicit_vr=False, little_endian=True, enforce_file_format=False)
    source = DirSource(folder)
    (session,) = source.sessions(())
    assert sum(len(scan.files) for scan in source.contents(session).scans) == 2


def test_a_truncated_image_stays_in_its_scan_for_the_reader_to_hold(folder):
    study(folder, 1)
    path = folder / "s1" / "1.dcm"
    path.write_bytes(path.read_bytes()[:-8])
    source = DirSource(folder)
    assert len(source.contents(source.sessions(())[0]).scans[0].files) == 2


def test_values_that_break_the_standard_warn_nobody(folder, capfd):
    path = write_dicom(folder / "a.dcm")
    data = path.read_bytes()
    series = pydicom.dcmread(path).SeriesInstanceUID.encode()
    path.write_bytes(data.replace(series, b"Phantom^Ada" + series[11:]))
    source = DirSource(folder)
    source.contents(source.sessions(())[0])
    assert "".join(capfd.readouterr()) == ""


def test_links_are_listed_and_not_followed(folder, tmp_path):
    uid = study(folder, 1)
    outside = tmp_path / "outside"
    study(outside, 2)
    (folder / "out").symlink_to(outside, target_is_directory=True)
    (folder / "file").symlink_to(outside / "s2" / "1.dcm")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    source = DirSource(folder)
    assert [one.id for one in source.sessions(())] == [uid]
    assert {one.name: one.kind for one in source.strays()} == dict.fromkeys(("out", "file", "loop", "dangling"), "link")


def test_a_linked_root_is_its_target(folder, tmp_path):
    uid = study(folder, 1)
    (tmp_path / "link").symlink_to(folder)
    assert [one.id for one in DirSource(tmp_path / "link").sessions(())] == [uid]


def test_a_folder_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        DirSource(tmp_path / "nowhere")


@contextmanager
def unprivileged():
    """As somebody whom permissions hold back; root is held back by none."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("what", ["s1", "s1/1.dcm"])
def test_what_cannot_be_read_is_named_and_stops_all(what):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        study(folder, 1)
        (folder / what).chmod(0)
        with unprivileged(), pytest.raises(ConfigurationError, match=f"{what} cannot be read") as caught:
            DirSource(folder).sessions(())
        (folder / what).chmod(0o755)
    assert "make it readable" in caught.value.hint


def test_a_file_that_changes_is_not_fetched_and_rechecking_tells(folder, tmp_path):
    study(folder, 1)
    source = DirSource(folder)
    session = source.sessions(())[0]
    contents = source.contents(session)
    source.recheck(session, contents)
    path = folder / "s1" / "1.dcm"
    os.utime(path, ns=(1, 1))
    with pytest.raises(TransferError, match="changed"):
        source.fetch(contents.scans[0].files[0], tmp_path)
    with pytest.raises(ChangedError):
        source.recheck(session, contents)
    contents = source.contents(session)
    study(folder / "late", 7, uid=session.id)
    with pytest.raises(ChangedError):
        source.recheck(session, contents)
    contents = source.contents(session)
    path.unlink()
    with pytest.raises(ChangedError):
        source.recheck(session, contents)
    with pytest.raises(TransferError):
        source.fetch(contents.scans[0].files[0], tmp_path)


def test_files_of_another_study_do_not_disturb(folder):
    study(folder / "a", 1)
    source = DirSource(folder)
    session = source.sessions(())[0]
    contents = source.contents(session)
    study(folder / "b", 1)
    source.recheck(session, contents)


def test_two_series_of_one_number_get_the_ids_that_xnat_gives(folder):
    uid = generate_uid()
    for index, series in enumerate(("1.2.2", "1.2.1")):
        write_dicom(folder / f"{index}.dcm", StudyInstanceUID=uid, SeriesInstanceUID=series, SeriesNumber=4)
    source = DirSource(folder)
    scans = source.contents(source.sessions(())[0]).scans
    assert [(scan.id, scan.files[0].name) for scan in scans] == [("4-CT1", "1.dcm"), ("4-CT2", "0.dcm")]
