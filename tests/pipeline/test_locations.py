"""xnat: and dir: as source and destination, in all combinations; mounts; what a folder says when run again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.pipeline.conftest import (
    CLEAN,
    STAGING,
    Site,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from xnat_pixelanon.archive import Credentials, DirLocation, XnatDocumentStore, XnatLocation, connect
from xnat_pixelanon.domain.report import RunReport, SessionReport
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, RuleFiles
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

PERSON = Person.numbered(1)
PLAIN = {"site_script_enabled": False}
"""A clean server whose site script writes no labels into the headers: copies can be compared with those of a folder."""


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    made = make_site(**PLAIN)
    made.seed("S1", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    made.templates(banner_template(), clean_template())
    made.policy(labels={"subject_from": "patient_id"})
    return made


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    """What staging stores of the session as a folder source, and its documents and key as files beside it."""
    shutil.copytree(site.staging.session_folder("STAGE_E00001") / "SCANS", tmp_path / "in")
    with connect(Credentials(site.staging.url, "owner", "pass-word")) as connection:
        store = XnatDocumentStore(connection, STAGING)
        for name in ("templates.json", "policy.json", KEY_DOCUMENT):
            stored = store.load(name)
            assert stored is not None
            (tmp_path / name).write_text(stored.text)
    return tmp_path


def rules_of(folder: Path) -> RuleFiles:
    return RuleFiles(folder / "templates.json", folder / "policy.json", folder / KEY_DOCUMENT)


def to(site: Site, folder: Path, source: str, destination: str) -> RunReport:
    options: dict[str, Any] = {"destination": XnatLocation(CLEAN, "PUBLIC")}
    if destination == "dir":
        options["destination"] = DirLocation(folder / "out")
    if source == "dir":
        options |= {"source": DirLocation(folder / "in"), "files": rules_of(folder)}
    return site.run(**options).report


def folder_run(site: Site, folder: Path) -> SessionReport:
    (session,) = to(site, folder, "dir", "dir").sessions
    return session


def copies(site: Site, folder: Path, destination: str) -> dict[str, str]:
    """Every copy by its SOP Instance UID: all elements with their values, pixels as their digest."""
    paths = sorted((folder / "out").rglob("*.dcm")) if destination == "dir" else site.copies()
    return {str(ds.SOPInstanceUID): as_text(ds) for ds in map(pydicom.dcmread, paths)}


def as_text(ds: pydicom.FileDataset) -> str:
    pixels = hashlib.sha256(ds.PixelData).hexdigest()
    del ds.PixelData
    # An XNAT that takes a file writes its own file meta information.
    meta = (ds.file_meta.TransferSyntaxUID, ds.file_meta.MediaStorageSOPInstanceUID, ds.preamble)
    return "\n".join((str(meta), *map(str, ds), pixels))


def test_all_four_ways_end_with_the_same_copies(site: Site, folder: Path, make_site: Callable[..., Site]) -> None:
    found = {}
    for source in ("xnat", "dir"):
        for destination in ("xnat", "dir"):
            report = to(site, folder, source, destination)
            assert [one.outcome for one in report.sessions] == ["published"], (source, destination)
            found[source, destination] = copies(site, folder, destination)
            assert len(found[source, destination]) == 4
            shutil.rmtree(folder / "out", ignore_errors=True)
            site.clean.stop()
            fresh = make_site(**PLAIN)
            site = Site(site.root, site.staging, fresh.clean, site.samples, site.told)
            site.accept(site.fingerprint(), site.fingerprint(""))
    first = found["xnat", "xnat"]
    for way, theirs in found.items():
        for uid, text in first.items():
            assert theirs[uid].splitlines() == text.splitlines(), way
    assert site.sweep().leaks == ()


def test_a_folder_is_laid_out_by_subject_session_and_scan_and_names_nothing(site: Site, folder: Path) -> None:
    session = folder_run(site, folder)
    home = folder / "out" / session.clean_subject / session.clean_session
    found = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    assert found == [
        "SCANS/1/DICOM/000001.dcm",
        *(f"SCANS/2/DICOM/00000{number}.dcm" for number in (1, 2, 3)),
        "receipt.json",
    ]
    texts = " ".join(path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file())
    assert not any(word in texts for word in (*PERSON.strings(), *site.samples[0].uids) if len(word) > 5)
    assert {path.name for path in (folder / "out").iterdir()} == {session.clean_subject}


def test_a_folder_that_is_run_again_is_unchanged_then_grown_then_stale(site: Site, folder: Path) -> None:
    assert folder_run(site, folder).outcome == "published"
    before = stamps(folder / "out")
    assert folder_run(site, folder).outcome == "unchanged"
    assert stamps(folder / "out") == before

    study = pydicom.dcmread(next((folder / "in").rglob("*.dcm"))).StudyInstanceUID
    for number, image in enumerate(slices(PERSON, 2, series=7, StudyInstanceUID=study, PatientID=staged_id(folder))):
        save(image, folder / "in" / "late" / f"{number}.dcm")
    grown = folder_run(site, folder)
    assert (grown.outcome, {scan.id: scan.sent for scan in grown.scans}) == (
        "grown",
        {"1": False, "2": False, "7": True},
    )
    after = stamps(folder / "out")
    assert {path: after[path] for path in before if path.endswith(".dcm")} == {
        path: stamp for path, stamp in before.items() if path.endswith(".dcm")
    }
    assert folder_run(site, folder).outcome == "unchanged"

    rules = json.loads((folder / "templates.json").read_text())
    rules["templates"][0]["rectangles"][0]["bottom"] = 30
    (folder / "templates.json").write_text(json.dumps(rules))
    assert folder_run(site, folder).outcome == "stale"
    rules["exclusions"] = [{"match": {"modality": "CT"}}]
    (folder / "templates.json").write_text(json.dumps(rules))
    assert folder_run(site, folder).outcome == "no-longer-allowed"
    assert stamps(folder / "out") == after


def staged_id(folder: Path) -> str:
    return str(pydicom.dcmread(next((folder / "in").rglob("*.dcm"))).PatientID)


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_the_pseudonyms_of_a_folder_are_the_keys(site: Site, folder: Path) -> None:
    first = folder_run(site, folder)
    shutil.rmtree(folder / "out")
    again = folder_run(site, folder)
    assert (again.clean_subject, again.clean_session) == (first.clean_subject, first.clean_session)
    (folder / KEY_DOCUMENT).unlink()
    other = folder_run(site, folder)
    assert {other.clean_subject, other.clean_session}.isdisjoint({first.clean_subject, first.clean_session})
    assert stat.S_IMODE((folder / KEY_DOCUMENT).stat().st_mode) == 0o600
    kept = (folder / KEY_DOCUMENT).read_text()
    folder_run(site, folder)
    assert (folder / KEY_DOCUMENT).read_text() == kept


def test_a_dry_run_of_a_folder_makes_no_key(site: Site, folder: Path) -> None:
    (folder / KEY_DOCUMENT).unlink()
    report = site.run(source=DirLocation(folder / "in"), files=rules_of(folder), dry_run=True).report
    assert [one.outcome for one in report.sessions] == ["planned"]
    assert not (folder / KEY_DOCUMENT).exists()


def test_everything_of_a_folder_is_in_the_report_and_nothing_of_it_changes(site: Site, folder: Path) -> None:
    (folder / "in" / "readme.txt").write_text("not an image")
    (folder / "in" / "link.dcm").symlink_to(next((folder / "in").rglob("*.dcm")))
    (folder / "in" / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\x08\x00")
    before = stamps(folder / "in")
    report = to(site, folder, "dir", "dir")
    listed = [one.source for session in report.sessions for scan in session.scans for one in scan.instances]
    strays = {one.name: one.kind for one in report.strays}
    assert strays == {"readme.txt": "not-dicom", "link.dcm": "link", "broken.dcm": "damaged-dicom"} | dict.fromkeys(
        (name for name in strays if name.endswith("_catalog.xml")), "not-dicom"
    )
    everything = [
        path.relative_to(folder / "in").as_posix() for path in (folder / "in").rglob("*") if not path.is_dir()
    ]
    assert sorted([*listed, *strays]) == sorted(everything)
    assert stamps(folder / "in") == before


def test_several_studies_of_a_folder_are_sessions_named_by_number(site: Site, folder: Path) -> None:
    other = Person.numbered(2)
    for number, image in enumerate(slices(other, 2, study=2)):
        save(image, folder / "in" / "other" / f"{number}.dcm")
    report = to(site, folder, "dir", "dir")
    assert [(one.name, one.outcome) for one in report.sessions] == [("study-1", "published"), ("study-2", "published")]
    assert len({one.clean_subject for one in report.sessions}) == 2


def test_what_was_decided_is_told_though_no_pseudonym_can_be_made(site: Site, folder: Path) -> None:
    for path in (folder / "in").rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.PatientID = ""
        ds.save_as(path)
    session = folder_run(site, folder)
    assert "pseudonym" in session.error
    assert {scan.code for scan in session.scans} == {"looked-at-clean", "template"}


def test_a_study_of_two_patients_fails_and_says_why(site: Site, folder: Path) -> None:
    path = next((folder / "in").rglob("*.dcm"))
    ds = pydicom.dcmread(path)
    ds.PatientID = "TEST-0002"
    ds.save_as(path)
    report = to(site, folder, "dir", "dir")
    (session,) = report.sessions
    assert (session.outcome, report.exit_status) == ("failed", 1)
    assert "the headers name 2 patients" in session.error
    assert "correct the files" in session.hint
    assert not (folder / "out").exists()


# Mounts


def downloads(site: Site) -> Counter[str]:
    """DICOM files that were fetched from staging."""
    return Counter(
        one.path for one in site.staging.requests if one.method == "GET" and re.search(r"/files/.+", one.path)
    )


@pytest.mark.parametrize("deep", [False, True])
def test_mounted_files_are_read_in_place(site: Site, monkeypatch: pytest.MonkeyPatch, deep: bool) -> None:
    """The mount is the folder of all sessions, or that of the one session, as for a session's own container."""
    session = site.staging.session_folder("STAGE_E00001")
    before = stamps(session)
    assert run_mounted(site, session if deep else session.parent) == ["published"]
    assert downloads(site) == Counter()
    assert stamps(session) == before
    assert site.sweep().leaks == ()


def run_mounted(site: Site, mount: Path) -> list[str]:
    site.staging.clear_requests()
    mounted = site.environment() | {"PIXELANON_MOUNT": str(mount)}
    return [one.outcome for one in site.run(environment=mounted).report.sessions]


def test_without_a_mount_every_file_is_fetched_once(site: Site) -> None:
    site.staging.clear_requests()
    assert site.outcomes() == ["published"]
    assert sorted(downloads(site).values()) == [1, 1, 1, 1]


def test_a_scan_whose_folder_kept_another_number_is_still_read_in_place(site: Site) -> None:
    site.staging.scan_folder_drift("STAGE_E00001", "2", "5")
    site.staging.scan_folder_drift("STAGE_E00001", "1", "2")
    assert run_mounted(site, site.staging.session_folder("STAGE_E00001").parent) == ["published"]
    assert downloads(site) == Counter()
    assert len(site.copies()) == 4


def test_a_mount_that_holds_other_bytes_is_not_believed(site: Site, tmp_path: Path) -> None:
    shutil.copytree(site.staging.session_folder("STAGE_E00001"), tmp_path / "mount" / "S1")
    changed = sorted((tmp_path / "mount" / "S1" / "SCANS" / "2").rglob("*.dcm"))[0]
    content = bytearray(changed.read_bytes())
    content[-1] ^= 1
    changed.write_bytes(content)
    assert run_mounted(site, tmp_path / "mount") == ["published"]
    assert downloads(site).total() == 1
    reference = copies(site, tmp_path, "xnat")
    assert len(reference) == 4


@pytest.mark.parametrize("what", ["absent", "empty", "file", "loop", "no-such-name"])
def test_a_mount_that_is_none_costs_downloads_only(site: Site, tmp_path: Path, what: str) -> None:
    mount = tmp_path / "mount"
    if what == "empty":
        mount.mkdir()
    if what == "file":
        mount.write_text("no folder")
    if what == "no-such-name":
        mount = tmp_path / ("x" * 300)
    if what == "loop":
        shutil.copytree(site.staging.session_folder("STAGE_E00001"), mount / "S1")
        loop = mount / "S1" / "SCANS"
        shutil.rmtree(loop)
        os.symlink(loop, loop)
    assert run_mounted(site, mount) == ["published"]
    assert downloads(site).total() == 4


# Secondary resources


def test_a_secondary_resource_belongs_to_its_scan(site: Site) -> None:
    """A scout of another SOP class in a series: XNAT puts it into `secondary`, and it is decided with its scan."""
    odd = ultrasound(PERSON, study=2, series=4, Modality="CT")
    site.seed("S2", [*slices(PERSON, 2, study=2, series=4), odd], person=PERSON)
    report = site.run(sessions=("S2",)).report
    (scan,) = report.sessions[0].scans
    assert (scan.id, scan.code, len(scan.instances)) == ("4", "mixed-sop-class", 3)
    assert sorted(one.source.split("/")[2] for one in scan.instances) == ["DICOM", "DICOM", "secondary"]
    assert report.sessions[0].outcome == "nothing-to-send"

    site.templates(banner_template(match={"rows": 64, "columns": 96}), clean_template())
    site.policy(labels={"subject_from": "patient_id"}, mixed="per-instance")
    report = site.run(sessions=("S2",)).report
    (scan,) = report.sessions[0].scans
    assert report.sessions[0].outcome == "published"
    assert Counter(one.code for one in scan.instances) == {"looked-at-clean": 2, "template": 1}
    assert (scan.decision, scan.sent, len(site.copies())) == ("redact", True, 3)
    assert site.sweep().leaks == ()
