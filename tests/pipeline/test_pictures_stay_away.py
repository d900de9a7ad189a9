"""What must not be shown, and where pictures must not be: sessions taken back meanwhile, older files, other folders."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.pipeline.conftest import Site, Told, banner_template, clean_template, told_in
from xnat_pixelanon.domain.pictures import Pictures
from xnat_pixelanon.reports.write import render, write_report


class Meanwhile(Told):
    """An owner withdraws the session while it is cleaned."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site

    def step_starts(self, step: str, files: int) -> None:
        if step == "clean":
            withdrawn = {"session": {"id": "STAGE_E00001"}, "action": "exclude"}
            self._site.templates(banner_template(), clean_template(), overrides=[withdrawn])


def test_a_session_that_is_withdrawn_while_it_is_worked_on_is_not_shown(site: Site) -> None:
    site.told = Meanwhile(site)
    result = site.run()
    assert result.report.outcomes == {"failed": 1}
    assert result.pictures == Pictures()


def test_a_report_without_pictures_leaves_no_older_contact_sheet_beside_it(site: Site, tmp_path: Path) -> None:
    shown = site.run()
    folder = tmp_path / "report"
    folder.mkdir()
    write_report(render(shown.report, shown.pictures), folder)
    assert (folder / "contact-sheet.png").exists()
    write_report(render(shown.report, Pictures()), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "scans.csv"]


@pytest.mark.parametrize("pictures", ["none", "after", "both"])
def test_a_command_leaves_pictures_in_two_private_files_of_its_report_only(
    site: Site, tmp_path: Path, pictures: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, report = tmp_path / "scratch", tmp_path / "report"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    site.policy(pictures=pictures)
    assert site.command("run", "--from", "xnat:STAGING", "--report", str(report)) == 0
    said = "".join(capfd.readouterr())
    assert "base64" not in said
    assert told_in(said, site.samples) == []
    assert list(scratch.iterdir()) == []
    names = {"report.html", "report.json", "scans.csv"} | ({"contact-sheet.png"} if pictures != "none" else set())
    assert {path.name for path in report.iterdir()} == names
    assert {stat.S_IMODE(path.stat().st_mode) for path in report.iterdir()} == {0o600}
    page = (report / "report.html").read_text()
    assert ("In staging" in page) == (pictures == "both")
    assert ("data:image/jpeg;base64," in page) == (pictures != "none")
    assert "image" not in json.dumps([*json.loads((report / "report.json").read_text())])
    names_there = [item.where for item in site.clean.stored()]
    assert not [one for one in names_there if one.endswith((".png", ".html", ".jpg"))]


def test_a_folder_as_destination_gets_images_and_receipts_only(site: Site, tmp_path: Path) -> None:
    out, report, policy, templates = (tmp_path / name for name in ("out", "report", "p.json", "t.json"))
    destination = {"server": "same", "project": "X"}
    policy.write_text(json.dumps({"schema_version": 1, "enabled": True, "destination": destination}))
    templates.write_text(json.dumps({"schema_version": 1, "templates": [banner_template(), clean_template()]}))
    words = ("--to", f"dir:{out}", "--policy", str(policy), "--templates", str(templates), "--key", str(tmp_path / "k"))
    source = tmp_path / "in"
    source.mkdir()
    for number, file in enumerate(site.samples[0].files):
        (source / f"{number}.dcm").write_bytes(file.read_bytes())
    assert site.command("run", "--from", f"dir:{source}", *words, "--report", str(report)) == 0
    assert (report / "contact-sheet.png").exists()
    assert {path.suffix for path in out.rglob("*") if path.is_file()} <= {".dcm", ".json"}
    assert len(list(out.rglob("*.dcm"))) == 4
