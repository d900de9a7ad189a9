"""What a launch resolves to, what its process gets, and who may launch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Study
from container_kit import (
    Launchpad,
    MakeStage,
    MakeStudy,
    a_command,
    launchpad,
    project_wrapper,
    seed,
    seen,
    session_wrapper,
)
from test_container_commands import secret

UNRESOLVED = "Failed (Command resolution)"


@pytest.fixture
def pad(stage: MakeStage) -> Launchpad:
    return launchpad(stage())


def seed_files(study: Study) -> list[Path]:
    study.series(1, count=1)
    return study.files


def failed(pad: Launchpad, wrapper: int, root: str, value: str, **values: str) -> str:
    """The reason in the workflow of a launch that was taken and then could not be resolved."""
    before = len(pad.sandbox.containers())
    workflow = pad.launch(wrapper, root, value, **values)
    assert len(pad.sandbox.wait_for_containers()) == before
    assert pad.sandbox.workflow_status(workflow) == UNRESOLVED
    return pad.sandbox.workflow_details(workflow)


def test_the_process_gets_the_split_line_and_nothing_but_the_resolved_environment(
    pad: Launchpad, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED_FROM_THE_SERVER", "x")
    session = seed(pad.sandbox, study)
    workflow = pad.launch(pad.register()["per-session"], "session", f"/archive/experiments/{session}", note="a note")
    container = pad.only()
    found = seen(container)
    folder = str(pad.sandbox.session_folder(session))
    assert found["argv"] == ["go", "--fast"]
    environment = found["env"]
    for name in ("PATH", "PYTHONPATH", "HOME"):
        assert environment.pop(name)
    environment.pop("LC_CTYPE", None)
    token = environment.pop("XNAT_USER"), environment.pop("XNAT_PASS")
    work = environment.pop("TMPDIR")
    assert Path(work).is_dir()
    assert environment == {
        "SESSION": session, "PROJECT": "P", "NOTE": "a note", "PAUSE": "", "EXIT": "", "MOUNT": folder,
        "BELOW": f"{folder}/SCANS", "OTHER": "/inputs", "XNAT_HOST": pad.sandbox.url, "XNAT_WORKFLOW_ID": workflow,
        "XNAT_EVENT_ID": workflow,
    }  # fmt: skip
    assert container.status == "Complete"
    assert container.stderr == "to stderr\n"
    assert pad.sandbox.workflow_status(workflow) == "Complete"
    assert requests.get(f"{pad.sandbox.url}/data/auth", auth=token, timeout=10).status_code == 401


def test_the_token_is_the_launching_user_s_and_lives_as_long_as_the_container(stage: MakeStage, study: Study) -> None:
    pad = launchpad(stage(), "import os, urllib.request as u, base64 as b\n"
                    "k = b.b64encode(f\"{os.environ['XNAT_USER']}:{os.environ['XNAT_PASS']}\".encode()).decode()\n"
                    "q = u.Request(os.environ['XNAT_HOST'] + '/data/auth', headers={'Authorization': 'Basic ' + k})\n"
                    "print(u.urlopen(q).read().decode())")  # fmt: skip
    pad.launch(pad.register()["per-session"], "session", seed(pad.sandbox, study), user="collaborator")
    assert pad.only().stdout == "User 'collaborator' is logged in\n"


def test_anyone_who_may_read_launches_anything_disabled_wrappers_and_fixed_inputs_included(
    pad: Launchpad, study: Study
) -> None:
    fixed = {"name": "fixed", "type": "string", "default-value": "dry", "user-settable": False,
             "provides-value-for-command-input": "note"}  # fmt: skip
    wrapper = session_wrapper()
    wrapper["external-inputs"].append(fixed)
    number = pad.register(a_command(xnat=[wrapper]), enable="")["per-session"]
    session = seed(pad.sandbox, study)
    pad.launch(number, "session", session, user="collaborator", fixed="wet")
    assert seen(pad.only())["env"]["NOTE"] == "wet"
    path = f"/xapi/projects/P/wrappers/{number}/root/session/launch"
    assert pad.call("stranger", "POST", path, json={"session": session}).status_code == 403
    assert pad.call("owner", "POST", path.replace("/P/", "/NONE/"), json={"session": session}).status_code == 404
    assert pad.call("owner", "POST", path, data={"session": session}).status_code == 415
    assert pad.call("owner", "POST", path, json={"session": ["a"]}).status_code == 400
    answer = pad.call("owner", "POST", path.replace(f"/{number}/", "/77/"), json={"session": session})
    assert (answer.status_code, answer.json()["status"]) == (500, "failure")


def test_a_launch_goes_by_name_and_by_form_too(pad: Launchpad, study: Study) -> None:
    number = pad.register()["per-session"]
    session = seed(pad.sandbox, study)
    by_name = "/xapi/projects/P/commands/1/wrappers/per-session/root/session/launch"
    answer = pad.call("owner", "POST", by_name, json={"session": session})
    assert answer.json() == {"status": "success", "workflow-id": answer.json()["workflow-id"], "wrapper-id": 0,
                             "command-id": 1, "params": {"session": session}}  # fmt: skip
    by_form = f"/xapi/projects/P/wrapper/{number}/root/session/launch"
    assert pad.call("owner", "POST", by_form, data={"session": session, "note": "n"}).status_code == 200
    without_root = f"/xapi/projects/P/wrappers/{number}/launch"
    answer = pad.call("owner", "POST", without_root, json={"session": session})
    assert answer.json()["workflow-id"] == "To be assigned"
    containers = pad.sandbox.wait_for_containers()
    assert [c.status for c in containers] == ["Complete"] * 3
    assert all(pad.sandbox.workflow_status(c.workflow) == "Complete" for c in containers)


@pytest.mark.parametrize(
    ("root", "accepted"),
    [
        ("{id}", True),
        ("/archive/experiments/{id}", True),
        ("/experiments/{id}", True),
        ("/archive/projects/P/experiments/SESS", True),
        ("/archive/projects/P/subjects/SUBJ/experiments/SESS", True),
        ("/data/experiments/{id}", False),
        ("SESS", False),
        ("/archive/projects/P", False),
        ("NONE", False),
        ("", False),
    ],
)
def test_a_session_is_named_by_uri_or_id_and_not_by_label(
    pad: Launchpad, study: Study, root: str, accepted: bool
) -> None:
    number = pad.register()["per-session"]
    session = seed(pad.sandbox, study)
    if accepted:
        pad.launch(number, "session", root.format(id=session))
        assert seen(pad.only())["env"]["SESSION"] == session
    else:
        assert failed(pad, number, "session", root.format(id=session))


def test_the_json_of_an_object_is_believed_as_it_stands(pad: Launchpad, tmp_path: Path) -> None:
    forged = {"type": "Session", "id": "FORGED", "project-id": "OTHER", "directory": str(tmp_path)}
    number = pad.register()["per-session"]
    pad.launch(number, "session", json.dumps(forged), user="collaborator")
    found = seen(pad.only())["env"]
    assert (found["SESSION"], found["PROJECT"], found["MOUNT"]) == ("FORGED", "OTHER", str(tmp_path))
    del forged["type"]
    assert failed(pad, number, "session", json.dumps(forged))


def test_a_forged_folder_is_mounted_whoever_s_it_is_and_made_nowhere(pad: Launchpad, study: Study) -> None:
    pad.sandbox.add_project("Q", owner="stranger")
    theirs = pad.sandbox.session_folder(pad.sandbox.seed_session("Q", "S", "L", seed_files(study)))
    wrappers = pad.register()

    def mounted(kind: str, **forged: str) -> str:
        wrapper, root = wrappers[f"per-{kind.lower()}"], kind.lower()
        pad.launch(wrapper, root, json.dumps({"type": kind, "id": "P", **forged}), user="collaborator")
        return str(seen(pad.sandbox.wait_for_containers()[-1])["env"]["MOUNT"])

    for folder in (theirs, theirs.parent, Path("/no/such/folder")):
        assert mounted("Project", directory=str(folder)) == str(folder)
        assert mounted("Session", directory=str(folder), **{"project-id": "P"}) == str(folder)
    assert not Path("/no").exists()


def test_a_forged_folder_that_is_not_there_cannot_be_copied(pad: Launchpad) -> None:
    number = pad.register(a_command(mounts=[{"name": "input", "path": "/input", "writable": True}]))["per-project"]
    workflow = pad.launch(number, "project", json.dumps({"type": "Project", "id": "P", "directory": "/no/such/folder"}))
    assert pad.sandbox.wait_for_containers() == []
    assert pad.sandbox.workflow_status(workflow) == "Failed (Container)"


def test_the_workflow_of_a_launch_is_on_what_its_root_was_resolved_to(pad: Launchpad, study: Study) -> None:
    number, session = pad.register()["per-session"], seed(pad.sandbox, study)
    forged = {"type": "Session", "id": session, "xsiType": "xnat:ctSessionData", "directory": "/", "project-id": "P"}

    def on(user: str, value: str) -> tuple[str, str]:
        workflow = pad.launch(number, "session", value, user=user)
        pad.sandbox.wait_for_containers()
        (row,) = pad.call("admin", "GET", f"/data/workflows/{workflow}").json()["items"]
        return row["data_fields"]["ID"], row["data_fields"]["data_type"]

    for value in (session, f"/archive/experiments/{session}", json.dumps(forged)):
        assert on("owner", value) == (session, "xnat:ctSessionData")
    pad.sandbox.add_project("Q", owner="stranger")
    unseen = json.dumps(forged | {"id": pad.sandbox.seed_session("Q", "S", "L", study.files)})
    assert on("owner", unseen) == (unseen, "session")


def test_the_project_of_a_session_is_the_project_of_the_launch(pad: Launchpad, new_study: MakeStudy) -> None:
    pad.sandbox.add_project("Q", owner="owner")
    session = seed(pad.sandbox, new_study(), project="Q")
    number = pad.register()["per-session"]
    pad.launch(number, "session", session)
    assert seen(pad.only())["env"]["PROJECT"] == "P"
    assert "cannot read" in failed(pad, number, "session", f"/archive/experiments/{session}", user="member")
    assert failed(pad, number, "session", session, user="member")


def test_a_project_mount_has_the_sessions_and_not_the_resources(pad: Launchpad, study: Study) -> None:
    seed(pad.sandbox, study)
    pad.sandbox.add_resource_file("P", None, "DOC", "a.txt", b"x")
    pad.launch(pad.register()["per-project"], "project", "/archive/projects/P")
    found = seen(pad.only())["env"]
    assert (found["PROJECT"], found["SESSION"]) == ("P", "")
    assert [path.name for path in Path(found["MOUNT"]).iterdir()] == ["SESS"]


def test_a_project_with_shared_sessions_is_mounted_as_a_tree_of_links_that_goes(
    stage: MakeStage, new_study: MakeStudy
) -> None:
    pad = launchpad(stage(), "import os; print(sorted(os.listdir(os.environ['MOUNT'])), os.environ['MOUNT'])")
    pad.sandbox.add_project("Q", owner="owner")
    seed(pad.sandbox, new_study())
    pad.sandbox.share_session(seed(pad.sandbox, new_study(), project="Q", label="THERE"), "P", label="HERE")
    pad.launch(pad.register()["per-project"], "project", "P")
    names, _, folder = pad.only().stdout.strip().rpartition(" ")
    assert names == "['HERE', 'SESS']"
    assert not Path(folder).exists()


def test_a_writable_mount_is_a_copy(pad: Launchpad, study: Study) -> None:
    mounts = [{"name": "input", "path": "/input", "writable": True}]
    session = seed(pad.sandbox, study)
    pad.launch(pad.register(a_command(mounts=mounts))["per-session"], "session", session)
    folder = Path(seen(pad.only())["env"]["MOUNT"])
    assert folder != pad.sandbox.session_folder(session)
    assert (folder / "SCANS").is_dir()


def test_defaults_presets_and_launch_values_come_in_this_order(pad: Launchpad, study: Study) -> None:
    document = a_command()
    document["inputs"][2]["default-value"] = "command"
    number = pad.register(document)["per-session"]
    session = seed(pad.sandbox, study)

    def note(**values: str) -> str:
        pad.launch(number, "session", session, **values)
        return str(seen(pad.sandbox.wait_for_containers()[-1])["env"]["NOTE"])

    assert note() == "command"
    for path, value in ((f"/xapi/wrappers/{number}/config", "site"),
                        (f"/xapi/projects/P/wrappers/{number}/config", "project")):  # fmt: skip
        preset = {"inputs": {"note": {"default-value": value, "user-settable": False}}}
        assert pad.call("admin", "POST", path, json=preset).status_code == 201
        assert note() == value
    assert note(note="launch") == "launch"
    # What a wrapper input provides wins over a launch value for the command input.
    pad.launch(number, "session", session, **{"session-id": "MINE"})
    assert seen(pad.sandbox.wait_for_containers()[-1])["env"]["SESSION"] == session


@pytest.mark.parametrize("bad", [";", "&&", "||", "`", "(", "^$.id^", "PIXELANON_SECRET"])
def test_one_illegal_value_fails_the_launch(pad: Launchpad, study: Study, bad: str) -> None:
    pad.sandbox.set_system_property("tool.secret", "s3cret")
    number = pad.register(a_command(secrets=[secret("tool.secret", "PIXELANON_SECRET")]))["per-session"]
    assert failed(pad, number, "session", seed(pad.sandbox, study), note=f"a{bad}b")


def test_secrets_reach_the_environment_and_nothing_else(pad: Launchpad, study: Study) -> None:
    number = pad.register(a_command(secrets=[secret("tool.secret", "PIXELANON_SECRET")]))["per-session"]
    session = seed(pad.sandbox, study)
    assert "no system property tool.secret" in failed(pad, number, "session", session)
    pad.sandbox.set_system_property("tool.secret", "s3cret")
    pad.sandbox.container_entrypoint = ["/bin/sh", "-c", 'test "$PIXELANON_SECRET" = s3cret && echo well']
    pad.launch(number, "session", session)
    assert pad.only().stdout == "well\n"
    assert "s3cret" not in pad.call("admin", "GET", "/xapi/containers").text
    assert not any("s3cret" in (item.text or "") for item in pad.sandbox.stored())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"environment-variables": {"XNAT_HOST": "x"}}, "same key: XNAT_HOST"),
        ({"command-line": None}, "no command line"),
        ({"mounts": [{"name": "input", "path": "input"}]}, "not absolute"),
        ({"inputs": [{"name": "session", "type": "string"}]}, "same key: session"),
        ({"inputs": [{"name": "must", "type": "string", "required": True}]}, "required inputs: must"),
    ],
)
def test_what_passes_the_validation_and_fails_every_launch(
    pad: Launchpad, study: Study, changes: dict[str, Any], reason: str
) -> None:
    number = pad.register(a_command(**changes))["per-session"]
    assert reason in failed(pad, number, "session", seed(pad.sandbox, study))


def test_two_inputs_of_one_name_break_form_and_configuration(pad: Launchpad) -> None:
    number = pad.register(a_command(inputs=[{"name": "session"}]), enable="")["per-session"]
    assert pad.call("admin", "GET", f"/xapi/wrappers/{number}/config").status_code == 500
    assert pad.call("owner", "GET", f"/xapi/projects/P/wrappers/{number}/launch").status_code == 500


def test_an_environment_value_that_is_too_long_fails_behind_the_container_s_creation(
    pad: Launchpad, study: Study
) -> None:
    workflow = pad.launch(pad.register()["per-session"], "session", seed(pad.sandbox, study), note="x" * 256)
    assert (pad.only().status, pad.only().stdout) == ("Failed", "")
    assert "character varying(255)" in pad.sandbox.workflow_details(workflow)


def test_keys_without_a_value_stay_in_the_environment_and_vanish_from_the_line(pad: Launchpad, study: Study) -> None:
    wrapper = session_wrapper()
    wrapper["derived-inputs"].append(
        {"name": "visit", "type": "string", "required": False, "derived-from-wrapper-input": "session",
         "derived-from-xnat-object-property": "visit-id", "provides-value-for-command-input": "note"}
    )  # fmt: skip
    document = a_command(xnat=[wrapper, project_wrapper()], command_line="go #note# '' \"a b\" c\\ d #visit#")
    pad.launch(pad.register(document)["per-session"], "session", seed(pad.sandbox, study))
    found = seen(pad.only())
    assert found["argv"] == ["go", "a b", "c d", "#visit#"]
    assert found["env"]["NOTE"] == "#note#"


def test_flags_go_with_blank_values_and_booleans_have_two_faces(pad: Launchpad, study: Study) -> None:
    inputs = a_command()["inputs"] + [
        {"name": "flagged", "command-line-flag": "--flag", "command-line-separator": "="},
        {"name": "blank", "command-line-flag": "--blank"},
        {"name": "on", "type": "boolean", "true-value": "--on", "false-value": "--off"},
    ]
    document = a_command(inputs=inputs, command_line="#flagged# #blank# #on#")
    pad.launch(pad.register(document)["per-session"], "session", seed(pad.sandbox, study), flagged="v", on="TRUE")
    assert seen(pad.only())["argv"] == ["--flag=v", "--on"]


def test_an_overridden_entry_point_is_a_shell(pad: Launchpad, study: Study) -> None:
    document = a_command(command_line='echo "$SESSION" | tr X x', override_entrypoint=True)
    session = seed(pad.sandbox, study)
    pad.launch(pad.register(document)["per-session"], "session", session)
    assert pad.only().stdout == session.replace("X", "x") + "\n"


def test_the_form_shows_inputs_and_values_as_far_as_they_resolve(pad: Launchpad, study: Study) -> None:
    number = pad.register()["per-session"]
    session = seed(pad.sandbox, study)
    path = f"/xapi/projects/P/wrappers/{number}/launch?session={session}"
    form = pad.call("collaborator", "GET", path).json()
    assert [field["name"] for field in form["input-config"]] == [
        "session", "of-session-id", "of-project-id", "note", "pause", "exit",
    ]  # fmt: skip
    root = form["input-values"][0]
    assert root["values"][0]["value"] == f"/archive/experiments/{session}"
    assert root["values"][0]["children"][0]["values"][0]["children"][0]["values"][0]["value"] == session
    assert pad.call("stranger", "GET", path).status_code == 403


def test_what_the_stand_in_does_not_play_fails_the_launch(pad: Launchpad, study: Study) -> None:
    scan = {"name": "scan", "type": "Scan", "required": False, "derived-from-wrapper-input": "session"}
    wrapper = session_wrapper()
    wrapper["derived-inputs"].append(scan)
    matched = session_wrapper("matched")
    matched["external-inputs"][0]["matcher"] = "@.label == 'X'"
    numbers = pad.register(a_command(xnat=[wrapper, matched]))
    session = seed(pad.sandbox, study)
    assert "derives no Scan" in failed(pad, numbers["per-session"], "session", session)
    assert "no matchers" in failed(pad, numbers["matched"], "session", session)
