"""A folder as destination: whole sessions or none, also when a run dies or two run at once."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.archive.conftest import go, pixel_digest
from xnat_pixelanon.archive import DirDestination
from xnat_pixelanon.archive.ports import Absent, Foreign, Outrun, Published, Sent
from xnat_pixelanon.domain.session import CleanInstance
from xnat_pixelanon.errors import ChangedError, ConfigurationError, ConflictError, RefusedError, SessionError


@pytest.fixture
def destination(tmp_path):
    return DirDestination(tmp_path / "out", pixel_digest)


def tree(destination):
    return sorted(
        path.relative_to(destination.root).as_posix() for path in destination.root.rglob("*") if path.is_file()
    )


def test_a_session_is_laid_out_by_subject_session_and_scan(destination, packer, tmp_path):
    destination.check()
    package = packer.package(1, 2)
    assert destination.look(packer.labels, packer.study) == Absent()
    assert destination.publish(package, go, tmp_path / "scratch") == Sent()
    assert destination.look(packer.labels, packer.study) == Published(package.receipt, active=True)
    session = f"SUBJ/{packer.session}"
    assert tree(destination) == [
        f"{session}/SCANS/1/DICOM/000001.dcm",
        f"{session}/SCANS/1/DICOM/000002.dcm",
        f"{session}/SCANS/2/DICOM/000001.dcm",
        f"{session}/receipt.json",
    ]
    source = package.scans[0].instances[0].path
    assert (destination.root / session / "SCANS/1/DICOM/000001.dcm").read_bytes() == source.read_bytes()


def test_publishing_again_finds_what_is_there(destination, packer, tmp_path):
    package = packer.package(1, 2)
    destination.publish(package, go, tmp_path)
    assert destination.publish(packer.package(1, 2), go, tmp_path) == Outrun(package.receipt)
    destination.finish(packer.labels, package.receipt, go, tmp_path)
    assert len(tree(destination)) == 4


@pytest.mark.parametrize(("source", "out"), [("a", "a"), ("a", "a/b"), ("a/b", "a")])
def test_source_and_destination_inside_each_other_are_refused(tmp_path, source, out):
    (tmp_path / source).mkdir(parents=True)
    with pytest.raises(RefusedError, match="inside the other"):
        DirDestination(tmp_path / out, pixel_digest, source=tmp_path / source).check()


def test_a_link_does_not_hide_that_the_destination_is_inside_the_source(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(RefusedError):
        DirDestination(tmp_path / "link" / "out", pixel_digest, source=source).check()


def test_a_destination_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        DirDestination(tmp_path / "out", pixel_digest).check()


def test_checking_makes_nothing(destination):
    destination.check()
    assert not destination.root.exists()


def test_a_gate_that_refuses_leaves_not_even_a_folder(destination, packer, tmp_path):
    def refuse():
        raise ChangedError("the policy changed")

    with pytest.raises(ChangedError):
        destination.publish(packer.package(1, 2), refuse, tmp_path)
    assert list(destination.root.iterdir()) == []


def test_what_stands_there_already_is_told_apart(destination, packer, new_packer, tmp_path):
    package = packer.package(1, 2)
    destination.publish(package, go, tmp_path)
    assert "another study" in destination.look(packer.labels, "1.2.3").reason
    assert "another label" in destination.look(("SUBJ", "OTHER"), packer.study).reason
    other = new_packer()
    (destination.root / "SUBJ" / other.session).mkdir()
    assert isinstance(destination.look(other.labels, other.study), Foreign)
    with pytest.raises(ConflictError):
        destination.publish(other.package(1), go, tmp_path)
    (destination.root / "SUBJ" / packer.session / "receipt.json").write_text("{")
    assert isinstance(destination.look(packer.labels, packer.study), Foreign)


def test_a_published_session_that_was_changed_is_a_conflict(destination, packer, tmp_path):
    package = packer.package(1, 2)
    destination.publish(package, go, tmp_path)
    path = destination.root / "SUBJ" / packer.session / "SCANS/2/DICOM/000001.dcm"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ConflictError, match="does not hold"):
        destination.publish(packer.package(1, 2), go, tmp_path)


@pytest.mark.parametrize("label", ["..", ".", "", "a/b", ".hidden", "a\0b"])
def test_a_label_that_is_no_folder_name_is_refused(destination, packer, label):
    with pytest.raises(RefusedError):
        destination.look((label, "S"), packer.study)
    with pytest.raises(RefusedError):
        destination.look(("S", label), packer.study)


def test_an_instance_that_is_not_what_the_package_says_is_never_published(destination, packer, tmp_path):
    scan = packer.scans[2][0]
    packer.scans[2] = (
        replace(scan, instances=(CleanInstance(scan.instances[0].path, "1.2", "x"),)),
        packer.scans[2][1],
    )
    with pytest.raises(SessionError, match="is not what was to be written"):
        destination.publish(packer.package(1, 2), go, tmp_path)
    assert tree(destination) == []


@pytest.mark.parametrize("same", [True, False])
def test_two_runs_at_once_end_in_one_session_that_holds_its_receipt(destination, packer, tmp_path, same):
    first = packer.package(1, 2)
    if not same:
        packer.scan(1, count=2, shade=9)
    second = packer.package(1, 2)
    together = threading.Barrier(2, timeout=20)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(destination.publish, package, together.wait, tmp_path) for package in (first, second)]
        results = [future.result(20) for future in futures]
    assert sorted(type(one).__name__ for one in results) == ["Outrun", "Sent"]
    standing = destination.look(packer.labels, packer.study)
    destination.finish(packer.labels, standing.receipt, go, tmp_path)
    assert len(tree(destination)) == 4


def test_leftovers_of_dead_runs_are_removed_when_old_and_left_when_young(destination, packer, tmp_path):
    parent = destination.root / "SUBJ"
    for name in (f".PXA-{packer.session}-old", f".PXA-{packer.session}-young", ".PXA-OTHER-old"):
        (parent / name / "SCANS").mkdir(parents=True)
    for path in (parent / f".PXA-{packer.session}-old", parent / ".PXA-OTHER-old"):
        os.utime(path / "SCANS", (1, 1))
        os.utime(path, (1, 1))
    destination.publish(packer.package(1), go, tmp_path)
    left = sorted(path.name for path in parent.iterdir())
    assert left == [".PXA-OTHER-old", f".PXA-{packer.session}-young", packer.session]


def test_a_full_disk_is_told_with_the_folder_and_leaves_nothing(destination, packer, tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SessionError, match=r"destination folder .*out.*: No space left"):
        destination.publish(packer.package(1, 2), go, tmp_path)
    assert list(destination.root.iterdir()) == []


def test_scans_are_added_and_the_receipt_grows(destination, packer, tmp_path):
    destination.publish(packer.package(1), go, tmp_path)
    assert destination.publish(packer.package(2, after=(1,)), go, tmp_path) == Sent()
    assert destination.look(packer.labels, packer.study) == Published(packer.package(1, 2).receipt, active=True)
    assert len(tree(destination)) == 4
    assert destination.publish(packer.package(2, after=(1,)), go, tmp_path) == Outrun(packer.package(1, 2).receipt)


def test_an_added_series_whose_scan_id_is_taken_gets_another(destination, packer, tmp_path):
    destination.publish(packer.package(1), go, tmp_path)
    clean, receipt = packer.scans[2]
    packer.scans[2] = (replace(clean, id="1"), receipt)
    destination.publish(packer.package(2, after=(1,)), go, tmp_path)
    assert f"SUBJ/{packer.session}/SCANS/1-2/DICOM/000001.dcm" in tree(destination)
    destination.finish(packer.labels, packer.package(1, 2).receipt, go, tmp_path)


@pytest.mark.parametrize("changed", [False, True])
def test_an_addition_that_died_before_the_receipt_is_finished_or_replaced(
    destination, packer, tmp_path, monkeypatch, changed
):
    destination.publish(packer.package(1), go, tmp_path)

    def die(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            destination.publish(packer.package(2, after=(1,)), go, tmp_path)
    assert destination.look(packer.labels, packer.study) == Published(packer.package(1).receipt, active=True)
    if changed:
        packer.scan(2, shade=77)
    assert destination.publish(packer.package(2, after=(1,)), go, tmp_path) == Sent(adopted=not changed)
    assert len(tree(destination)) == 4
    destination.finish(packer.labels, packer.package(1, 2).receipt, go, tmp_path)


def test_adding_to_what_is_gone_or_not_as_it_was_is_refused(destination, packer, tmp_path):
    with pytest.raises(ChangedError):
        destination.publish(packer.package(2, after=(1,)), go, tmp_path)
    packer.scan(3)
    destination.publish(packer.package(1, 3), go, tmp_path)
    with pytest.raises(ChangedError):
        destination.publish(packer.package(2, after=(1,)), go, tmp_path)
    with pytest.raises(ChangedError):
        destination.finish(packer.labels, packer.package(1).receipt, go, tmp_path)
