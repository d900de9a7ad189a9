"""Runs of a project with a DicomEdit script: decisions, copies, report, receipt, and what a change of it means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.pipeline.conftest import BANNER, OWNER, PASSWORD, STAGING, Site, slices, ultrasound
from xnat_pixelanon.archive import Credentials, DirLocation, XnatDocumentStore, XnatLocation, connect
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.errors import ConfigurationError, DocumentError, NotFoundError
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, SCRIPT_DOCUMENT, RuleFiles
from xnat_pixelanon.sandbox.person import Person

PERSON = Person.numbered(1)
SCRIPTED = {"headers": {"script": "script"}}


def store_script(site: Site, text: str) -> None:
    """As an owner does."""
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        store = XnatDocumentStore(connection, STAGING)
        newest = store.load(SCRIPT_DOCUMENT)
        store.push(SCRIPT_DOCUMENT, text, newest.version if newest else None)


@pytest.fixture
def scripted(armed: Site) -> Site:
    """A session of an ultrasound and of CT slices, and an armed policy that names a script."""
    armed.seed("S1", [ultrasound(PERSON), *slices(PERSON, 2)], person=PERSON)
    armed.policy(**SCRIPTED)
    return armed


def copies(site: Site) -> dict[str, list[pydicom.Dataset]]:
    found: dict[str, list[pydicom.Dataset]] = {}
    for path in site.copies():
        ds = pydicom.dcmread(path)
        found.setdefault(ds.Modality, []).append(ds)
    return found


def codes(site: Site, **options: Any) -> dict[str, tuple[str, str]]:
    """Decision and code of each scan's first group's modality."""
    (session,) = site.run(**options).report.sessions
    return {scan.groups[0].split()[0]: (scan.decision, scan.code) for scan in session.scans}


def test_the_script_runs_before_the_profile_and_the_report_names_its_lines(scripted: Site) -> None:
    store_script(scripted, '(0008,103E) := "from above"\n(0008,0060) = "US" ? (0008,1030) := project\n- (0018,0050)')
    result = scripted.run().report
    (session,) = result.sessions
    assert session.outcome == "published"
    assert {ds.SeriesDescription for found in copies(scripted).values() for ds in found} == {"from above"}
    assert {ds.StudyDescription for ds in copies(scripted)["US"]} == {"CLEAN"}
    lines = {scan.groups[0].split()[0]: scan.script for scan in session.scans}
    assert lines["CT"] == ("script 1:1: (0008,103E) set", "script 3:1: (0018,0050) removed")
    assert "script 2:22: (0008,1030) set" in lines["US"]
    assert result.script_version == 1
    assert "after the project's DicomEdit script" in result.profile
    assert any("no version line" in note for note in result.notes)
    assert schema_problems("report", json.loads(json.dumps(result.as_dict()))) == []
    assert scripted.sweep().leaks == ()
    assert scripted.outcomes() == ["unchanged"]


def test_worker_processes_run_it_too(scripted: Site) -> None:
    store_script(scripted, '(0008,103E) := "from above"')
    with Workers(2) as workers:
        assert [one.outcome for one in scripted.run(workers=workers).report.sessions] == ["published"]


def test_another_script_makes_what_was_sent_stale(scripted: Site) -> None:
    store_script(scripted, '(0008,103E) := "from above"')
    assert scripted.outcomes() == ["published"]
    store_script(scripted, '(0008,103E) := "from below"')
    assert scripted.outcomes() == ["stale"]
    scripted.policy()
    assert scripted.outcomes() == ["stale"]
    scripted.policy(**SCRIPTED)
    assert scripted.outcomes(replace=True) == ["published"]


def test_rectangles_of_the_script_are_blackened_beside_those_of_the_templates(scripted: Site) -> None:
    store_script(scripted, 'alterPixels["rectangle", "l=10, t=28, r=20, b=30", "solid", "v=0"]')
    assert codes(scripted, dry_run=True) == {"US": ("redact", "template"), "CT": ("redact", "script-redact")}
    assert scripted.outcomes() == ["published"]
    for ds in copies(scripted)["CT"]:
        assert (ds.pixel_array[28:30, 10:20] == ds.pixel_array[28:30, 10:20].min()).all()
        assert ds.BurnedInAnnotation == "NO"
        assert ds.ImageType[0] == "DERIVED"
    (still,) = copies(scripted)["US"]
    assert not still.pixel_array[: BANNER["bottom"]].any()
    assert not still.pixel_array[28:30, 10:20].any()
    assert scripted.sweep().leaks == ()


def test_a_script_alone_does_not_make_an_image_go(scripted: Site) -> None:
    scripted.templates()
    store_script(scripted, 'alterPixels["rectangle", "l=0, t=0, r=20, b=20", "solid", "v=0"]')
    assert codes(scripted) == {"US": ("hold", "no-template"), "CT": ("hold", "no-template")}
    assert scripted.copies() == []


def test_a_rejected_scan_is_left_out_with_the_line_that_said_so(scripted: Site) -> None:
    store_script(scripted, 'version "6.3"\n(0008,0060) = "US" ? reject[]')
    (session,) = scripted.run().report.sessions
    assert session.outcome == "published"
    (left_out,) = [scan for scan in session.scans if scan.code == "script-reject"]
    assert (left_out.decision, left_out.detail, left_out.sent) == ("exclude", "line 2, column 22", False)
    assert set(copies(scripted)) == {"CT"}


def test_a_statement_that_fails_holds_the_scan_before_anything_is_sent(scripted: Site) -> None:
    store_script(scripted, '(0008,0060) = "US" ? (0020,000D) := "1.2.3"')
    (session,) = scripted.run().report.sessions
    assert session.outcome == "waiting"
    (held,) = [scan for scan in session.scans if scan.decision == "hold"]
    assert held.code == "header-refused"
    assert "line 1, column 22" in held.detail
    assert scripted.copies() == []


def test_a_script_that_keeps_a_name_holds_the_session(scripted: Site) -> None:
    store_script(scripted, "(0008,103E) := (0010,0010)")
    (session,) = scripted.run().report.sessions
    assert session.outcome == "waiting"
    assert {scan.code for scan in session.scans} == {"header-refused"}
    assert scripted.copies() == []


def test_without_a_profile_the_script_stands_alone_and_nothing_identifying_goes(scripted: Site) -> None:
    scripted.policy(headers={"profile": "none", "script": "script", "identifiers": list(PERSON.strings())})
    store_script(scripted, "\n".join(f"- ({tag})" for tag in ("0008,0020", "0008,0021", "0008,0022", "0008,0023")))
    result = scripted.run().report
    assert [one.outcome for one in result.sessions] == ["published"]
    assert result.profile == "the script alone"
    assert {ds.get("StudyDate", "") for found in copies(scripted).values() for ds in found} == {""}
    data = b"".join(path.read_bytes() for path in scripted.copies())
    times = {text for text in PERSON.strings() if text.startswith("10")}  # no line of the script takes them out
    assert not [text for text in PERSON.strings() if len(text) > 5 and text not in times and text.encode() in data]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("(0008,103E) := nobody", DocumentError, "line 1, column 16"),
        ("// nothing but a remark", DocumentError, "no statement"),
        (None, NotFoundError, "there is none"),
    ],
)
def test_a_script_that_is_wrong_stops_the_run_before_anything_is_read(
    scripted: Site, text: str | None, error: type[Exception], said: str
) -> None:
    if text is not None:
        store_script(scripted, text)
    with pytest.raises(error, match=said):
        scripted.run()


def test_a_script_that_changes_midway_stops_the_session(scripted: Site) -> None:
    store_script(scripted, '(0008,103E) := "from above"')

    class Changing(type(scripted.told)):  # type: ignore[misc]
        def step_starts(self, step: str, files: int) -> None:
            if step == "clean":
                store_script(scripted, '(0008,103E) := "from below"')

    scripted.told = Changing()
    (session,) = scripted.run().report.sessions
    assert session.outcome == "failed"
    assert "changed" in session.error
    assert scripted.visible() == {}


class TestFiles:
    """`--script` of a folder, and of an XNAT project where nothing is published there."""

    def rules(self, site: Site, folder: Path, script: str | None, policy: dict[str, Any]) -> RuleFiles:
        names = {"templates.json": {"schema_version": 1, "templates": []}}
        names["policy.json"] = {
            "schema_version": 1,
            "enabled": True,
            "destination": {"server": "PUBLIC", "project": "CLEAN"},
        } | policy
        for name, document in names.items():
            (folder / name).write_text(json.dumps(document))
        if script is not None:
            (folder / "script.das").write_text(script)
        given = folder / "script.das" if script is not None else None
        return RuleFiles(folder / "templates.json", folder / "policy.json", folder / KEY_DOCUMENT, given)

    def plan(self, site: Site, folder: Path, files: RuleFiles) -> set[str]:
        report = site.run(source=DirLocation(folder), files=files, dry_run=True).report
        return {scan.code for session in report.sessions for scan in session.scans}

    def test_a_folder_takes_it_from_a_file(self, scripted: Site, tmp_path: Path) -> None:
        images = scripted.samples[0].files[0].parent
        files = self.rules(scripted, tmp_path, 'one := "1"', SCRIPTED)
        assert self.plan(scripted, images, files) == {"no-template"}

    def test_a_policy_that_names_one_needs_the_file(self, scripted: Site, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match="there is none"):
            self.plan(scripted, tmp_path, self.rules(scripted, tmp_path, None, SCRIPTED))

    def test_a_file_that_the_policy_does_not_name_is_refused(self, scripted: Site, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="names none"):
            self.plan(scripted, tmp_path, self.rules(scripted, tmp_path, 'one := "1"', {}))

    def test_what_leaves_a_project_is_decided_by_the_stored_script(self, scripted: Site, tmp_path: Path) -> None:
        (tmp_path / "script.das").write_text('one := "1"')
        with pytest.raises(ConfigurationError, match="stored documents"):
            scripted.run(source=XnatLocation(STAGING), files=RuleFiles(script=tmp_path / "script.das"))
