"""`withdraw`, as an owner of staging types it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import PERSON, STAGED, Typed
from tests.pipeline.conftest import MEMBER, Site
from xnat_pixelanon.sandbox.faults import Fault, Status

LABEL = f"{PERSON.id}_VISIT"


def test_a_session_is_withdrawn_by_its_label_and_named_by_its_id(site: Site, typed: Typed) -> None:
    typed("run", *STAGED)
    (clean,) = site.visible()
    said = typed("withdraw", *STAGED, "--session", LABEL, "--reason", "consent withdrawn")
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines()[:2] == [
        "session STAGE_E00001: its override in templates.json is stored as version 2",
        f"xnat:CLEAN@PUBLIC: clean session {clean} deleted",
    ]
    assert "left there, empty" in said.out.splitlines()[2]
    assert site.visible() == {}
    assert typed("withdraw", *STAGED, "--session", "STAGE_E00001").out == (
        "session STAGE_E00001: its override in templates.json stands there already\n"
        "nothing of it stands in xnat:CLEAN@PUBLIC\n"
    )


def test_a_run_afterwards_says_withdrawn_and_is_done_by_strict_too(site: Site, typed: Typed) -> None:
    typed("run", *STAGED)
    typed("withdraw", *STAGED, "--session", LABEL)
    said = typed("run", *STAGED, "--strict", "--json")
    assert said.status == 0
    assert [line["outcome"] for line in said.of("session")] == ["withdrawn"]
    assert "withdrawn 1" in typed("run", *STAGED).out


def test_a_run_that_takes_a_session_back_says_so(site: Site, typed: Typed, tmp_path: Path) -> None:
    typed("run", *STAGED)
    site.clean.faults.add(Fault("/experiments", Status(500), method="DELETE", nth=None))
    typed("withdraw", *STAGED, "--session", LABEL).refuses("was not deleted", "run again", status=1)
    site.clean.faults.clear()
    said = typed("run", *STAGED, "--json", "--report", str(tmp_path))
    (line,) = said.of("session")
    assert line["note"].startswith("the clean session was deleted")
    assert line["note"] in said.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["sessions"][0]["note"] == line["note"]
    assert "The clean session was deleted" in (tmp_path / "report.html").read_text()


def test_who_may_not_withdraw_is_told_so(site: Site, typed: Typed, tmp_path: Path) -> None:
    typed("withdraw", *STAGED, "--session", LABEL, user=MEMBER).refuses("has to be its owner", "ask an owner")
    typed("withdraw", *STAGED, "--session", "NOPE-NOPE").refuses("no image session", "exact label")
    typed("withdraw", "--from", f"dir:{tmp_path}", "--session", "x").refuses("files of yours", "templates file")
