"""Sessions, scans and files of an XNAT project."""

from __future__ import annotations

import pytest
from pydicom.uid import generate_uid

from tests.archive.conftest import write_dicom
from xnat_pixelanon.archive import XnatSource
from xnat_pixelanon.errors import ChangedError, NotFoundError, TransferError
from xnat_pixelanon.sandbox.faults import Fault, HtmlPage
from xnat_pixelanon.sandbox.settings import Settings

CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture
def seed(tmp_path):
    """Seeds STAGING with a session of two scans, one of them with a secondary capture among its images."""

    def make(world, label="S1", *, project="STAGING", subject="SUBJ1"):
        study, series = generate_uid(), generate_uid()
        folder = tmp_path / "seed" / label
        common = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SeriesNumber": 1}
        files = [write_dicom(folder / f"{i}.dcm", InstanceNumber=i, **common) for i in range(3)]
        files.append(write_dicom(folder / "capture.dcm", SOPClassUID=CAPTURE, InstanceNumber=9, **common))
        files.append(write_dicom(folder / "two.dcm", StudyInstanceUID=study, SeriesNumber=2))
        return world.sandbox.seed_session(project, subject, label, files)

    return make


def source_of(world, project="STAGING", user="owner", **more):
    return XnatSource(world.connect(user), project, **more)


def test_sessions_are_listed_with_label_and_subject(world, seed):
    first, second = seed(world), seed(world, "S2", subject="SUBJ2")
    source = source_of(world)
    assert source.name == "xnat:STAGING"
    found = {one.id: (one.label, one.subject, one.shared) for one in source.sessions(())}
    assert found == {first: ("S1", "SUBJ1", False), second: ("S2", "SUBJ2", False)}


def test_sessions_are_wanted_by_id_or_label_and_missing_ones_are_counted(world, seed):
    first, _ = seed(world), seed(world, "S2")
    source = source_of(world)
    assert [one.label for one in source.sessions(["S2"])] == ["S2"]
    assert [one.id for one in source.sessions([first])] == [first]
    with pytest.raises(NotFoundError, match="number 2") as caught:
        source.sessions([first, "PHANTOM_ADA"])
    assert "ADA" not in caught.value.message


def test_an_experiment_that_is_no_image_session_is_none(world, seed):
    session = seed(world)
    world.sandbox.add_assessor("STAGING", "S1", "S1_QC")
    uri = "/data/projects/STAGING/subjects/SUBJ1/experiments/VISIT?xsiType=xnat:subjectVariablesData"
    world.connect().put(uri, "x", accepted=(201,))
    assert [one.id for one in source_of(world).sessions(())] == [session]


def test_a_shared_session_is_flagged_although_the_listing_shows_it_as_our_own(world, seed):
    session = seed(world, project="CLEAN")
    world.sandbox.share_session(session, "STAGING")
    (one,) = source_of(world).sessions(())
    assert one.shared


def test_a_project_that_cannot_be_read_is_not_found(world, seed):
    seed(world)
    for project, user in (("NOWHERE", "owner"), ("STAGING", "nobody")):
        with pytest.raises(NotFoundError, match=project):
            source_of(world, project, user).sessions(())


def test_an_empty_project_has_no_sessions(world):
    assert source_of(world).sessions(()) == []


def test_scans_hold_dicom_and_secondary_files_and_everything_else_is_listed_as_not_sent(world, seed):
    seed(world)
    sandbox = world.sandbox
    sandbox.add_resource_file("STAGING", "S1", "SNAPSHOTS", "1.gif", b"GIF89a", scan="1")
    sandbox.add_resource_file("STAGING", "S1", "NOTES", "a.txt", b"abc")
    sandbox.add_assessor("STAGING", "S1", "QC1", files={"r.xml": b"<x/>", "s.xml": b"<y/>"})
    sandbox.add_assessor("STAGING", "S1", "QC2")
    source = source_of(world)
    contents = source.contents(source.sessions(())[0])
    assert {scan.id: len(scan.files) for scan in contents.scans} == {"1": 4, "2": 1}
    kinds = sorted((one.kind, one.files, one.bytes) for one in contents.not_sent)
    assert kinds == [("assessor", 0, 0), ("assessor", 2, 8), ("scan-resource", 1, 6), ("session-resource", 1, 3)]
    assert any(file.name.startswith("SCANS/1/secondary/") for file in contents.scans[0].files)


def test_a_scan_without_any_dicom_is_a_scan_without_files(world, seed):
    session = seed(world)
    world.connect().put(
        f"/data/experiments/{session}/scans/9?xsiType=xnat:mrScanData&type=T1", "x", accepted=(200, 201)
    )
    source = source_of(world)
    contents = source.contents(source.sessions(())[0])
    assert [scan.files for scan in contents.scans if scan.id == "9"] == [()]


def test_a_scan_whose_type_is_the_id_of_another_scan_gets_its_own_files_only(world, seed):
    """`scans/2` matches the scan of that ID and every scan of that type."""
    session = seed(world)
    world.connect().put(f"/data/experiments/{session}/scans/1?type=2", "x", accepted=(200, 201))
    source = source_of(world)
    contents = source.contents(source.sessions(())[0])
    assert {scan.id: len(scan.files) for scan in contents.scans} == {"1": 4, "2": 1}


def test_files_come_whole_under_names_that_say_nothing(world, seed, tmp_path):
    session = seed(world)
    source = source_of(world)
    contents = source.contents(source.sessions(())[0])
    files = [file for scan in contents.scans for file in scan.files]
    paths = [source.fetch(file, tmp_path) for file in files]
    assert len({path.name for path in paths}) == 5
    assert all(path.name.strip("0123456789") == ".dcm" for path in paths)
    stored = {path.read_bytes() for path in world.sandbox.session_folder(session).rglob("*.dcm")}
    assert {path.read_bytes() for path in paths} == stored


def test_a_file_of_a_strange_name_is_fetched_or_fails_the_session(world, seed, tmp_path):
    """XNAT finds blanks and plus signs again, and nothing else that has to be quoted."""
    seed(world)
    names = ("a b+c.dcm", "ünï#1.dcm", "sub/deep 100%.dcm")
    for name in names:
        world.sandbox.add_resource_file("STAGING", "S1", "DICOM", name, name.encode(), scan="2")
    source = source_of(world)
    scan = source.contents(source.sessions(())[0]).scans[1]
    files = {file.name.removeprefix("SCANS/2/DICOM/"): file for file in scan.files}
    assert source.fetch(files[names[0]], tmp_path).read_bytes() == names[0].encode()
    for name in names[1:]:
        with pytest.raises(TransferError, match="cannot be downloaded"):
            source.fetch(files[name], tmp_path)


@pytest.mark.parametrize("checksums", [True, False])
def test_a_login_page_in_place_of_a_file_is_never_taken_for_it(checksums, new_world, seed, tmp_path):
    world = new_world(Settings(checksums=checksums))
    seed(world)
    source = source_of(world)
    file = source.contents(source.sessions(())[0]).scans[0].files[0]
    world.sandbox.faults.add(Fault(r"/files/.*\.dcm", HtmlPage(), nth=None))
    with pytest.raises(TransferError):
        source.fetch(file, tmp_path)
    assert list(tmp_path.glob("*.dcm")) == []


def test_rechecking_notices_late_files_changes_renames_and_removal(world, seed, tmp_path):
    session = seed(world)
    source = source_of(world)
    one = source.sessions(())[0]
    contents = source.contents(one)
    source.recheck(one, contents)
    world.sandbox.add_resource_file("STAGING", "S1", "NOTES", "a.txt", b"abc")
    source.recheck(one, contents)
    world.sandbox.add_resource_file("STAGING", "S1", "DICOM", "late.dcm", b"abc", scan="2")
    with pytest.raises(ChangedError, match="files"):
        source.recheck(one, contents)
    contents = source.contents(one)
    world.sandbox.add_resource_file("STAGING", "S1", "DICOM", "late.dcm", b"abd", scan="2")
    with pytest.raises(ChangedError, match="files"):
        source.recheck(one, contents)
    world.sandbox.rename_session(session, "S1_NEW")
    with pytest.raises(ChangedError, match="renamed"):
        source.recheck(one, source.contents(one))
    world.connect().delete(f"/data/experiments/{session}?removeFiles=true", "x")
    with pytest.raises(ChangedError, match="deleted"):
        source.recheck(one, contents)


def test_rechecking_notices_another_subject(world, seed):
    session = seed(world)
    source = source_of(world)
    one = source.sessions(())[0]
    contents = source.contents(one)
    world.sandbox.give_to_subject(session, "SOMEBODY")
    with pytest.raises(ChangedError, match="another subject"):
        source.recheck(one, contents)
    world.sandbox.give_to_subject(session, one.subject)
    source.recheck(one, contents)


def test_only_reading_requests_are_made(world, seed, tmp_path):
    seed(world)
    source = source_of(world)
    world.sandbox.clear_requests()
    one = source.sessions(())[0]
    contents = source.contents(one)
    source.fetch(contents.scans[0].files[0], tmp_path)
    source.recheck(one, contents)
    assert {request.method for request in world.sandbox.requests} == {"GET"}


# A mounted archive


def downloads(world):
    return [r for r in world.sandbox.requests if "/files/" in r.path and r.path.endswith(".dcm")]


def fetched(source, tmp_path):
    contents = source.contents(source.sessions(())[0])
    return {file.name: source.fetch(file, tmp_path) for scan in contents.scans for file in scan.files}


@pytest.mark.parametrize("what", ["the project's folder", "the session's folder"])
def test_mounted_files_are_read_in_place(world, seed, tmp_path, what):
    folder = world.sandbox.session_folder(seed(world))
    before = {path: path.stat() for path in folder.rglob("*")}
    mount = folder if what == "the session's folder" else folder.parent
    paths = fetched(source_of(world, mount=mount), tmp_path / "none")
    assert all(path.is_relative_to(folder) for path in paths.values())
    assert downloads(world) == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == {
        p: s.st_mtime_ns for p, s in before.items()
    }


def test_a_scan_whose_folder_bears_another_number_is_found_by_its_catalog(world, seed, tmp_path):
    session = seed(world)
    world.sandbox.scan_folder_drift(session, "2", "2-CT1")
    folder = world.sandbox.session_folder(session)
    paths = fetched(source_of(world, mount=folder.parent), tmp_path / "none")
    (drifted,) = [path for name, path in paths.items() if name.startswith("SCANS/2-CT1/")]
    assert drifted.parent == folder / "SCANS" / "2" / "DICOM"


def test_two_scans_that_swapped_their_folders_are_not_mixed_up(world, seed, tmp_path):
    """IDs changed by hand: the folder called 1 holds scan 2."""
    session = seed(world)
    for old, new in (("1", "X"), ("2", "1"), ("X", "2")):
        world.sandbox.scan_folder_drift(session, old, new)
    folder = world.sandbox.session_folder(session)
    paths = fetched(source_of(world, mount=folder), tmp_path / "none")
    assert {path.parent for name, path in paths.items() if name.startswith("SCANS/2/DICOM")} == {
        folder / "SCANS" / "1" / "DICOM"
    }


@pytest.mark.parametrize("damage", ["missing", "size", "catalog", "other session"])
def test_a_mount_that_is_not_the_same_is_not_read(world, seed, tmp_path, damage):
    session = seed(world)
    folder = world.sandbox.session_folder(session)
    mounted = tmp_path / "mount" / ("S1" if damage != "other session" else "S7")
    for path in folder.rglob("*"):
        if path.is_file():
            target = mounted / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (file,) = (mounted / "SCANS" / "2" / "DICOM").glob("*.dcm")
    if damage == "missing":
        file.unlink()
    if damage == "size":
        file.write_bytes(file.read_bytes() + b"\0")
    if damage == "catalog":
        (catalog,) = file.parent.glob("*_catalog.xml")
        catalog.write_text(catalog.read_text().replace('URI="', 'URI="x'))
    (tmp_path / "down").mkdir()
    paths = fetched(source_of(world, mount=tmp_path / "mount"), tmp_path / "down")
    (two,) = [path for name, path in paths.items() if name.startswith("SCANS/2/")]
    assert two.is_relative_to(tmp_path / "down")


def test_a_mounted_file_that_changed_after_listing_is_downloaded_instead(world, seed, tmp_path):
    session = seed(world)
    folder = world.sandbox.session_folder(session)
    source = source_of(world, mount=folder.parent)
    file = source.contents(source.sessions(())[0]).scans[1].files[0]
    path = source.fetch(file, tmp_path)
    good = path.read_bytes()
    copy = path.with_suffix(".keep")
    copy.write_bytes(good)
    path.write_bytes(good[:-1] + b"\xff")
    with pytest.raises(TransferError):
        source.fetch(file, tmp_path)  # the stand-in serves the same spoilt file: its digest gives it away
    path.write_bytes(good)
    assert source.fetch(file, tmp_path) == path


def test_a_mounted_file_is_not_believed_where_the_server_knows_no_digest(new_world, seed, tmp_path):
    """A launch can name any folder as the session's: the same catalog and sizes are soon made."""
    world = new_world(Settings(checksums=False))
    session = seed(world)
    (tmp_path / "down").mkdir()
    paths = fetched(source_of(world, mount=world.sandbox.session_folder(session)), tmp_path / "down")
    assert paths
    assert all(path.is_relative_to(tmp_path / "down") for path in paths.values())
