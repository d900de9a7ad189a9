"""A survey of a project with a DicomEdit script: what it says is what a plan says, also from the cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PERSON, STAGED, Survey, Surveyed, Typed, reads, scan
from tests.pipeline.conftest import OWNER, PASSWORD, STAGING, InProcess, Site, banner_template, clean_template, slices
from tests.pipeline.test_scripts import SCRIPTED, store_script
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, connect
from xnat_pixelanon.headers import Identity
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, key_from_text, new_key
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

BLACKEN_CT = '(0008,0060) = "CT" ? alterPixels["rectangle", "l=2, t=3, r=8, b=9", "solid", "v=0"]'
REJECT_US = '(0008,0060) = "US" ? reject[]'
BOTH = f"{REJECT_US}\n{BLACKEN_CT}"
OTHER = Person.numbered(2)


@pytest.fixture
def scripted(site: Site) -> Site:
    site.policy(**SCRIPTED)
    return site


Decided = dict[tuple[str, str], tuple[Any, ...]]


def of_survey(found: Survey) -> Decided:
    return {
        (one["session"]["id"], one["scan"]): (
            one["decision"],
            one["code"],
            tuple(one["templates"]),
            one["boxes"],
        )
        for one in found["scans"]
    }


def of_plan(site: Site) -> Decided:
    """A plan has no boxes of what it does not send."""
    return {
        (session.id, one.id): (one.decision, one.code, one.templates, [dict(box) for box in one.asked])
        for session in site.run(dry_run=True).report.sessions
        for one in session.scans
    }


def test_a_survey_decides_what_the_script_rejects_and_blackens_as_a_plan(surveyed: Surveyed, scripted: Site) -> None:
    store_script(scripted, BOTH)
    scripted.seed("OTHER", slices(OTHER, 2), person=OTHER)
    found = surveyed()
    assert of_survey(found) == of_plan(scripted)
    us, ct = scan(found, "US"), scan(found, "CT")
    assert (us["decision"], us["code"], us["boxes"]) == ("exclude", "script-reject", [])
    box = {"top": 3, "left": 2, "bottom": 9, "right": 8}
    assert (ct["decision"], ct["code"], ct["boxes"]) == ("redact", "script-redact", [box])
    assert us["script"] == [{"rejected": "line 1, column 22", "failed": "", "boxes": [], "refused": ""}]
    assert ct["script"] == [{"rejected": "", "failed": "", "boxes": [box], "refused": ""}]


@pytest.mark.parametrize("mixed", ["unsupported", "per-instance"])
@pytest.mark.parametrize("what", ["reject[]", 'alterPixels["rectangle", "l=0, t=0, r=9, b=9", "solid", "v=0"]'])
def test_a_script_that_means_one_image_of_a_scan_is_surveyed_as_planned(
    surveyed: Surveyed, scripted: Site, mixed: str, what: str
) -> None:
    odd = slices(OTHER, 3)
    scripted.seed("OTHER", odd, person=OTHER)
    scripted.policy(**SCRIPTED, mixed=mixed)
    store_script(scripted, f'(0008,0018) = "{odd[1].SOPInstanceUID}" ? {what}')
    found = surveyed("--session", "OTHER")
    expected = of_plan(scripted)
    assert of_survey(found) == {key: expected[key] for key in of_survey(found)}
    (one,) = found["scans"]
    assert len(one["script"]) == 2
    assert (one["code"] == "mixed-decision") is (mixed == "unsupported")


def test_a_script_that_fails_holds_in_the_survey_too(surveyed: Surveyed, scripted: Site) -> None:
    store_script(scripted, '(0008,0060) = "US" ? (0020,000D) := "1.2.3"')
    found = surveyed()
    assert of_survey(found) == of_plan(scripted)
    assert scan(found, "US")["code"] == "header-refused"
    assert "line 1, column 22" in scan(found, "US")["script"][0]["failed"]


def test_answers_are_kept_and_not_asked_for_again(surveyed: Surveyed, scripted: Site, tmp_path: Path) -> None:
    store_script(scripted, BOTH)
    first = surveyed()
    scripted.staging.clear_requests()
    assert {**surveyed(), "made_at": ""} == {**first, "made_at": ""}
    assert reads(scripted) == 0
    kept = "".join(path.read_text("utf-8") for path in (tmp_path / "cache").iterdir())
    assert "reject" in kept
    assert "alterPixels" not in kept


def test_answers_do_not_outlive_their_script(surveyed: Surveyed, scripted: Site) -> None:
    store_script(scripted, BOTH)
    surveyed()
    store_script(scripted, BLACKEN_CT)
    found = surveyed()
    assert of_survey(found) == of_plan(scripted)
    assert scan(found, "US")["code"] == "template"
    scripted.policy()
    found = surveyed()
    assert of_survey(found) == of_plan(scripted)
    assert (scan(found, "CT")["code"], scan(found, "CT")["script"]) == ("looked-at-clean", [])
    scripted.policy(**SCRIPTED)
    store_script(scripted, BOTH)
    assert of_survey(surveyed()) == of_plan(scripted)


def test_answers_do_not_outlive_their_key(surveyed: Surveyed, scripted: Site) -> None:
    """What a script says may depend on the pseudonym, which the key makes."""
    with connect(Credentials(scripted.staging.url, OWNER, PASSWORD)) as connection:
        store = XnatDocumentStore(connection, STAGING)
        old = store.load(KEY_DOCUMENT)
        assert old is not None
        pseudonym = Identity.from_keys(key_from_text(old.text, "key")).subject_label(PERSON.id)
        store_script(scripted, f'(0010,0010) := subject\n(0010,0010) = "{pseudonym}" ? reject[]')
        assert {one["code"] for one in surveyed()["scans"]} == {"script-reject"}
        store.push(KEY_DOCUMENT, new_key(), old.version)
    assert {one["code"] for one in surveyed()["scans"]} == {"template", "looked-at-clean"}


def test_answers_that_may_come_from_a_server_are_not_kept(surveyed: Surveyed, scripted: Site) -> None:
    scripted.policy(headers={"script": "script", "url_hosts": ["names.example"]})
    store_script(scripted, BOTH)
    first = surveyed()
    scripted.staging.clear_requests()
    assert surveyed()["scans"] == first["scans"]
    assert reads(scripted) == 4


def test_a_session_that_a_run_gives_no_labels_is_decided_without_its_script_and_that_is_said(
    surveyed: Surveyed, scripted: Site
) -> None:
    scripted.policy(**SCRIPTED, labels={"session": "keep", "session_pattern": "ABC###"})
    store_script(scripted, BOTH)
    found = surveyed()
    assert of_survey(found) == of_plan(scripted)
    (note,) = found["notes"]
    assert "the script is not asked" in note
    assert PERSON.id not in note


def test_a_folder_is_surveyed_with_the_script_of_its_policy(surveyed: Surveyed, tmp_path: Path) -> None:
    for number, ds in enumerate(slices(OTHER, 2)):
        save(ds, tmp_path / "in" / f"{number}.dcm")
    given = {
        "policy": json.dumps({"schema_version": 1, "destination": {"server": "same", "project": "C"}, **SCRIPTED}),
        "templates": json.dumps({"schema_version": 1, "templates": [banner_template(), clean_template()]}),
        "script": BOTH,
    }
    words = ["--key", str(tmp_path / "key")]
    for name, text in given.items():
        (tmp_path / name).write_text(text)
        words += [f"--{name}", str(tmp_path / name)]
    (one,) = surveyed(*words, source=("--from", f"dir:{tmp_path / 'in'}"))["scans"]
    assert one["code"] == "script-redact"


def test_nothing_of_the_script_is_printed(
    typed: Typed, scripted: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    store_script(scripted, BOTH)
    said = typed("survey", *STAGED, "--report", str(tmp_path / "out"), "--no-cache")
    assert said.status == 0
    assert "reject[" not in said.out + said.err


def test_a_session_whose_files_cannot_be_fetched_for_another_script_is_a_note(
    surveyed: Surveyed, scripted: Site
) -> None:
    """XNAT still counts a file that was lost on its disk."""
    scripted.seed("OTHER", slices(OTHER, 2), person=OTHER)
    store_script(scripted, BLACKEN_CT)
    surveyed()
    store_script(scripted, BOTH)
    lost = next(path for path in scripted.staging.root.rglob("*.dcm") if "OTHER" in str(path))
    lost.unlink()
    found = surveyed()
    assert {one["session"]["label"] for one in found["scans"]} == {f"{PERSON.id}_VISIT"}
    (note,) = found["notes"]
    assert "cannot be read" in note
    assert found["scans"] != []
