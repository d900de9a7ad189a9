"""`templates import`, `export`, `restore` and `diff` as an owner types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import STAGED, Typed
from tests.pipeline.conftest import OWNER, PASSWORD, STAGING, Site, banner_template, clean_template
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, connect

CTP = (
    '{ Modality.equals("US") * Rows.equals("64") * Columns.equals("96") } (0,0,95,9)\n{ !Rows.equals("1") } (0,0,1,1)\n'
)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "ctp.script"
    path.write_text(CTP, "utf-8")
    return path


def stored(site: Site, name: str) -> dict[str, object]:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        found = XnatDocumentStore(connection, STAGING).load(name)
    assert found is not None
    document: dict[str, object] = json.loads(found.text)
    return document


def test_foreign_rules_are_added_to_what_was_pulled_and_pushed(typed: Typed, site: Site, script: Path) -> None:
    pulled = str(script.with_name("templates.json"))
    typed("templates", "pull", *STAGED, pulled)
    said = typed("templates", "import", "ctp", str(script), "--into", pulled, "--out", pulled)
    assert said.status == 0
    assert "1 templates, 0 exclusions taken over" in said.err
    assert "line 2" in said.err
    assert typed("templates", "push", *STAGED, pulled).status == 0
    ids = [one["id"] for one in stored(site, "templates.json")["templates"]]  # type: ignore[attr-defined]
    assert ids == ["us-banner", "ct-axial", "ctp-1"]
    out = script.with_name("again.json")
    typed("templates", "import", "ctp", str(script), "--into", pulled, "--out", str(out))
    assert json.loads(out.read_text("utf-8"))["templates"][-1]["id"] == "ctp-1-2"


def test_templates_are_exported_and_what_is_not_said_is_noted(typed: Typed, tmp_path: Path) -> None:
    pulled = str(tmp_path / "templates.json")
    typed("templates", "pull", *STAGED, pulled)
    said = typed("templates", "export", "dicomedit", pulled)
    assert 'alterPixels["rectangle", "l=0, t=0, r=96, b=24"' in said.out
    assert "note: template ct-axial: looked at, clean" in said.err
    out = str(tmp_path / "out.das")
    assert typed("templates", "export", "dicomedit", pulled, "--out", out).out == ""
    typed("templates", "export", "ctp", pulled, "--out", out).refuses("exists")


def test_bad_input_writes_nothing(typed: Typed, script: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    typed("templates", "import", "ctp", str(script), "--size", "big", "--out", str(out)).refuses(
        "is no size", "768x1024"
    )
    script.write_text("{ without an end", "utf-8")
    typed("templates", "import", "ctp", str(script), "--out", str(out)).refuses("line 1")
    typed("templates", "import", "desktop", str(script), "--out", str(out)).refuses("line 1")
    typed("templates", "import", "ctp", str(tmp_path / "none")).refuses("cannot be read")
    (tmp_path / "bad.json").write_text("{}", "utf-8")
    typed("templates", "export", "ctp", str(tmp_path / "bad.json")).refuses("$")
    assert not out.exists()


def test_an_earlier_version_is_shown_and_restored(typed: Typed, site: Site, tmp_path: Path) -> None:
    site.templates(banner_template(id="us-other"), clean_template())
    shown = typed("templates", "diff", *STAGED, "1")
    assert shown.out.startswith("--- version 1\n+++ version 2\n")
    assert '-   "id": "us-banner",' in shown.out
    assert typed("templates", "restore", *STAGED, "1").out == "version 1 of templates.json is stored as version 3\n"
    templates = stored(site, "templates.json")["templates"]
    assert [one["id"] for one in templates] == ["us-banner", "ct-axial"]  # type: ignore[attr-defined]
    assert typed("templates", "diff", *STAGED, "1", "3").out == ""
    typed("templates", "restore", *STAGED, "9").refuses("has no version 9", "'history'")
    file = tmp_path / "mine.json"
    file.write_text(
        json.dumps({"schema_version": 1, "templates": [banner_template(id="x"), clean_template()]}), "utf-8"
    )
    assert '+   "id": "x",' in typed("templates", "diff", *STAGED, "3", str(file)).out


def test_a_restored_policy_is_disarmed(typed: Typed, site: Site) -> None:
    site.policy(publish="available-scans")
    assert "version 3, disarmed" in typed("policy", "restore", *STAGED, "1").out
    assert stored(site, "policy.json")["enabled"] is False
    typed("run", *STAGED).refuses("not armed")
