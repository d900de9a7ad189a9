"""`install` at a stand-in XNAT: what it does, what it leaves alone, and what it says of what it may not do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.install.conftest import ADMIN, HERE, OTHER, Place
from tests.pipeline.conftest import CLEAN, MEMBER, OWNER, STAGING
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER, commands
from xnat_pixelanon.install.event_service import STATUSES, name_of, wanted
from xnat_pixelanon.sandbox.faults import Call, Fault, Status

WRAPPERS = {one["name"] for one in commands()[SAME_SERVER]["xnat"]}
EVENTS = (*HERE, "--events")
NAMES = {name_of(status, STAGING) for status in STATUSES}
SUBSCRIBE = f"/xapi/projects/{STAGING}/events/subscription"


def statuses(said: Any) -> dict[str, str]:
    return {line["step"]: line["status"] for line in said.of("step")}


def stored_command(place: Place, name: str = SAME_SERVER) -> dict[str, Any]:
    return json.loads(json.dumps(place.commands()[name].document))  # type: ignore[no-any-return]


# The whole of it


def test_admin_and_owner_together_install_everything_and_a_second_time_changes_nothing(place: Place) -> None:
    first = place.typed("install", *EVENTS, "--json")
    assert first.status == 3
    assert {step for step, status in statuses(first).items() if status == "not allowed"} == {
        f"subscription {status}" for status in STATUSES
    }
    assert set(statuses(first).values()) == {"done", "already so", "not allowed"}
    second = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert second.status == 0
    assert [line["step"] for line in second.of("step") if line["status"] == "done"] == [
        f"subscription {status}" for status in STATUSES
    ]

    assert place.enabled("") == {SAME_SERVER: WRAPPERS, SECOND_SERVER: WRAPPERS}
    assert place.enabled() == {SAME_SERVER: WRAPPERS}
    assert place.enabled(CLEAN) == {}
    found = place.subscriptions()
    assert set(found) == NAMES
    for one in found.values():
        assert one.projects == (STAGING,)
        assert one.wrapper == place.wrapper("run-session")
        assert (one.is_active, one.owner) == (True, OWNER)

    for user in (OWNER, ADMIN):
        again = place.typed("install", *EVENTS, "--json", user=user)
        assert set(statuses(again).values()) <= {"already so", "not allowed"}
        assert place.writes == []
    assert again.status == 3, "the administrator is no owner"
    plain = place.typed("install", *EVENTS, user=OWNER)
    assert (plain.status, plain.err.splitlines()[-1]) == (0, "nothing had to be changed")
    assert "already so" in plain.out


def test_the_site_alone_is_installed_without_a_project(place: Place) -> None:
    assert place.typed("install").status == 0
    assert place.enabled("") == {SAME_SERVER: WRAPPERS, SECOND_SERVER: WRAPPERS}
    assert place.enabled() == {}
    assert place.subscriptions() == {}
    assert place.typed("install").status == 0
    assert place.writes == []


def test_the_image_can_be_another(place: Place) -> None:
    image = "registry.example:5000/lab/xnat-pixelanon:0.1.0"
    assert place.typed("install", "--image", image).status == 0
    assert {one.document["image"] for one in place.commands().values()} == {image}
    for bad in ("lab/xnat-pixelanon", "registry.example:5000/xnat-pixelanon"):
        assert place.typed("install", "--image", bad).status == 2


# In place


def test_a_command_that_differs_is_updated_in_place_and_its_wrappers_keep_their_numbers(place: Place) -> None:
    place.installed()
    before = place.commands()
    old = stored_command(place)
    old |= {
        "version": "0.0.9",
        "image": "xnat-pixelanon:0.0.9",
        "limit-memory": 9999,
        "info-url": "https://old.example",
    }
    old["xnat"] = [one for one in old["xnat"] if one["name"] != "disarm"]
    place.send("POST", f"/xapi/commands/{before[SAME_SERVER].id}", old)
    kept = place.commands()[SAME_SERVER].wrappers

    said = place.typed("install", *HERE, "--json")
    assert said.status == 0
    assert statuses(said)[f"command {SAME_SERVER}"] == "done"
    assert [path for method, path in place.writes if method == "DELETE"] == []
    after = place.commands()
    assert {name: one.id for name, one in after.items()} == {name: one.id for name, one in before.items()}
    assert kept.items() < after[SAME_SERVER].wrappers.items()
    assert set(after[SAME_SERVER].wrappers) == WRAPPERS
    assert not after[SAME_SERVER].document.get("info-url")
    assert after[SAME_SERVER].document["limit-memory"] == 9999, "what the site has tuned is the site's"
    assert place.enabled() == {SAME_SERVER: WRAPPERS}
    assert {one.wrapper for one in place.subscriptions().values()} == {after[SAME_SERVER].wrappers["run-session"]}


def test_of_several_commands_of_our_name_the_one_of_this_version_is_kept(place: Place) -> None:
    place.installed(events=False)
    old = {**stored_command(place), "version": "0.0.9", "image": "xnat-pixelanon:0.0.9"}
    place.send("POST", "/xapi/commands", old)
    with place.as_(ADMIN) as connection:
        rows = connection.get("/xapi/commands", "listing").json("listing")
    (number,) = [one["xnat"][0]["id"] for one in rows if one["version"] == "0.0.9"]
    place.send("PUT", f"/xapi/wrappers/{number}/enabled")
    place.send("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/enabled")
    said = place.typed("install", *HERE, "--json")
    assert {step: status for step, status in statuses(said).items() if status != "already so"} == {
        f"no other variant in {STAGING}": "done"
    }
    assert place.writes == [("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/disabled")]


def test_a_wrapper_that_was_disabled_is_enabled_again(place: Place) -> None:
    place.installed()
    number = place.wrapper("run-session")
    place.send("PUT", f"/xapi/wrappers/{number}/disabled")
    place.send("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/disabled", user=OWNER)
    assert place.typed("install", *HERE).status == 0
    assert place.writes == [
        ("PUT", f"/xapi/wrappers/{number}/enabled"),
        ("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/enabled"),
    ]


def test_a_setting_that_changes_what_a_menu_entry_does_is_put_back(place: Place) -> None:
    place.installed()
    number = place.wrapper("dry-run")
    settings = {"inputs": {"menu-action": {"default-value": "run"}}, "outputs": {}}
    place.send("POST", f"/xapi/projects/{STAGING}/wrappers/{number}/config", settings, user=OWNER)
    said = place.typed("install", *HERE, "--json", user=OWNER)
    assert statuses(said)[f"fixed inputs in {STAGING}"] == "done"
    assert place.writes == [("POST", f"/xapi/projects/{STAGING}/wrappers/{number}/config")]
    assert place.typed("install", *HERE, user=OWNER).status == 0
    assert place.writes == []


# Which of the two


def test_the_policy_says_which_command_the_project_gets(place: Place) -> None:
    place.installed(events=False)
    place.site.policy(destination={"server": "PUBLIC", "project": CLEAN})
    assert place.typed("install", *HERE, user=OWNER).status == 0
    assert place.enabled() == {SECOND_SERVER: WRAPPERS}
    place.typed("install", *HERE, "--same-server", user=OWNER).refuses("sends to the second server", "leave the option")
    place.site.policy(destination={"server": "same", "project": CLEAN})
    assert place.typed("install", *HERE, "--same-server", user=OWNER).status == 0
    assert place.enabled() == {SAME_SERVER: WRAPPERS}
    place.site.policy(destination={"server": "ELSEWHERE", "project": CLEAN})
    place.typed("install", *HERE, user=OWNER).refuses("ELSEWHERE", "command line")
    assert place.writes == []


@pytest.mark.parametrize(("option", "name"), [("--same-server", SAME_SERVER), ("--second-server", SECOND_SERVER)])
def test_without_a_policy_one_has_to_say_it(place: Place, option: str, name: str) -> None:
    place.site.staging.add_project("FRESH", owner=OWNER)
    fresh = ("--project", "xnat:FRESH")
    place.typed("install", *fresh).refuses("no policy yet", "--same-server or --second-server")
    assert place.writes == [], "what cannot be understood is refused before anything is done"
    assert place.typed("install", *fresh, option).status == 0
    assert place.enabled("FRESH") == {name: WRAPPERS}


def test_the_event_subscriptions_move_with_the_variant(place: Place) -> None:
    place.installed()
    place.site.policy(destination={"server": "PUBLIC", "project": CLEAN})
    said = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert said.status == 0
    assert [path for method, path in place.writes if method == "PUT" and "/events/" in path] == [
        f"{SUBSCRIBE}/{one.id}" for one in place.subscriptions().values()
    ]
    assert {one.wrapper for one in place.subscriptions().values()} == {place.wrapper("run-session", SECOND_SERVER)}


# Who may


def test_an_owner_alone_does_the_project_part_when_an_admin_did_the_site_part(place: Place) -> None:
    assert place.typed("install").status == 0
    place.site.staging.enable_events()
    said = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert said.status == 0
    assert all(path.startswith(f"/xapi/projects/{STAGING}/") for _, path in place.writes)
    assert place.enabled() == {SAME_SERVER: WRAPPERS}
    assert set(place.subscriptions()) == NAMES


def test_an_owner_before_any_admin_is_told_who_can(place: Place) -> None:
    said = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert said.status == 3
    assert set(statuses(said).values()) == {"not allowed", "already so"}
    remedies = {line["step"]: line["remedy"] for line in said.of("step") if line["status"] == "not allowed"}
    assert "container manager" in remedies[f"command {SAME_SERVER}"]
    assert "container manager" in remedies[f"{SAME_SERVER} in {STAGING}"]
    assert place.commands() == {}
    table = place.typed("install", *EVENTS, user=OWNER)
    assert table.status == 3
    assert "container manager" in table.out


@pytest.mark.parametrize("user", [MEMBER, OTHER])
def test_a_member_and_a_stranger_change_nothing(place: Place, user: str) -> None:
    assert place.typed("install").status == 0
    said = place.typed("install", *EVENTS, user=user)
    assert said.status == 3
    assert place.enabled() == {}
    assert place.subscriptions() == {}


def test_an_owner_who_may_not_ask_whether_events_are_on_finds_out_by_subscribing(place: Place) -> None:
    """A real site tells it to administrators only."""
    assert place.typed("install").status == 0
    place.site.staging.faults.add(Fault("/events/prefs", Status(403), nth=None))
    off = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert off.status == 3
    assert statuses(off)["Event Service"] == "not allowed"
    assert ("PUT", "/xapi/events/prefs") not in place.writes
    assert place.enabled() == {SAME_SERVER: WRAPPERS}
    place.site.staging.enable_events()
    on = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert on.status == 0
    assert statuses(on)["Event Service"] == "already so"
    assert place.typed("install", *EVENTS, user=OWNER).status == 0
    assert place.writes == []


# Events


def test_the_event_service_is_turned_on_when_asked_and_not_otherwise(place: Place) -> None:
    assert place.typed("install", *HERE).status == 0
    assert ("PUT", "/xapi/events/prefs") not in place.writes
    said = place.typed("install", *EVENTS, "--json")
    assert statuses(said)["Event Service"] == "done"
    assert place.writes == [("PUT", "/xapi/events/prefs")]


def test_a_subscription_of_ours_that_differs_is_corrected_in_place(place: Place) -> None:
    place.installed()
    place.send("PUT", f"/xapi/projects/{CLEAN}/wrappers/{place.wrapper('run-session')}/enabled")
    before = place.subscriptions()
    narrowed = '@.xsiType != "xnat:srSessionData"'
    for found, change in zip(
        before.values(),
        (
            {"active": False, "attributes": {"menu-action": "withdraw"}},
            {"event-filter": {**found_filter(before, 1), "project-ids": [STAGING, CLEAN], "payload-filter": narrowed}},
        ),
        strict=True,
    ):
        place.send("PUT", f"/xapi/events/subscription/{found.id}", change)
    said = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert said.status == 0
    after = place.subscriptions()
    assert [(method, path) for method, path in place.writes] == [
        ("PUT", f"{SUBSCRIBE}/{one.id}") for one in before.values()
    ]
    assert {one.id for one in after.values()} == {one.id for one in before.values()}
    assert {one.projects for one in after.values()} == {(STAGING,)}
    assert {one.is_active for one in after.values()} == {True}
    assert [one.document["attributes"] for one in after.values()] == [{}, {}]
    assert after[name_of("MERGED", STAGING)].filter["payload-filter"] == narrowed, "it only narrows: the owner's choice"
    assert place.typed("install", *EVENTS, user=OWNER).status == 0
    assert place.writes == []


def found_filter(subscriptions: dict[str, Any], index: int) -> dict[str, Any]:
    return dict(list(subscriptions.values())[index].filter)


def test_a_subscription_that_runs_as_nobody_who_may_is_made_again(place: Place) -> None:
    place.installed(events=False)
    place.site.staging.enable_events()
    document = wanted("CREATED", STAGING, place.wrapper("run-session"))
    place.send("POST", "/xapi/events/subscription", document)
    assert place.subscriptions()[document["name"]].owner == ADMIN
    assert place.typed("install", *EVENTS, user=OWNER).status == 0
    assert {one.owner for one in place.subscriptions().values()} == {OWNER}
    place.site.staging.set_role(STAGING, OTHER, "owner")
    assert place.typed("install", *EVENTS, user=OTHER).status == 0
    assert place.writes == [], "one of another owner's is as good"


def test_a_foreign_subscription_is_left_alone(place: Place) -> None:
    place.installed(events=False)
    place.site.staging.enable_events()
    place.send("POST", "/xapi/commands", {"name": "other", "image": "other:1", "version": "1", "command-line": "x",
        "xnat": [{"name": "elsewhere", "contexts": ["xnat:imageSessionData"],
                  "external-inputs": [{"name": "session", "type": "Session"}]}]})  # fmt: skip
    number = place.commands()["other"].wrappers["elsewhere"]
    place.send("PUT", f"/xapi/wrappers/{number}/enabled")
    place.send("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/enabled", user=OWNER)
    foreign = [
        {**wanted("CREATED", STAGING, number), "name": "somebody's"},
        {**wanted("MERGED", STAGING, place.wrapper("run-session")), "name": "mine, says the owner", "active": False},
        wanted("CREATED", STAGING, number),
    ]
    for one in foreign[:2]:
        place.send("POST", SUBSCRIBE, one, user=OWNER)
    before = [place.subscriptions()[one["name"]].document for one in foreign[:2]]
    assert place.typed("install", *EVENTS, user=OWNER).status == 0
    assert [place.subscriptions()[one["name"]].document for one in foreign[:2]] == before
    assert len(place.subscriptions()) == 4

    ours = place.subscriptions()[name_of("CREATED", STAGING)]
    place.send("DELETE", f"{SUBSCRIBE}/{ours.id}", user=OWNER)
    place.send("POST", SUBSCRIBE, foreign[2], user=OWNER)
    said = place.typed("install", *EVENTS, "--json", user=OWNER)
    assert said.status == 1
    assert statuses(said)["subscription CREATED"] == "failed"
    assert place.writes == []
    assert place.subscriptions()[name_of("CREATED", STAGING)].wrapper == number


def test_events_fire_into_a_container_once_installed(place: Place) -> None:
    from tests.pipeline.conftest import Person, slices  # the pictures need time

    place.installed()
    place.site.staging.container_entrypoint = ("/bin/sh", "-c", 'echo "$PIXELANON_ACTION $PIXELANON_PROJECT"')
    person = Person.numbered(3)
    folder = place.site.root / "arriving"
    from xnat_pixelanon.sandbox.phantoms import save

    files = [save(one, folder / f"{number}.dcm") for number, one in enumerate(slices(person, 1))]
    place.site.staging.seed_session(STAGING, person.id, f"{person.id}_A", files, announce=True)
    place.site.staging.seed_session(CLEAN, person.id, f"{person.id}_B", files, announce=True)
    (container,) = place.site.staging.wait_for_containers(30)
    assert str(container.wrapper_id) == place.wrapper("run-session")


# A rehearsal


def test_a_dry_run_sends_nothing_and_prints_each_request_with_its_body(place: Place) -> None:
    said = place.typed("install", *EVENTS, "--dry-run", "--json")
    assert place.writes == []
    assert place.commands() == {}
    requests = said.of("request")
    sent = [(one["method"], one["path"]) for one in requests]
    assert sent[:2] == [("POST", "/xapi/commands")] * 2
    assert [one["body"] for one in requests[:2]] == list(commands().values())
    assert ("PUT", f"/xapi/projects/{STAGING}/wrappers/<{SAME_SERVER} run-session>/enabled") in sent
    assert ("PUT", "/xapi/events/prefs") in sent
    assert set(statuses(said).values()) == {"would be done", "already so", "not allowed"}

    place.typed("install", *EVENTS)
    said = place.typed("install", *EVENTS, "--dry-run", user=OWNER)
    assert said.status == 0
    assert "it lists subscriptions" in " ".join(said.out.split())
    assert place.writes == []
    assert f"POST {SUBSCRIBE}\n" in said.out
    assert '"event-type": "org.nrg.xnat.eventservice.events.SessionEvent"' in said.out
    assert place.subscriptions() == {}
    place.site.staging.enable_events(False)
    said = place.typed("install", *EVENTS, "--dry-run", user=OWNER)
    assert said.status == 3
    assert "only a site administrator can" in said.out


def test_what_a_dry_run_prints_is_what_is_sent(place: Place) -> None:
    place.typed("install", *EVENTS)
    number = place.wrapper("run")
    place.send("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/disabled")
    place.send("POST", f"/xapi/commands/{place.commands()[SECOND_SERVER].id}",
               {**stored_command(place, SECOND_SERVER), "version": "0.0.9"})  # fmt: skip
    for user in (ADMIN, OWNER):
        told = place.typed("install", *EVENTS, "--dry-run", "--json", user=user).of("request")
        place.typed("install", *EVENTS, user=user)
        assert place.writes == [(one["method"], one["path"]) for one in told]
        assert told


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        (Fault("/xapi/commands$", Status(500), "POST"), f"command {SAME_SERVER}"),
        (Fault("/xapi/commands$", Status(400), "POST"), f"command {SAME_SERVER}"),
        (Fault("/xapi/wrappers/1/enabled", Status(502), "PUT"), f"{SAME_SERVER} on the site"),
        (Fault("/projects/.*/enabled", Status(500), "PUT"), f"{SAME_SERVER} in {STAGING}"),
        (Fault("/events/prefs", Status(500), "PUT"), "Event Service"),
    ],
)
def test_a_step_that_fails_does_not_keep_the_others_and_the_next_time_finishes(
    place: Place, fault: Fault, step: str
) -> None:
    place.site.staging.faults.add(fault)
    said = place.typed("install", *EVENTS, "--json")
    assert statuses(said)[step] == "failed"
    assert f"{SECOND_SERVER} on the site" in statuses(said)
    place.typed("install", *EVENTS)
    place.typed("install", *EVENTS, user=OWNER)
    assert place.enabled() == {SAME_SERVER: WRAPPERS}
    assert set(place.subscriptions()) == NAMES


def test_a_server_that_says_yes_and_does_nothing_is_found_out(place: Place) -> None:
    place.typed("install")
    path = f"/xapi/projects/{STAGING}/wrappers/{place.wrapper('arm')}"
    forget = Call(lambda: place.send("PUT", f"{path}/disabled"))
    place.site.staging.faults.add(Fault(f"{path}/enabled", forget, "GET", nth=2))  # the first looks, the second checks
    said = place.typed("install", *HERE, "--json")
    assert said.status == 1
    (line,) = [one for one in said.of("step") if one["status"] == "failed"]
    assert "still disabled" in line["detail"]


def test_a_server_without_a_container_service_is_told_apart(place: Place) -> None:
    place.site.staging.faults.add(Fault("/xapi/commands", Status(404), nth=None))
    place.typed("install").refuses("no Container Service", "plugin")


def test_what_is_typed_wrong_is_refused(place: Place) -> None:
    for words, told in (
        (("install", "--events"), "--events needs --project"),
        (("install", "--same-server"), "need --project"),
        (("install", "--image", "untagged"), "tag"),
        (("uninstall",), "--project"),
    ):
        said = place.typed(*words)
        assert (said.status, said.out) == (2, "")
        assert told in said.err
    place.typed("install", "--project", "dir:/somewhere").refuses("installed on an XNAT", "xnat:PROJECT")
    place.typed("install", "--project", "xnat:NOWHERE").refuses("absent", "check its ID")
    assert place.writes == []
