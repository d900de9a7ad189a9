"""Containers at work: statuses, logs, who sees them, killing, bulk, and the end of the server."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import Study
from container_kit import Launchpad, MakeStage, MakeStudy, a_command, launchpad, seed, seen

from xnat_pixelanon.sandbox.cs_runner import Run, Runner


@pytest.fixture
def pad(stage: MakeStage) -> Launchpad:
    return launchpad(stage())


def start(pad: Launchpad, study: Study, user: str = "owner", **values: str) -> str:
    return pad.launch(pad.register()["per-session"], "session", seed(pad.sandbox, study), user=user, **values)


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_status_other_than_zero_is_failed_and_its_logs_stay(pad: Launchpad, study: Study) -> None:
    workflow = start(pad, study, exit="3")
    container = pad.only()
    assert (container.status, container.exit_code, container.stderr) == ("Failed", "3", "to stderr\n")
    assert pad.sandbox.workflow_status(workflow) == "Failed"
    assert [entry["status"] for entry in container.history] == ["Created", "Running", "Finalizing", "Failed"]
    assert pad.call("owner", "GET", "/xapi/containers/1/logs/stdout").text == container.stdout
    assert pad.call("owner", "GET", "/xapi/containers/1/logs/stderr").text == "to stderr\n"
    with zipfile.ZipFile(io.BytesIO(pad.call("owner", "GET", "/xapi/containers/1/logs").content)) as archive:
        assert archive.read("stdout.log").decode() == container.stdout


def test_a_program_that_is_not_there_fails(pad: Launchpad, study: Study) -> None:
    pad.sandbox.container_entrypoint = ["/no/such/program"]
    workflow = start(pad, study)
    assert pad.only().status == "Failed"
    assert pad.sandbox.workflow_details(workflow).startswith("Did not start.")


def test_a_launcher_an_owner_and_an_admin_see_a_container_others_hardly_anything(pad: Launchpad, study: Study) -> None:
    start(pad, study, user="member")
    pad.only()
    for user, full in (("member", True), ("owner", True), ("admin", True), ("collaborator", False)):
        document = pad.call(user, "GET", "/xapi/containers/1").json()
        assert (document["command-line"] == "go --fast") is full
        assert bool(document["env"]) is full
        assert document["env"].get("XNAT_PASS", "******") == "******"
        assert len(pad.call(user, "GET", "/xapi/projects/P/containers").json()) == full
        assert len(pad.call(user, "POST", "/xapi/containers", json={}).json()) == 1
        assert pad.call(user, "GET", "/xapi/containers/1/logs/stdout").status_code == (200 if full else 403)
        assert pad.call(user, "POST", "/xapi/containers/1/kill").status_code == (200 if full else 403)
    assert pad.call("owner", "GET", "/xapi/containers/2").status_code == 404


def test_while_a_container_runs_its_workflow_is_open_and_its_log_is_live(pad: Launchpad, study: Study) -> None:
    workflow = start(pad, study, pause="30")
    container = pad.until("Running")
    while not container.stdout:
        time.sleep(0.01)
    assert "go" in pad.call("owner", "GET", "/xapi/containers/1/logs/stdout").text
    (row,) = pad.call("owner", "GET", f"/data/workflows/{workflow}").json()["items"]
    assert (row["data_fields"]["pipeline_name"], row["data_fields"]["status"]) == ("per-session", "Running")
    assert len(pad.call("owner", "GET", "/xapi/containers?nonfinalized=true").json()) == 1
    assert pad.call("owner", "POST", "/xapi/projects/P/containers/1/kill").status_code == 200
    assert (pad.only().status, pad.only().exit_code) == ("Failed", "137")
    assert pad.sandbox.workflow_status(workflow) == "Failed"
    statuses = [entry["status"] for entry in container.history]
    assert statuses == ["Created", "Running", "Killed", "Finalizing", "Failed"]


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


TIDY = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("tidied up", flush=True), sys.exit(0)))
print("ready", flush=True)
time.sleep(600)
"""


def test_a_killed_container_gets_no_chance_to_tidy_up_and_its_workflow_is_open_until_it_is_over(
    stage: MakeStage, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    pad = launchpad(stage(), TIDY)
    workflow = start(pad, study)
    container = pad.until("Running")
    while "ready" not in container.stdout:
        time.sleep(0.01)
    open_when_killed: list[str] = []
    state, kill = pad.sandbox._state, Runner.kill

    def look(self: Runner, process: Any) -> None:
        session = next(w.item for w in state.workflow if w.id == workflow)
        open_when_killed.extend(w.status for w in state.open_workflows(session))
        kill(self, process)

    monkeypatch.setattr(Runner, "kill", look)
    assert pad.call("owner", "POST", "/xapi/containers/1/kill").status_code == 200
    assert (pad.only().status, pad.only().exit_code, pad.only().stdout) == ("Failed", "137", "ready\n")
    assert open_when_killed == ["Killed"]
    assert pad.sandbox.workflow_status(workflow) == "Failed"


def test_killing_ends_the_whole_group_however_stubborn(stage: MakeStage, study: Study) -> None:
    pad = launchpad(stage(), STUBBORN)
    start(pad, study)
    container = pad.until("Running")
    while not container.stdout.endswith("\n"):
        time.sleep(0.01)
    pad.call("owner", "POST", "/xapi/containers/1/kill")
    assert pad.only().exit_code == "137"
    assert_gone(container.stdout)


ASKING = """
import os, sys, time, requests
site, login = os.environ["XNAT_HOST"], (os.environ["XNAT_USER"], os.environ["XNAT_PASS"])
going_on = requests.Session()
print(going_on.get(site + "/data/auth", auth=login).status_code, flush=True)
for line in iter(lambda: os.path.exists(os.environ["GO"]), True):
    time.sleep(0.01)
print(going_on.get(site + "/data/auth").status_code, requests.get(site + "/data/auth", auth=login).status_code)
"""


@pytest.mark.parametrize(("logins", "statuses"), [(True, "401 401"), (False, "200 401")])
def test_a_token_that_is_revoked_midway_makes_no_login_and_may_take_those_that_were_made(
    stage: MakeStage, study: Study, tmp_path: Path, logins: bool, statuses: str
) -> None:
    pad = launchpad(stage(), ASKING)
    pad.sandbox.container_environment["GO"] = str(tmp_path / "go")
    start(pad, study)
    container = pad.until("Running")
    while "200" not in container.stdout:
        time.sleep(0.01)
    pad.sandbox.revoke_container(container, logins=logins)
    (tmp_path / "go").touch()
    assert pad.only().stdout.splitlines()[-1] == statuses


def assert_gone(processes: str) -> None:
    numbers = [int(word) for word in processes.split()]
    for _ in range(500):
        # A killed grandchild stays in the table until init has collected it.
        if all(gone(number) or "\nState:\tZ" in Path(f"/proc/{number}/status").read_text() for number in numbers):
            return
        time.sleep(0.01)
    raise AssertionError(numbers)


def test_a_child_that_outlives_its_container_ends_with_it(stage: MakeStage, study: Study) -> None:
    program = "import subprocess as s; c = s.Popen(['sleep', '600'], stdout=s.DEVNULL); print(c.pid)"
    pad = launchpad(stage(), program)
    start(pad, study)
    container = pad.only()
    assert container.status == "Complete"
    assert_gone(container.stdout)


def test_the_end_of_the_server_is_the_end_of_its_containers(
    stage: MakeStage, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_pixelanon.sandbox.cs_runner._KILL_GRACE", 0.1)
    pad = launchpad(stage(running_containers=1), STUBBORN)
    number = pad.register()["per-session"]
    session = seed(pad.sandbox, study)
    workflows = [pad.launch(number, "session", session) for _ in range(3)]
    for _ in range(1000):
        running = [c for c in pad.sandbox.containers() if c.stdout.endswith("\n")]
        if running and len(pad.sandbox.containers()) == 3:
            break
        time.sleep(0.01)
    pad.sandbox.stop()
    assert_gone(running[0].stdout)
    statuses = [pad.sandbox.workflow_status(workflow) for workflow in workflows]
    assert all(status.startswith("Failed") for status in statuses), statuses
    pad.sandbox.container_entrypoint = ["/bin/true"]
    pad.sandbox.start()
    pad.launch(number, "session", session)
    assert pad.sandbox.wait_for_containers()[-1].status == "Complete"


def test_a_queued_container_that_is_killed_never_starts(stage: MakeStage, study: Study) -> None:
    pad = launchpad(stage(running_containers=1))
    number = pad.register()["per-session"]
    session = seed(pad.sandbox, study)
    pad.launch(number, "session", session, pause="30")
    first = pad.until("Running")
    pad.launch(number, "session", session)
    second = pad.until("Created")
    for container in (second, first):
        assert pad.call("owner", "POST", f"/xapi/containers/{container.id}/kill").status_code == 200
    pad.sandbox.wait_for_containers()
    assert (second.status, second.stdout) == ("Failed", "")


def test_no_more_run_at_once_than_the_setting_allows(stage: MakeStage, study: Study, tmp_path: Path) -> None:
    program = ("import os, pathlib as p, time; d = p.Path(os.environ['MARKS']); f = d / str(os.getpid()); f.touch();"
               "time.sleep(0.1); print(len(list(d.iterdir()))); f.unlink()")  # fmt: skip
    pad = launchpad(stage(running_containers=2), program)
    pad.sandbox.container_environment["MARKS"] = str(tmp_path / "marks")
    (tmp_path / "marks").mkdir()
    number = pad.register()["per-session"]
    session = seed(pad.sandbox, study)
    for _ in range(6):
        pad.launch(number, "session", session)
    counts = [int(c.stdout) for c in pad.sandbox.wait_for_containers()]
    assert len(counts) == 6
    assert max(counts) <= 2


def test_bulk_makes_one_container_per_target_and_asks_nothing_of_the_project(
    pad: Launchpad, new_study: MakeStudy
) -> None:
    number = pad.register()["per-session"]
    mine = [seed(pad.sandbox, new_study(), label=f"L{n}") for n in range(3)]
    path = f"/xapi/projects/P/wrappers/{number}/root/session/bulklaunch"
    targets = json.dumps([f"/archive/experiments/{session}" for session in mine])
    report = pad.call("owner", "POST", path, json={"session": targets, "note": "n"}).json()
    assert [one["workflow-id"] for one in report["successes"]] == ["To be assigned"] * 3
    assert (report["failures"], report["pipeline-name"]) == ([], "per-session")
    assert {seen(c)["env"]["SESSION"] for c in pad.sandbox.wait_for_containers()} == set(mine)
    rows = pad.call("owner", "GET", "/data/workflows", params={"wrk:workflowData/id": mine[0]}).json()["items"]
    assert report["bulk-launch-id"] in [row["data_fields"].get("jobID") for row in rows]
    # A stranger to P launches in its name, on a session of his own.
    pad.sandbox.add_project("Q", owner="stranger")
    his = json.dumps([seed(pad.sandbox, new_study(), project="Q")])
    assert pad.call("stranger", "POST", path, json={"session": his}).status_code == 200
    assert seen(pad.sandbox.wait_for_containers()[-1])["env"]["PROJECT"] == "P"
    assert pad.call("owner", "POST", path, json={"session": "no list"}).status_code == 500
    assert pad.call("owner", "POST", path, json={}).status_code == 500


def test_an_open_workflow_keeps_a_session_from_being_merged_into(pad: Launchpad, new_study: MakeStudy) -> None:
    first, late = new_study(), new_study()
    late.uid = first.uid
    session = seed(pad.sandbox, first)
    late.series(2, count=1)
    pad.launch(pad.register()["per-session"], "session", session, pause="30")
    pad.until("Running")
    with pytest.raises(Exception, match="processing may already be in progress"):
        seed(pad.sandbox, late)
    pad.call("owner", "POST", "/xapi/containers/1/kill")
    pad.only()
    again = new_study()
    again.uid = first.uid
    again.series(3, count=1)
    assert seed(pad.sandbox, again) == session


def test_another_runner_takes_the_place_of_the_local_process(pad: Launchpad, study: Study) -> None:
    runs: list[Run] = []

    class Echo(Runner):
        def command(self, run: Run) -> list[str]:
            runs.append(run)
            return ["/bin/echo", run.image, *run.words, *(f"{b.host}:{b.path}" for b in run.binds if not b.writable)]

    pad.sandbox.runner = Echo()
    start(pad, study)
    container = pad.only()
    folder = pad.sandbox.session_folder(runs[0].environment["SESSION"])
    assert container.stdout == f"tool:1 go --fast {folder}:/input\n"
    assert runs[0].environment["MOUNT"] == "/input"


def test_the_sweep_sees_commands_containers_and_their_logs(pad: Launchpad, study: Study) -> None:
    start(pad, study, note="NEEDLE")
    pad.only()
    kinds = {item.kind for item in pad.sandbox.stored() if item.text and "NEEDLE" in item.text}
    assert "container" in kinds
    logs = [i.path for i in pad.sandbox.stored() if i.path and i.path.name == "stdout.log"]
    assert any("NEEDLE" in path.read_text() for path in logs)
    assert {"command", "workflow"} <= {item.kind for item in pad.sandbox.stored()}


def test_the_default_entry_point_is_the_tool_itself(stage: MakeStage, study: Study) -> None:
    pad = Launchpad(stage().sandbox)
    document = a_command(command_line="--version")
    pad.launch(pad.register(document)["per-session"], "session", seed(pad.sandbox, study))
    assert pad.only().stdout.startswith("xnat-pixelanon")
