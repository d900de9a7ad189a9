"""`launch` as the container runs it: everything from the environment, refused where it would widen what is allowed."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset

from tests.cli.conftest import Said, Typed
from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    OWNER,
    PASSWORD,
    STAGING,
    InProcess,
    Site,
    banner_template,
    clean_template,
    ultrasound,
)
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, connect
from xnat_pixelanon.archive.project_files import DOCUMENTS, REPORTS, ProjectFiles
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT
from xnat_pixelanon.sandbox.faults import Fault, Status
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

Launched = Callable[..., Said]
SESSION = "STAGE_E00001"
"""The one of the site."""
OTHER_ROWS = [{"top": 0, "left": 0, "bottom": 30, "right": 96}]


@pytest.fixture
def launched(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Launched:
    """Launches an action on the staging project, with the workers in this process."""
    monkeypatch.setattr("xnat_pixelanon.cli.launch.Workers", InProcess)

    def launch(action: str, *, user: str = OWNER, **inputs: str) -> Said:
        fixed = {"PIXELANON_ACTION": action, "PIXELANON_PROJECT": STAGING, "PIXELANON_SERVER": "PUBLIC"}
        return typed("launch", user=user, **(fixed | {f"PIXELANON_{name}": value for name, value in inputs.items()}))

    return launch


@pytest.fixture
def bare(site: Site) -> Site:
    """A staging project in which nothing is stored yet."""
    site.staging.add_project("BARE", owner=OWNER)
    site.staging.set_role("BARE", MEMBER, "member")
    return site


def files(site: Site, resource: str = REPORTS, project: str = STAGING) -> dict[str, bytes]:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        names = ProjectFiles(connection, project, resource).names()
    base = f"{site.staging.url}/data/projects/{project}/resources/{resource}/files"
    return {name: requests.get(f"{base}/{name}", auth=(OWNER, PASSWORD), timeout=20).content for name in names}


def put(site: Site, name: str, document: Mapping[str, Any] | bytes, project: str = STAGING) -> None:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    site.staging.add_resource_file(project, None, DOCUMENTS, name, content)


def stored(site: Site, name: str, project: str = STAGING) -> Any:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        found = XnatDocumentStore(connection, project).load(name)
    return None if found is None else json.loads(found.text) if name.endswith(".json") else found.text


def held_still(number: int) -> Dataset:
    """An ultrasound still of a size that no template names, of a study of its own."""
    return ultrasound(Person.numbered(number), rows=48, study=number)


def worklist(site: Site) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files(site)["worklist.csv"].decode())))


def test_a_run_of_the_project_publishes_and_leaves_report_and_worklist(launched: Launched, site: Site) -> None:
    said = launched("run")
    assert (said.status, len(site.visible())) == (0, 1)
    kept = files(site)
    assert {"worklist.html", "worklist.csv"} <= set(kept)
    assert [name for name in kept if name.endswith("/report.json")]
    assert worklist(site) == []
    assert b"Nothing waits" in kept["worklist.html"]
    assert "0 waiting" in said.out


def test_a_run_of_one_session_publishes_that_one_alone(launched: Launched, site: Site) -> None:
    other = site.seed("S2", [ultrasound(Person.numbered(2), study=2)], person=Person.numbered(2))
    assert launched("run", SESSION=other, POLL="0.1").status == 0
    assert len(site.visible()) == 1
    assert "worklist.html" not in files(site)
    assert launched("run", SESSION=other, POLL="0.1").status == 0
    assert len(site.visible()) == 1


def test_held_scans_end_with_status_0_and_stand_in_the_worklist_oldest_first(launched: Launched, site: Site) -> None:
    held = [site.seed(f"H{number}", [held_still(number)], person=Person.numbered(number)) for number in (2, 3)]
    said = launched("run", SESSION=held[1], POLL="0.1")
    assert (said.status, site.visible()) == (0, {})
    assert launched("run").status == 0
    rows = worklist(site)
    assert [row["session_id"] for row in rows] == held
    assert {row["outcome"] for row in rows} == {"waiting"}
    assert "no template matches" in rows[0]["why"]
    assert "Look at the group" in rows[0]["what_to_do"]
    assert b"H2" in files(site)["worklist.html"]


def test_a_dry_run_is_reported_in_staging_and_sends_nothing(launched: Launched, site: Site) -> None:
    site.policy(enabled=False)
    site.clean.clear_requests()
    assert launched("dry-run").status == 0
    assert site.visible() == {}
    [report] = [json.loads(content) for name, content in files(site).items() if name.endswith("/report.json")]
    assert report["dry_run"] is True
    assert site.reads_only()


def test_a_launch_that_names_another_destination_is_refused(launched: Launched, site: Site) -> None:
    site.clean.add_project("ELSEWHERE", owner=OWNER)
    launched("run", CLEAN_PROJECT="ELSEWHERE").refuses("names another destination", "cannot choose")
    assert site.visible() == {}
    assert launched("run", CLEAN_PROJECT=CLEAN).status == 0


def test_an_entry_for_the_other_server_is_refused(launched: Launched, site: Site) -> None:
    launched("run", SERVER="same").refuses("for the server same", '"(second XNAT)"')
    assert site.visible() == {}


def test_a_launch_of_somebody_who_is_no_owner_is_refused(launched: Launched, site: Site) -> None:
    for action in ("run", "set-up", "store-documents", "arm", "disarm", "withdraw"):
        launched(action, user=MEMBER, CLEAN_PROJECT=CLEAN, SESSION=SESSION).refuses(
            "this account is member", "ask an owner"
        )
    assert site.visible() == {}


def test_nothing_is_published_before_the_policy_is_armed(launched: Launched, site: Site) -> None:
    site.policy(enabled=False)
    launched("run").refuses("not armed")
    assert "armed: version" in launched("arm").out
    assert "armed already" in launched("arm").out
    site.policy(on_change="replace")
    said = launched("arm").out
    assert f"project {CLEAN} on the server PUBLIC" in said
    assert "put in its place; with nothing left to send it is taken back (on_change: replace)" in said
    assert launched("run").status == 0
    assert len(site.visible()) == 1
    assert "disarmed: version" in launched("disarm").out
    launched("run").refuses("not armed")


def test_a_destination_that_is_the_source_is_refused(launched: Launched, site: Site) -> None:
    site.policy(destination={"server": "same", "project": STAGING})
    launched("run", SERVER="same").refuses("same project")


def test_a_session_is_withdrawn_from_its_menu_and_never_comes_again(launched: Launched, site: Site) -> None:
    launched("run")
    (label,) = site.visible()
    said = launched("withdraw", SESSION=SESSION)
    assert (said.status, site.visible(), site.copies()) == (0, {}, [])
    assert f"session {SESSION}: its override in templates.json is stored as version 2" in said.out
    assert label not in said.out + said.err
    assert [one["reason"] for one in stored(site, "templates.json")["overrides"]] == ["withdrawn from the menu"]
    assert launched("run").status == 0
    assert "stands there already" in launched("withdraw", SESSION=SESSION).out
    assert (site.visible(), worklist(site)) == ({}, [])


def test_a_withdrawal_can_only_narrow_too(launched: Launched, site: Site) -> None:
    launched("run")
    launched("withdraw").refuses("PIXELANON_SESSION is not the experiment ID of the session to withdraw")
    launched("withdraw", SESSION=SESSION, SERVER="same").refuses("for the server same")
    launched("withdraw", SESSION=SESSION, CLEAN_PROJECT="ELSEWHERE").refuses("names another destination")
    launched("withdraw", SESSION="STAGE_E99999").refuses("no image session for wanted session number 1")
    assert len(site.visible()) == 1
    assert "overrides" not in stored(site, "templates.json")


def test_the_worklist_says_what_of_the_clean_side_is_not_as_decided_and_what_to_do(
    launched: Launched, site: Site
) -> None:
    """Stale; then no longer allowed, which goes first and says so before what a held scan asks for."""
    launched("run")
    site.seed("H2", [held_still(2)], person=Person.numbered(2))
    site.templates(banner_template(rectangles=OTHER_ROWS), clean_template())
    assert launched("run").status == 0
    stale, held = worklist(site)
    assert (stale["session_id"], stale["outcome"], held["outcome"]) == (SESSION, "stale", "waiting")
    assert stale["why"] == "what was sent would be decided or made differently now"
    assert stale["what_to_do"].startswith("Run with --replace, or set the policy's on_change to replace")
    third = site.seed("S3", [ultrasound(Person.numbered(3), study=3)], person=Person.numbered(3))
    assert launched("run").status == 0
    site.templates(banner_template(match={"modality": "US", "rows": 63, "columns": 96}), clean_template())
    assert launched("run").status == 0
    rows = worklist(site)
    assert [row["session_id"] for row in rows][:2] == [SESSION, third]
    assert {row["outcome"] for row in rows[:2]} == {"no-longer-allowed"}
    assert rows[0]["why"].startswith("something that was sent is now excluded, held or unsupported; ")
    assert rows[0]["what_to_do"].startswith("Look at it first: correct the templates, withdraw the session, ")
    assert "Look at the group" in rows[0]["what_to_do"]
    assert rows[2]["outcome"] == "waiting"


def test_the_worklist_says_what_is_withdrawn_and_may_still_stand_there(launched: Launched, site: Site) -> None:
    launched("run")
    site.clean.faults.add(Fault("/experiments", Status(500), method="DELETE", nth=None))
    assert "withdrawn in templates.json already" in launched("withdraw", SESSION=SESSION).err
    assert launched("run").status == 1
    site.clean.faults.clear()
    (row,) = worklist(site)
    assert (row["session_id"], row["outcome"]) == (SESSION, "failed")
    assert "what stands of it in the clean project is to be taken back: an owner withdrew it" in row["why"]
    assert "run again" in row["what_to_do"]
    assert launched("run").status == 0
    assert (site.visible(), worklist(site)) == ({}, [])


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"ACTION": "erase"}, "PIXELANON_ACTION is not one of set-up, dry-run"),
        ({"ACTION": ""}, "PIXELANON_ACTION"),
        ({"PROJECT": "#project-id#"}, "PIXELANON_PROJECT is not a project ID"),
        ({"PROJECT": "../CLEAN"}, "PIXELANON_PROJECT is not a project ID"),
        ({"SESSION": "a/b"}, "PIXELANON_SESSION is not an experiment ID"),
        ({"SERVER": "OTHER"}, "PIXELANON_SERVER is not same or PUBLIC"),
        ({"CLEAN_PROJECT": "a b"}, "PIXELANON_CLEAN_PROJECT is not a project ID"),
        ({"POLL": "soon"}, "PIXELANON_POLL is not seconds"),
    ],
)
def test_an_environment_that_cannot_be_is_refused_by_the_name_of_the_variable(
    launched: Launched, inputs: dict[str, str], words: str
) -> None:
    launched("run", **inputs).refuses(words)


def test_a_scratch_mount_that_cannot_be_written_is_said_and_done_without(
    launched: Launched, site: Site, tmp_path: Any, typed: Typed
) -> None:
    said = typed(
        "launch", PIXELANON_ACTION="run", PIXELANON_PROJECT=STAGING, PIXELANON_SERVER="PUBLIC", TMPDIR=f"{tmp_path}/no"
    )
    assert said.status == 0
    assert "cannot be written" in said.err
    assert len(site.visible()) == 1


@pytest.mark.parametrize("accessibility", ["public", "protected"])
def test_a_project_that_others_can_read_is_disarmed_all_the_same(
    launched: Launched, site: Site, accessibility: str
) -> None:
    site.staging.set_accessibility(STAGING, accessibility)
    launched("disarm", user=MEMBER).refuses("this account is member")
    assert "policy disarmed: version 2" in launched("disarm").out
    launched("arm").refuses(accessibility)
    assert stored(site, "policy.json")["enabled"] is False


def test_a_defect_is_told_by_type_and_place_and_never_by_what_it_says(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_environment: object) -> None:
        raise KeyError("Invented^Name")

    monkeypatch.setattr("xnat_pixelanon.cli.launch.launch_of", broken)
    said = launched("run")
    said.refuses("KeyError at broken:", status=1)
    assert "Invented" not in said.out + said.err
    assert "Traceback" not in said.err


class TestSetUp:
    def test_it_stores_a_disarmed_policy_and_a_key(self, launched: Launched, bare: Site) -> None:
        said = launched("set-up", PROJECT="BARE", CLEAN_PROJECT=CLEAN, LABEL_PREFIX="PX-", AVAILABLE_SCANS="true")
        assert said.status == 0
        policy = stored(bare, "policy.json", "BARE")
        assert policy == {
            "schema_version": 1,
            "enabled": False,
            "destination": {"server": "PUBLIC", "project": CLEAN},
            "publish": "available-scans",
            "on_change": "report",
            "labels": {"prefix": "PX-"},
        }
        assert "decided differently now: it is reported and stays as it is (on_change: report)" in said.out
        assert f"sessions will go to the project {CLEAN} on the server PUBLIC" in said.out
        assert stored(bare, KEY_DOCUMENT, "BARE")
        assert set(files(bare, project="BARE")) == {"documents/policy.json", "documents/templates.json"}

    def test_a_second_time_it_changes_nothing(self, launched: Launched, bare: Site) -> None:
        launched("set-up", PROJECT="BARE", CLEAN_PROJECT=CLEAN)
        key = stored(bare, KEY_DOCUMENT, "BARE")
        said = launched("set-up", PROJECT="BARE", CLEAN_PROJECT=CLEAN)
        assert "nothing was changed" in said.out
        assert stored(bare, KEY_DOCUMENT, "BARE") == key
        launched("set-up", PROJECT="BARE", CLEAN_PROJECT="ELSEWHERE").refuses("another destination is stored already")

    def test_without_a_clean_project_it_says_what_is_missing(self, launched: Launched, bare: Site) -> None:
        launched("set-up", PROJECT="BARE").refuses("the clean project is not given")
        assert stored(bare, "policy.json", "BARE") is None

    def test_a_label_prefix_that_cannot_be_is_refused(self, launched: Launched, bare: Site) -> None:
        launched("set-up", PROJECT="BARE", CLEAN_PROJECT=CLEAN, LABEL_PREFIX="a b").refuses("at most 16")
        assert stored(bare, "policy.json", "BARE") is None

    def test_a_project_that_others_can_read_is_refused(self, launched: Launched, bare: Site) -> None:
        bare.staging.set_accessibility("BARE", "public")
        launched("set-up", PROJECT="BARE", CLEAN_PROJECT=CLEAN).refuses("public")


class TestSurvey:
    def test_the_page_and_what_it_shows_lie_in_the_project(self, launched: Launched, site: Site) -> None:
        said = launched("survey")
        assert said.status == 0
        assert "US 64x96" in said.out
        assert "survey: project STAGING, resource PIXELANON" in said.out
        found = files(site)
        survey = json.loads(found["survey.json"])
        assert schema_problems("survey", survey) == []
        assert [one["undecided"] for one in survey["groups"]] == [0, 0]
        assert b"Content-Security-Policy" in found["review.html"]

    def test_nothing_reaches_the_clean_project(self, launched: Launched, site: Site) -> None:
        site.clean.clear_requests()
        launched("survey")
        assert site.reads_only()
        assert site.copies() == []


class TestStoreDocuments:
    def test_a_copy_that_was_changed_is_stored(self, launched: Launched, site: Site) -> None:
        put(site, "templates.json", {"schema_version": 1, "based_on": 1, "templates": [clean_template()]})
        said = launched("store-documents")
        assert "templates.json stored as version 2" in said.out
        assert [one["id"] for one in stored(site, "templates.json")["templates"]] == ["ct-axial"]
        copy = json.loads(files(site)["documents/templates.json"])
        assert copy["based_on"] == 2
        assert "stored as it is already" in launched("store-documents").out

    def test_a_script_is_stored_checked_and_not_over_a_newer_one(self, launched: Launched, site: Site) -> None:
        put(site, "script.das", b'(0008,103E) := "axial view"\n')
        assert "script.das stored as version 1" in launched("store-documents").out
        assert "script.das is stored as it is already" in launched("store-documents").out
        copy = files(site)["documents/script.das"]
        assert copy == b'// based on version 1\n(0008,103E) := "axial view"\n'
        put(site, "script.das", b"(0008,103E) := nobody\n")
        assert "script.das line 1, column 16" in launched("store-documents").err
        put(site, "script.das", b"- (0018,0050)\n")
        launched("store-documents").refuses("script.das was made from another version")
        put(site, "script.das", copy + b"- (0018,0050)\n")
        assert "script.das stored as version 2" in launched("store-documents").out
        assert stored(site, "script") == '(0008,103E) := "axial view"\n- (0018,0050)\n'

    def test_one_made_from_an_older_version_is_refused(self, launched: Launched, site: Site) -> None:
        site.templates(banner_template())
        put(site, "templates.json", {"schema_version": 1, "based_on": 1, "templates": []})
        launched("store-documents").refuses("made from another version", "newest is version 2")
        assert len(stored(site, "templates.json")["templates"]) == 1

    def test_every_error_of_both_files_is_told_and_nothing_is_stored(self, launched: Launched, site: Site) -> None:
        put(site, "templates.json", {"schema_version": 1, "based_on": 1, "templates": [{"id": "a"}]})
        put(site, "policy.json", {"schema_version": 1, "surprise": 1})
        said = launched("store-documents")
        assert said.status == 3
        assert "templates.json $.templates[0]" in said.err
        assert "policy.json $: unknown key surprise" in said.err
        assert len(stored(site, "templates.json")["templates"]) == 2

    def test_nothing_there_is_said(self, launched: Launched) -> None:
        launched("store-documents").refuses("holds none of policy.json, script.das, templates.json")

    @pytest.mark.parametrize(
        "change",
        [
            {"enabled": True},
            {"enabled": True, "destination": {"server": "PUBLIC", "project": "ELSEWHERE"}},
        ],
    )
    def test_a_policy_from_a_file_does_not_arm(self, launched: Launched, site: Site, change: dict[str, Any]) -> None:
        armed_before = len(change) > 1
        site.policy(enabled=armed_before)
        now = stored(site, "policy.json")
        put(site, "policy.json", now | {"based_on": 2 if not armed_before else 1} | change)
        launched("store-documents").refuses("a policy from a file does not arm")
        assert stored(site, "policy.json") == now

    @pytest.mark.parametrize(
        "change",
        [
            {"launchers": "members"},
            {"publish": "available-scans"},
            {"mixed": "per-instance"},
            {"settle_minutes": 0},
            {"on_change": "withdraw"},
        ],
    )
    def test_a_changed_policy_disarms_and_says_so(self, launched: Launched, site: Site, change: dict[str, Any]) -> None:
        now = stored(site, "policy.json")
        assert now["enabled"] is True
        put(site, "policy.json", now | {"based_on": 1} | change)
        said = launched("store-documents")
        assert "policy.json stored as version 2, DISARMED" in said.out
        assert "look at a dry run, then 'arm publishing'" in said.out
        assert stored(site, "policy.json") == now | {"based_on": 1, "enabled": False} | change
        launched("run").refuses("not armed")

    def test_a_policy_that_is_the_same_stays_armed(self, launched: Launched, site: Site) -> None:
        now = stored(site, "policy.json")
        put(site, "policy.json", now | {"based_on": 1})
        assert "policy.json is stored as it is already" in launched("store-documents").out
        assert stored(site, "policy.json") == now

    def test_what_changes_in_templates_is_said_and_nothing_is_disarmed(self, launched: Launched, site: Site) -> None:
        old = stored(site, "templates.json")["templates"]
        everything = clean_template(id="everything")
        put(
            site,
            "templates.json",
            {
                "schema_version": 1,
                "based_on": 1,
                "templates": [old[0] | {"title": "another"}, everything],
                "exclusions": [{"match": {"modality": "SR"}, "reason": "text"}],
            },
        )
        said = launched("store-documents").out
        assert f"templates: 1 added (everything), 1 removed ({old[1]['id']}), 1 changed ({old[0]['id']})" in said
        clean = 1 + (not old[0]["rectangles"])
        assert f'{clean} of the new or changed say "looked at, clean": no rectangles' in said
        assert "exclusions: 1 added, 0 removed" in said
        assert "look at a dry run before the next run publishes" in said
        assert stored(site, "policy.json")["enabled"] is True

    def test_sessions_that_it_withdraws_are_told_by_count(self, launched: Launched, site: Site) -> None:
        now = stored(site, "templates.json")
        whole = {"session": {"id": SESSION}, "action": "exclude"}
        one = whole | {"series_instance_uid": "1.2.3"}
        put(site, "templates.json", now | {"based_on": 1, "overrides": [whole, one]})
        said = launched("store-documents").out
        assert "overrides: 2 added, 0 removed; 1 session(s) withdrawn as a whole: the next run deletes" in said
        put(site, "templates.json", now | {"based_on": 2, "overrides": [one]})
        assert "withdrawn as a whole" not in launched("store-documents").out

    def test_a_list_of_changed_ids_is_cut(self, launched: Launched, site: Site) -> None:
        many = [clean_template(id=f"{number:02}" + "x" * 60) for number in range(12)]
        put(site, "templates.json", {"schema_version": 1, "based_on": 1, "templates": many})
        said = launched("store-documents").out
        assert "09" + "x" * 38 + " and 2 more" in said
        assert "x" * 39 not in said
        assert "10x" not in said


def test_a_session_of_which_more_is_in_the_prearchive_waits(launched: Launched, site: Site) -> None:
    site.policy(settle_minutes=0)
    person = Person.numbered(2)
    session = site.seed("S2", [ultrasound(person, study=2)], person=person)
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        late = ultrasound(person, study=2, instance=9)
        folder = site.root / "late"
        file = save(late, folder / "late.dcm")
        archive = folder / "late.zip"
        with zipfile.ZipFile(archive, "w") as out:
            out.write(file, "late.dcm")
        connection.upload(
            f"/data/services/import?import-handler=DICOM-zip&project={STAGING}&dest=/prearchive/projects/{STAGING}"
            "&session=S2&rename=true&prevent_auto_commit=true",
            archive,
            "sending",
            content_type="application/zip",
        )
    said = launched("run", SESSION=session, POLL="0.1")
    assert said.status == 0
    assert site.visible() == {}
    assert "more of it is in the prearchive" in said.err
