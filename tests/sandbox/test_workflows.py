"""What a site tells of the workflows of an item: `POST /xapi/workflows` of the Batch Launch plugin."""

from __future__ import annotations

import time
from typing import Any

import pytest
from conftest import Study
from container_kit import Launchpad, MakeStage, launchpad, seed

SESSION = "xnat:ctSessionData"


@pytest.fixture
def pad(stage: MakeStage) -> Launchpad:
    return launchpad(stage())


def ask(pad: Launchpad, id: str, user: str = "owner", data_type: str = SESSION, **more: Any) -> Any:
    return pad.call(user, "POST", "/xapi/workflows", json={"id": id, "data_type": data_type, **more})


def test_a_session_s_workflows_come_newest_first_with_numbers_and_milliseconds(pad: Launchpad, study: Study) -> None:
    session = seed(pad.sandbox, study)
    before = int(time.time() * 1000)
    workflow = pad.launch(pad.register()["per-session"], "session", f"/archive/experiments/{session}", pause="30")
    pad.until("Running")
    newest, archived = ask(pad, session).json()
    assert newest["wfid"] == int(workflow)
    assert (newest["id"], newest["label"], newest["externalId"]) == (session, "SESS", "P")
    assert (newest["pipelineName"], newest["status"], newest["createUser"]) == ("per-session", "Running", "owner")
    assert (newest["dataType"], newest["justification"]) == (SESSION, "Container launch")
    assert before - 1000 <= newest["launchTime"] <= time.time() * 1000 + 1000
    assert (archived["pipelineName"], archived["status"]) == ("Transfer", "Complete")
    pad.call("owner", "POST", "/xapi/containers/1/kill")
    pad.only()
    assert ask(pad, session).json()[0]["status"] == "Failed"


def test_fifty_make_a_page_and_older_ones_are_told_whatever_days_says(pad: Launchpad, study: Study) -> None:
    session = seed(pad.sandbox, study)
    for number in range(60):
        pad.sandbox.add_workflow(session, "P", f"step {number}", "Running", days_ago=400)
    rows = ask(pad, session, page=1, days=7, sortable=True).json()
    assert (len(rows), rows[0]["pipelineName"]) == (50, "Transfer")
    assert len(ask(pad, session, page=2).json()) == 11
    assert ask(pad, session, page=3).json() == []
    assert len(ask(pad, session, size=100).json()) == 61
    assert ask(pad, session, size=100, sort_dir="asc").json()[-1]["pipelineName"] == "Transfer"


def test_who_may_not_read_the_item_is_refused_as_if_not_logged_in(pad: Launchpad, study: Study) -> None:
    session = seed(pad.sandbox, study)
    assert ask(pad, session, "collaborator").status_code == 200
    assert ask(pad, session, "stranger").status_code == 401
    assert ask(pad, "NONE").status_code == 401
    assert ask(pad, "SESS").status_code == 401
    assert pad.call("owner", "POST", "/xapi/workflows", data="{}").status_code == 415
    assert pad.call("owner", "POST", "/xapi/workflows", json={"id": session}).status_code == 500


def test_a_project_s_are_those_of_all_in_it_its_own_only_for_who_may_edit(pad: Launchpad, study: Study) -> None:
    seed(pad.sandbox, study)
    pad.launch(pad.register()["per-project"], "project", "/archive/projects/P")
    pad.only()

    def names(user: str) -> list[str]:
        return [row["pipelineName"] for row in ask(pad, "P", user, "xnat:projectData").json()]

    assert names("member") == ["per-project", "Transfer"]
    assert names("collaborator") == ["Transfer"]


def test_a_site_without_the_plugin_does_not_know_the_route(stage: MakeStage) -> None:
    pad = launchpad(stage(batch_launch=False))
    assert ask(pad, "P", data_type="xnat:projectData").status_code == 404
