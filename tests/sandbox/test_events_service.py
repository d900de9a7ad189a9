"""Subscriptions of the Event Service, and what fires them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Corner, Stage, Study
from container_kit import Launchpad, MakeStage, MakeStudy, a_command, launchpad, seed, seen

PROVIDER = "org.nrg.containers.services.CommandActionProvider"
SESSION_EVENT = "org.nrg.xnat.eventservice.events.SessionEvent"
SITE, OF_P = "/xapi/events", "/xapi/projects/P/events"


@dataclass
class EventSite:
    """A site with the Event Service on, a command that is enabled in P, and a second project Q of the owner."""

    stage: Stage
    pad: Launchpad
    wrappers: dict[str, int]

    def subscription(self, status: str = "CREATED", projects: list[str] | None = None, **more: Any) -> dict[str, Any]:
        where = {"event-type": SESSION_EVENT, "status": status, "project-ids": ["P"] if projects is None else projects}
        wrapper = self.wrappers["per-session"]
        changes = {key.replace("_", "-"): value for key, value in more.items()}
        where |= {key: changes.pop(key) for key in ("payload-filter", "event-type") if key in changes}
        return {"name": f"on {status}", "active": True, "action-key": f"{PROVIDER}:{wrapper}",
                "attributes": {"note": "from the event"}, "event-filter": where} | changes  # fmt: skip

    def post(self, document: dict[str, Any], path: str = OF_P, user: str = "owner") -> Any:
        return self.pad.call(user, "POST", f"{path}/subscription", json=document)

    def subscribe(self, *statuses: str, **more: Any) -> None:
        for status in statuses or ("CREATED",):
            assert self.post(self.subscription(status, **more)).status_code == 201

    def settled(self) -> list[dict[str, Any]]:
        """What the containers saw so far."""
        return [seen(container)["env"] for container in self.pad.sandbox.wait_for_containers(30)]

    def delivered(self, **query: str) -> list[dict[str, Any]]:
        answer = self.pad.call("owner", "POST", f"{OF_P}/delivered", json={"size": 50}, params=query)
        return list(answer.json())


@pytest.fixture
def make(stage: MakeStage) -> Callable[..., EventSite]:
    def make_one(**settings: Any) -> EventSite:
        one = stage(**settings)
        one.sandbox.add_project("Q", owner="owner")
        one.sandbox.enable_events()
        pad = launchpad(one)
        return EventSite(one, pad, pad.register())

    return make_one


@pytest.fixture
def site(make: Callable[..., EventSite]) -> EventSite:
    return make()


@pytest.fixture
def corner(site: EventSite) -> Corner:
    return site.stage.as_user("owner")


# Preferences and subscriptions


def test_the_service_is_off_as_installed_and_an_admin_turns_it_on(stage: MakeStage) -> None:
    pad = launchpad(stage())
    site = EventSite(stage(), pad, pad.register())
    assert pad.call("admin", "GET", f"{SITE}/prefs").json() == {"enabled": False}
    assert pad.call("owner", "GET", f"{SITE}/prefs").status_code == 403
    refused = site.post(site.subscription())
    assert (refused.status_code, refused.text) == (405, "Event Service disabled.")
    assert pad.call("owner", "GET", f"{OF_P}/subscriptions").text == ""
    assert pad.call("owner", "PUT", f"{SITE}/prefs", json={"enabled": True}).status_code == 403
    assert pad.call("admin", "PUT", f"{SITE}/prefs", json={"enabled": True}).status_code == 200
    assert pad.call("admin", "GET", f"{SITE}/prefs").json() == {"enabled": True}
    assert site.post(site.subscription()).status_code == 201


def test_while_the_service_is_off_a_subscription_can_only_be_switched_by_an_admin(site: EventSite) -> None:
    site.subscribe()
    site.stage.sandbox.enable_events(False)
    call = site.pad.call
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/activate")):
        assert call("owner", method, f"{OF_P}/subscription/1{path}").status_code == 405
    assert call("owner", "PUT", f"{OF_P}/subscription/1", json={"active": False}).status_code == 405
    assert call("admin", "POST", f"{SITE}/subscription/1/deactivate").status_code == 200
    site.stage.sandbox.enable_events()
    assert call("owner", "GET", f"{OF_P}/subscription/1").json()["active"] is False


def test_a_name_is_taken_on_the_whole_site(site: EventSite) -> None:
    site.subscribe()
    elsewhere = site.subscription(projects=["Q"])
    site.pad.call("owner", "PUT", f"/xapi/projects/Q/wrappers/{site.wrappers['per-session']}/enabled")
    refused = site.post(elsewhere, path="/xapi/projects/Q/events")
    assert (refused.status_code, refused.text) == (500, "Subscription with the name :on CREATED exists.")
    assert site.post(elsewhere | {"name": "other"}, path="/xapi/projects/Q/events").status_code == 201


def test_an_owner_subscribes_for_projects_of_his_own(site: EventSite) -> None:
    answer = site.post(site.subscription())
    assert (answer.status_code, answer.text) == (201, "on CREATED:1")
    assert site.post(site.subscription(), user="member").status_code == 403
    assert site.post(site.subscription(), path="/xapi/projects/NONE/events").status_code == 404
    site.stage.sandbox.add_project("OTHER", owner="stranger")
    for projects in ([], ["Q"], ["P", "OTHER"]):
        assert site.post(site.subscription(projects=projects)).status_code == 401
    (row,) = site.pad.call("owner", "GET", f"{OF_P}/subscriptions").json()
    assert row["subscription-owner"] == "owner"
    assert row["event-filter"]["project-ids"] == ["P"]
    assert row["editable"] is True
    assert site.pad.call("owner", "GET", "/xapi/projects/Q/events/subscriptions").json() == []


def test_a_site_subscription_is_an_admin_s(site: EventSite) -> None:
    document = site.subscription(projects=[], act_as_event_user=True)
    assert site.post(document, path=SITE).status_code == 403
    assert site.post(document, path=SITE, user="admin").status_code == 201
    (row,) = site.pad.call("admin", "GET", f"{SITE}/subscriptions").json()
    assert row["act-as-event-user"] is True
    (shown,) = site.pad.call("owner", "GET", f"{OF_P}/subscriptions").json()
    assert shown["editable"] is False


@pytest.mark.parametrize(
    "change",
    [
        {"event_type": "org.nrg.xnat.eventservice.events.SessionArchived"},
        {"action_key": "org.nrg.containers.services.CommandActionProvider"},
        {"action_key": f"{PROVIDER}:99"},
        {"action_key": "org.nrg.Other:1"},
        {"projects": ["P", "Q"]},
        {"payload_filter": "$.xsiType == 'a'"},
        {"payload_filter": "xsiType is a"},
    ],
)
def test_a_subscription_that_does_not_validate_is_a_424(site: EventSite, change: dict[str, Any]) -> None:
    answer = site.post(site.subscription(**change))
    assert (answer.status_code, answer.text.splitlines()[0]) == (424, "Subscription format failed to validate.")


def test_a_subscription_is_changed_switched_and_deleted(site: EventSite) -> None:
    site.subscribe()
    one = f"{OF_P}/subscription/1"
    call = site.pad.call
    assert call("owner", "PUT", one, json={"name": "renamed", "attributes": {"note": "n"}}).status_code == 200
    row = call("owner", "GET", one).json()
    assert (row["name"], row["attributes"], row["active"]) == ("renamed", {"note": "n"}, True)
    assert row["event-filter"]["status"] == "CREATED"
    assert call("owner", "PUT", one, json={"action-key": f"{PROVIDER}:99"}).status_code == 424
    assert call("owner", "PUT", one, json={"active": False}).status_code == 200
    assert call("owner", "GET", one).json()["active"] is False
    assert call("owner", "POST", f"{one}/activate").status_code == 200
    assert call("owner", "GET", one).json()["active"] is True
    assert call("owner", "POST", f"{one}/deactivate").status_code == 200
    assert call("owner", "DELETE", "/xapi/projects/Q/events/subscription/1").status_code == 401
    assert call("member", "DELETE", one).status_code == 403
    assert call("owner", "DELETE", one).status_code == 204
    assert call("owner", "GET", one).status_code == 404


def test_the_actions_of_a_project_are_its_enabled_wrappers(site: EventSite) -> None:
    actions = site.pad.call("owner", "GET", f"{OF_P}/actions?xnattype=xnat:ctSessionData").json()
    keys = {f"{PROVIDER}:{number}" for number in site.wrappers.values()}
    assert {action["action-key"] for action in actions} == keys
    assert site.pad.call("owner", "GET", "/xapi/projects/Q/events/actions").json() == []


# What fires


def test_an_archived_session_launches_the_wrapper_as_the_subscription_s_owner(
    site: EventSite, corner: Corner, study: Study
) -> None:
    study.series(1, count=1)
    site.subscribe()
    session = site.stage.as_user("member").publish(study.zip())
    (environment,) = site.settled()
    assert environment["SESSION"] == session
    assert environment["PROJECT"] == "P"
    assert environment["NOTE"] == "from the event"
    assert environment["MOUNT"] == str(site.stage.sandbox.session_folder(session))
    assert site.stage.sandbox.containers()[0].user == "owner"
    (delivery,) = site.delivered()
    assert delivery["status"] == "ACTION_STEP"
    assert delivery["triggering-event"]["status"] == "CREATED"
    assert site.pad.call("owner", "GET", f"{OF_P}/delivered/count").json() == 1
    assert len(site.pad.call("owner", "GET", f"{OF_P}/delivered/summary").json()) == 1
    assert corner.experiments()


def test_nothing_fires_while_the_service_is_off_nor_later(site: EventSite, corner: Corner, study: Study) -> None:
    study.series(1, count=1)
    site.subscribe()
    site.stage.sandbox.enable_events(False)
    corner.publish(study.zip())
    site.stage.sandbox.enable_events(True)
    assert site.settled() == []
    assert site.delivered() == []


def test_a_late_arrival_fires_merged_and_not_created(site: EventSite, corner: Corner, new_study: MakeStudy) -> None:
    first, late = new_study(), new_study()
    late.uid = first.uid
    first.series(1, count=1)
    late.series(2, count=1)
    site.subscribe("MERGED")
    session = corner.publish(first.zip())
    assert site.settled() == []
    url = corner.to_prearchive(late.zip(), overwrite="append")
    assert corner.archive(url, project="P", subject="SUBJ", session="SESS", overwrite="append").status_code == 200
    assert [environment["SESSION"] for environment in site.settled()] == [session]


def test_an_auto_archived_session_fires(make: Callable[..., EventSite], study: Study) -> None:
    site = make(rebuild_interval=0.1, rebuild_repeat=0.05)
    study.series(1, count=1)
    owner = site.stage.as_user("owner")
    assert owner.raw("PUT", "/data/projects/P/prearchive_code/4").status_code == 200
    site.subscribe()
    assert owner.send(study.zip(), project="P", subject="S", session="AUTO").status_code == 200
    for _ in range(500):
        if owner.experiments():
            break
        time.sleep(0.02)
    assert len(site.settled()) == 1


def test_a_seeded_session_fires_only_when_it_is_asked_to(site: EventSite, new_study: MakeStudy) -> None:
    site.subscribe()
    seed(site.stage.sandbox, new_study(), label="QUIET")
    assert site.settled() == []
    seed(site.stage.sandbox, new_study(), label="LOUD", announce=True)
    assert len(site.settled()) == 1


def test_a_session_made_by_rest_fires_although_it_is_empty(site: EventSite, corner: Corner) -> None:
    site.subscribe()
    corner.raw("PUT", "/data/projects/P/subjects/S")
    made = corner.raw("PUT", "/data/projects/P/subjects/S/experiments/E?xsiType=xnat:ctSessionData")
    assert [environment["SESSION"] for environment in site.settled()] == [made.text]


def test_a_deleted_session_is_told_too(site: EventSite, corner: Corner, study: Study) -> None:
    session = seed(site.stage.sandbox, study)
    site.subscribe("DELETED")
    corner.raw("DELETE", f"/data/experiments/{session}?removeFiles=true")
    site.pad.sandbox.wait_for_containers()
    assert [d["triggering-event"]["status"] for d in site.delivered()] == ["DELETED"]
    # The launch has nothing to resolve any more.
    assert site.stage.sandbox.containers() == []


def test_sessions_that_are_shared_or_moved_into_a_project_do_not_fire(
    site: EventSite, corner: Corner, new_study: MakeStudy
) -> None:
    site.subscribe()
    for extra in ("", "?primary=true"):
        session = seed(site.stage.sandbox, new_study(), project="Q", label=f"L{len(extra)}", announce=True)
        assert corner.raw("PUT", f"/data/experiments/{session}/projects/P{extra}").status_code == 200
    assert site.settled() == []


def test_another_project_fires_only_when_it_is_listed(site: EventSite, new_study: MakeStudy) -> None:
    site.subscribe()
    seed(site.stage.sandbox, new_study(), project="Q", label="ONE", announce=True)
    assert site.settled() == []
    site.pad.call("owner", "PUT", f"/xapi/projects/Q/wrappers/{site.wrappers['per-session']}/enabled")
    site.subscribe(projects=["P", "Q"], name="on both")
    seed(site.stage.sandbox, new_study(), project="Q", label="TWO", announce=True)
    assert [environment["PROJECT"] for environment in site.settled()] == ["Q"]


def test_without_projects_every_project_fires_and_the_launch_has_none(site: EventSite, study: Study) -> None:
    number = site.wrappers["per-session"]
    preset = {"inputs": {"pause": {"default-value": "0.01"}}}
    site.pad.call("owner", "POST", f"/xapi/projects/Q/wrappers/{number}/config", json=preset)
    assert site.post(site.subscription(projects=[]), path=SITE, user="admin").status_code == 201
    seed(site.stage.sandbox, study, project="Q", announce=True)
    (environment,) = site.settled()
    assert (environment["PROJECT"], environment["PAUSE"]) == ("Q", "")
    assert site.stage.sandbox.containers()[0].project == ""


def test_the_event_s_user_runs_it_where_the_subscription_says_so(site: EventSite, study: Study) -> None:
    study.series(1, count=1)
    site.post(site.subscription(act_as_event_user=True), path=SITE, user="admin")
    site.stage.as_user("member").publish(study.zip())
    site.settled()
    assert site.stage.sandbox.containers()[0].user == "member"


def test_an_inactive_subscription_and_a_wrapper_disabled_since_do_not_fire(
    site: EventSite, new_study: MakeStudy
) -> None:
    site.post(site.subscription(active=False))
    seed(site.stage.sandbox, new_study(), label="ONE", announce=True)
    assert (site.settled(), site.delivered()) == ([], [])
    site.subscribe(name="active")
    site.pad.call("owner", "PUT", f"/xapi/projects/P/wrappers/{site.wrappers['per-session']}/disabled")
    seed(site.stage.sandbox, new_study(), label="TWO", announce=True)
    assert site.settled() == []
    assert [d["status"] for d in site.delivered()] == ["FAILED"]


def test_a_command_that_is_created_again_leaves_its_subscription_behind(site: EventSite, study: Study) -> None:
    site.subscribe()
    site.pad.call("admin", "DELETE", "/xapi/commands/1")
    site.pad.register(a_command())
    seed(site.stage.sandbox, study, announce=True)
    assert site.settled() == []
    assert [d["status"] for d in site.delivered()] == ["FAILED"]


def test_an_updated_command_keeps_its_subscription(site: EventSite, study: Study) -> None:
    site.subscribe()
    site.pad.call("admin", "POST", "/xapi/commands/1", json=a_command(version="2"))
    seed(site.stage.sandbox, study, announce=True)
    assert len(site.settled()) == 1


@pytest.mark.parametrize(
    ("predicate", "fires"),
    [
        ('@.xsiType != "xnat:srSessionData"', True),
        ('@.xsiType != "xnat:ctSessionData"', False),
        ("@.xsiType == 'xnat:ctSessionData' && @.project-id == 'P'", True),
        ("@.label == 'X' || @.label in ['A', 'SESS']", True),
        ("@.label in ['A']", False),
        ("@.missing == 'a'", False),
    ],
)
def test_a_filter_decides_by_the_session(site: EventSite, study: Study, predicate: str, fires: bool) -> None:
    site.subscribe(payload_filter=predicate)
    seed(site.stage.sandbox, study, announce=True)
    assert len(site.settled()) == fires
    assert len(site.delivered()) == fires
    assert len(site.delivered(**{"include-filter-mismatch": "true"})) == 1


def test_a_failed_launch_shows_in_the_workflow_and_not_in_the_delivery(site: EventSite, study: Study) -> None:
    site.subscribe(attributes={"note": "a;b"})
    session = seed(site.stage.sandbox, study, announce=True)
    assert site.settled() == []
    assert [d["status"] for d in site.delivered()] == ["ACTION_STEP"]
    rows = site.pad.call("owner", "GET", "/data/workflows", params={"wrk:workflowData/id": session}).json()["items"]
    assert "Failed (Command resolution)" in [row["data_fields"]["status"] for row in rows]


def test_a_wrapper_of_the_project_takes_no_session(site: EventSite, study: Study) -> None:
    wrong = site.subscription(action_key=f"{PROVIDER}:{site.wrappers['per-project']}")
    assert site.post(wrong).status_code == 201
    seed(site.stage.sandbox, study, announce=True)
    assert site.settled() == []


def test_the_archive_has_an_open_workflow_and_its_prearchive_copy_when_it_fires(stage: MakeStage, study: Study) -> None:
    one = stage()
    study.series(1, count=1)
    found: list[tuple[list[str], int]] = []

    def look(event: object) -> None:
        state = one.sandbox._state
        found.append(([w.pipeline for w in state.workflow if w.open], len(state.prearchive)))

    one.sandbox._state.listeners.append(look)
    one.as_user("owner").publish(study.zip())
    assert found == [(["Transfer"], 1)]
    assert not [w for w in one.sandbox._state.workflow if w.open]
