"""`lookup`, as an owner types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import PERSON, STAGED, Typed
from tests.pipeline.conftest import MEMBER, InProcess, Site

LABEL = f"{PERSON.id}_VISIT"


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.lookup.Workers", InProcess)


def test_both_ways_say_the_same_and_name_the_session_by_its_id(site: Site, typed: Typed) -> None:
    typed("run", *STAGED)
    (clean,) = site.visible()
    said = typed("lookup", *STAGED, "--session", LABEL)
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "session STAGE_E00001"
    assert lines[1].startswith(f"clean session {clean} of subject ")
    assert lines[1].endswith(" in xnat:CLEAN@PUBLIC")
    assert lines[2:] == ["unchanged: already published as it would be now", "  Nothing to do."]
    assert typed("lookup", *STAGED, "--session", clean).out == said.out


def test_with_json_it_is_one_valid_line(site: Site, typed: Typed) -> None:
    (line,) = typed("lookup", *STAGED, "--session", LABEL, "--json").of("lookup")
    assert (line["session"], line["outcome"], line["destination"]) == ("STAGE_E00001", "planned", "xnat:CLEAN@PUBLIC")
    assert line["clean_session"] != ""


def test_who_may_not_look_is_told_so(site: Site, typed: Typed, tmp_path: Path) -> None:
    typed("lookup", *STAGED, "--session", LABEL, user=MEMBER).refuses("has to be its owner", "ask an owner")
    typed("lookup", *STAGED, "--session", "NOPE-NOPE").refuses("no image session of that ID", "exact label")
    typed("lookup", "--from", f"dir:{tmp_path}", "--session", "x").refuses("XNAT projects only", "report.json")
    said = typed("lookup", *STAGED, "--session", "NOPE-NOPE", "--json")
    assert (said.status, [line["type"] for line in said.lines]) == (3, ["error"])
