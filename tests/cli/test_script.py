"""`script`: the project's DicomEdit script as a document, and XNAT's own as a beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import STAGED, Typed
from tests.pipeline.conftest import MEMBER, OWNER, PASSWORD, STAGING, Site
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, connect

TEXT = 'version "6.3"\n(0008,103E) := "axial view"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "script.das"
    path.write_text(TEXT, "utf-8")
    return path


def stored(site: Site) -> str | None:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        found = XnatDocumentStore(connection, STAGING).load("script")
    return None if found is None else found.text


def own_script(site: Site, text: str, *, enabled: bool) -> None:
    """As XNAT's project settings do it."""
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as owner:
        uri = f"/xapi/anonymize/projects/{STAGING}"
        owner.put(uri, "storing", text.encode(), content_type="text/plain")
        owner.put(f"{uri}/enabled?enable={str(enabled).lower()}", "switching", b"", content_type="text/plain")


def test_a_script_is_pushed_shown_pulled_changed_and_pushed_again(typed: Typed, site: Site, file: Path) -> None:
    assert typed("script", "push", *STAGED, str(file)).out == "script stored as version 1\n"
    assert stored(site) == TEXT
    shown = typed("script", "show", *STAGED)
    assert shown.out == f"// based on version 1\n{TEXT}"
    typed("script", "pull", *STAGED, str(file)).refuses("exists", "--force")
    assert typed("script", "pull", *STAGED, str(file), "--force").status == 0
    file.write_text(file.read_text("utf-8") + "- (0018,0050)\n", "utf-8")
    assert "version 2" in typed("script", "push", *STAGED, str(file)).out
    assert stored(site) == f"{TEXT}- (0018,0050)\n"
    assert "2" in typed("script", "history", *STAGED).out
    typed("script", "push", *STAGED, str(file)).refuses("is based on version 1", "newest is version 2")


def test_a_script_that_is_wrong_is_not_stored(typed: Typed, site: Site, file: Path) -> None:
    file.write_text("(0008,103E) := nobody\nnothing[]\n", "utf-8")
    for words in (("check",), ("push", *STAGED)):
        typed("script", *words, str(file)).refuses("line 1, column 16", "line 2, column 1")
    assert stored(site) is None


def test_a_run_takes_it_and_so_does_a_plan_from_a_file(typed: Typed, site: Site, file: Path) -> None:
    typed("script", "push", *STAGED, str(file))
    typed("plan", *STAGED, "--script", str(file)).refuses("names none")
    site.policy(headers={"script": "script"})
    assert typed("plan", *STAGED).status == 0
    file.write_text('(0008,0060) = "US" ? reject[]', "utf-8")
    assert "script-reject" in typed("plan", *STAGED, "--script", str(file)).out
    typed("run", *STAGED, "--script", str(file)).refuses("stored documents")
    assert typed("run", *STAGED).status == 0


@pytest.mark.parametrize("enabled", [True, False])
def test_xnats_own_script_is_imported_with_a_warning_where_it_runs_there(
    typed: Typed, site: Site, tmp_path: Path, *, enabled: bool
) -> None:
    own_script(site, TEXT, enabled=enabled)
    said = typed("script", "import", *STAGED, str(tmp_path / "own.das"))
    assert said.status == 0
    assert (tmp_path / "own.das").read_text("utf-8") == TEXT
    assert ("dates would be shifted twice" in said.err) is enabled
    typed("script", "import", *STAGED, str(tmp_path / "own.das")).refuses("exists")


def test_what_could_not_be_run_here_is_said(typed: Typed, site: Site, tmp_path: Path) -> None:
    own_script(site, 'version "6.1"\n(0010,0010) := nobody\n', enabled=False)
    said = typed("script", "import", *STAGED, str(tmp_path / "own.das"))
    assert said.status == 0
    assert "it cannot be run as it is" in said.err
    assert "line 2, column 16" in said.err


def test_a_project_without_one_is_told_so(typed: Typed, site: Site, tmp_path: Path) -> None:
    typed("script", "import", *STAGED, str(tmp_path / "own.das")).refuses("no anonymisation script of its own")
    typed("script", "show", *STAGED).refuses("no script stored")
    assert not (tmp_path / "own.das").exists()


def test_a_member_stores_no_script(typed: Typed, site: Site, file: Path) -> None:
    typed("script", "push", *STAGED, str(file), user=MEMBER).refuses("only an owner")
    assert stored(site) is None
