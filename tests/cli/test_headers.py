"""`headers`: what would happen to each element, and why; values only where they are asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.cli.conftest import PERSON, Said, Typed
from tests.pipeline.conftest import Site, slices
from xnat_pixelanon.pipeline.rules import new_key

POLICY: dict[str, Any] = {"schema_version": 1, "destination": {"server": "PUBLIC", "project": "CLEAN"}}


@pytest.fixture
def image(site: Site) -> str:
    """A CT slice of the site's session."""
    return str(site.samples[0].files[1])


def written(path: Path, content: object) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return str(path)


def told(said: Said) -> dict[str, tuple[str, str]]:
    """Action and rule by path."""
    return {line["path"]: (line["action"], line["rule"]) for line in said.of("element")}


def test_every_element_of_source_and_copy_is_named_with_its_rule(typed: Typed, image: str) -> None:
    found = told(typed("headers", image, "--json"))
    assert found["(0008,0020)"] == ("emptied", "E.1-1 Z")
    assert found["(0010,0010)"] == ("emptied, set", "E.1-1 Z, label")
    assert found["(0020,000D)"] == ("mapped", "E.1-1 U")
    assert found["(0012,0062)"] == ("set", "provenance")
    assert found["(0028,0010)"] == ("kept", "")
    assert found["(0008,0070)"] == ("kept", "project K")
    source = pydicom.dcmread(image, stop_before_pixels=True)
    paths = {f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in map(int, source.keys()) if tag >> 16 != 0x7FE0}
    assert paths <= set(found)
    assert list(found) == sorted(found)


def test_no_value_is_printed_unless_it_is_asked_for(typed: Typed, image: str) -> None:
    for words in ((), ("--json",)):
        said = typed("headers", image, *words)
        assert said.status == 0  # `typed` has looked for every word of the session
        assert str(PERSON.name) not in said.out


def test_values_are_printed_where_they_are_asked_for(
    site: Site, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.command("headers", image, "--json", "--show-values") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (name,) = [line for line in lines if line["path"] == "(0010,0010)"]
    assert name["before"] == str(pydicom.dcmread(image).PatientName)
    assert len(name["after"]) == 16
    assert site.command("headers", image, "--show-values") == 0
    assert "CT" in capsys.readouterr().out


def test_policy_script_and_key_say_why(typed: Typed, image: str, tmp_path: Path) -> None:
    headers = {"script": "script", "options": ["retain-dates-full"]}
    headers["exceptions"] = [{"tag": "(0018,0050)", "action": "remove"}]
    policy = written(tmp_path / "policy.json", POLICY | {"headers": headers})
    script = written(tmp_path / "s.das", '(0008,103E) := "axial view"\n- (0008,0021)\n')
    key = written(tmp_path / "key", new_key())
    found = told(typed("headers", image, "--policy", policy, "--script", script, "--key", key, "--json"))
    assert found["(0008,103E)"] == ("set", "script 1:1")
    assert found["(0008,0021)"] == ("removed", "script 2:1")
    assert found["(0008,0020)"] == ("kept", "retain-dates-full K")
    assert found["(0018,0050)"] == ("removed", "exception remove")


def test_a_script_without_a_policy_is_run(typed: Typed, image: str, tmp_path: Path) -> None:
    script = written(tmp_path / "s.das", '(0008,103E) := "axial view"\n')
    assert "script 1:1" in typed("headers", image, "--script", script).out
    policy = written(tmp_path / "policy.json", POLICY)
    typed("headers", image, "--script", script, "--policy", policy).refuses("names none")


def test_what_is_refused_is_said_and_the_others_go_on(typed: Typed, image: str, tmp_path: Path) -> None:
    ds = slices(PERSON, 1)[0]
    del ds.StudyInstanceUID
    ds.save_as(tmp_path / "none.dcm", enforce_file_format=True)
    (tmp_path / "text.dcm").write_text("no image")
    said = typed("headers", str(tmp_path / "none.dcm"), str(tmp_path / "text.dcm"), image, "--json")
    assert said.status == 1
    assert [line["code"] for line in said.of("refused")] == ["header-refused", "damaged"]
    assert "(0020,000D)" in said.of("refused")[0]["detail"]
    assert said.of("element")
    assert "header-refused: (0020,000D)" in typed("headers", str(tmp_path / "none.dcm")).out


def test_items_are_told_in_order_and_not_within_what_goes(typed: Typed, tmp_path: Path) -> None:
    ds = slices(PERSON, 1)[0]
    ds.RequestAttributesSequence = [Dataset()]
    ds.RequestAttributesSequence[0].ScheduledProcedureStepDescription = "x"
    ds.ReferencedImageSequence = [Dataset() for _ in range(11)]
    for item in ds.ReferencedImageSequence:
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    found = told(typed("headers", str(tmp_path / "one.dcm"), "--json"))
    assert found["(0040,0275)"][0] == "removed"
    assert not [path for path in found if path.startswith("(0040,0275)[")]
    items = [path for path in found if path.endswith("(0008,1155)")]
    assert items == [f"(0008,1140)[{index}].(0008,1155)" for index in range(11)]


def test_hostile_text_is_escaped(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ds = slices(PERSON, 1)[0]
    ds.SeriesDescription = "[red]\x1b[2J\n" + "x" * 50
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    assert site.command("headers", str(tmp_path / "one.dcm"), "--show-values") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[red]" in out
