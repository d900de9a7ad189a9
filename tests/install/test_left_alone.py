"""What `install` and `uninstall` leave alone: commands of other people, the site's secret, a project's settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.install.conftest import ADMIN, HERE, Place
from tests.install.test_install import EVENTS, SUBSCRIBE, WRAPPERS, statuses, stored_command
from tests.pipeline.conftest import CLEAN, OWNER, STAGING
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER, commands
from xnat_pixelanon.install.container_service import (
    Configuration,
    ContainerService,
    Enabled,
    Registered,
    Request,
    Server,
)
from xnat_pixelanon.install.event_service import wanted


def still_theirs(place: Place, before: Registered) -> None:
    """Byte for byte as it was, and its wrappers enabled."""
    after = place.theirs()
    assert json.dumps(after.document, sort_keys=True) == json.dumps(before.document, sort_keys=True)
    with place.as_(ADMIN) as connection:
        service = ContainerService(Server(connection))
        for number in before.wrappers.values():
            assert service.enabled(number, STAGING) == Enabled(True, True)


def test_a_command_of_somebody_else_that_is_called_as_ours_is_refused_and_not_touched(place: Place) -> None:
    theirs = place.stranger()
    place.site.staging.enable_events()
    for user in (ADMIN, OWNER):
        said = place.typed("install", *EVENTS, "--json", user=user)
        (line,) = [one for one in said.of("step") if one["step"] == f"command {SAME_SERVER}"]
        assert line["status"] == "failed"
        assert f"command {theirs.id} is called {SAME_SERVER}" in line["detail"]
        assert "rename or delete it" in line["remedy"]
        assert not [path for _, path in place.writes for number in theirs.wrappers.values() if f"/{number}/" in path]
        still_theirs(place, theirs)
    assert place.subscriptions() == {}
    place.site.policy(destination={"server": "PUBLIC", "project": CLEAN})
    assert place.typed("install", *HERE).status == 3, "fails for one command, and the other is installed all the same"
    assert place.enabled()[SECOND_SERVER] == WRAPPERS
    still_theirs(place, theirs)
    for words in ((*HERE,), ("--site",), (*HERE, "--site")):
        assert place.typed("uninstall", *words).status == 0
        still_theirs(place, theirs)


def test_a_command_of_somebody_else_beside_ours_is_left_alone(place: Place) -> None:
    place.installed()
    theirs = place.stranger()
    document = {**wanted("CREATED", STAGING, theirs.wrappers["run-session"]), "name": "theirs"}
    place.send("POST", SUBSCRIBE, document, user=OWNER)
    assert place.typed("install", *EVENTS, user=OWNER).status == 0
    assert place.writes == []
    place.typed("uninstall", *HERE, user=OWNER)
    said = place.typed("uninstall", "--site", "--json")
    assert said.status == 0
    assert f"command {SAME_SERVER}, number {theirs.id}" in statuses(said)
    assert list(place.commands().values()) == [place.theirs()]
    still_theirs(place, theirs)
    assert set(place.subscriptions()) == {"theirs"}


@pytest.mark.parametrize("change", [{"command-line": "run"}, {"environment-variables": {}}])
def test_both_marks_are_needed_to_be_ours(place: Place, change: dict[str, Any]) -> None:
    place.installed(events=False)
    number = place.commands()[SAME_SERVER].id
    place.send("POST", f"/xapi/commands/{number}", {**stored_command(place), **change})
    said = place.typed("install", *HERE, "--json")
    assert statuses(said)[f"command {SAME_SERVER}"] == "failed"
    assert place.writes == []


def secrets_of(place: Place, name: str) -> list[tuple[str, str]]:
    return [
        (one["source"]["identifier"], one["destination"]["identifier"])
        for one in stored_command(place, name).get("secrets") or []
    ]


def test_a_secret_for_the_site_key_that_an_administrator_added_is_kept(place: Place) -> None:
    place.installed(events=False)
    key = ("lab.key", "PIXELANON_SITE_KEY")
    for name, change in ((SAME_SERVER, {}), (SECOND_SERVER, {"version": "0.0.9"})):
        document = stored_command(place, name)
        more = [key, ("lab.more", "LD_PRELOAD")] if change else [key]
        document["secrets"] = (document.get("secrets") or []) + [
            {
                "source": {"type": "system-property", "identifier": source},
                "destination": {"type": "environment-variable", "identifier": destination},
            }
            for source, destination in more
        ]
        place.send("POST", f"/xapi/commands/{place.commands()[name].id}", {**document, **change})
    said = place.typed("install", *HERE, "--json")
    assert said.status == 0
    assert [step for step, status in statuses(said).items() if status == "done"] == [f"command {SECOND_SERVER}"]
    assert secrets_of(place, SAME_SERVER) == [key]
    assert key in secrets_of(place, SECOND_SERVER)
    assert len(secrets_of(place, SECOND_SERVER)) == 4
    assert place.typed("install", *HERE).status == 0
    assert place.writes == []


def test_install_names_the_property_of_the_site_key_once(place: Place) -> None:
    place.installed(events=False)
    assert place.typed("install", "--site-key-property", "lab.key").status == 0
    for words in (("--site-key-property", "lab.key"), ()):
        assert place.typed("install", *words).status == 0
        assert place.writes == []
        for name in commands():
            assert ("lab.key", "PIXELANON_SITE_KEY") in secrets_of(place, name)
    assert place.typed("install", "--site-key-property", "lab.other").status == 0
    assert secrets_of(place, SAME_SERVER) == [("lab.other", "PIXELANON_SITE_KEY")]


def test_the_other_settings_of_the_project_stay_when_one_is_put_back(place: Place) -> None:
    """The service replaces the whole of them: a lost label prefix would give the same sessions other labels."""
    place.installed()
    number = place.wrapper("set-up")
    config = f"wrappers/{number}/config"
    site = {"label-prefix": {"default-value": "SITE-"}, "available-scans": {"advanced": True}}
    own = {
        "menu-action": {"default-value": "run", "user-settable": True},
        "label-prefix": {"default-value": "", "user-settable": False},
        "clean-project": {"default-value": CLEAN, "matcher": "x"},
    }
    place.send("POST", f"/xapi/{config}", {"inputs": site, "outputs": {}})
    place.send("POST", f"/xapi/projects/{STAGING}/{config}", {"inputs": own, "outputs": {}}, user=OWNER)

    def inputs() -> dict[str, Any]:
        with place.as_(OWNER) as connection:
            found = ContainerService(Server(connection)).configuration(number, STAGING).inputs
            return {name: dict(one) for name, one in found.items()}

    before = inputs()
    assert (before["label-prefix"]["default-value"], before["clean-project"]["matcher"]) == ("", "x")
    said = place.typed("install", *HERE, "--json", user=OWNER)
    assert statuses(said)[f"fixed inputs in {STAGING}"] == "done"
    after = inputs()
    corrected = after.pop("menu-action")
    assert (corrected["default-value"], corrected["user-settable"]) == ("set-up", False)
    before.pop("menu-action")
    assert after == before
    assert place.typed("install", *HERE, user=OWNER).status == 0
    assert place.writes == []


def test_outputs_that_are_configured_are_sent_along(place: Place) -> None:
    sent: list[Request] = []
    outputs = {"report": {"type": "Resource", "label": "THEIRS"}}
    with place.as_(OWNER) as connection:
        service = ContainerService(Server(connection, sent.append))
        stored = Configuration({"other": {"default-value": "kept", "type": "string"}}, outputs)
        service.configure("1", STAGING, stored, {"fixed": {"default-value": "run"}})
    assert [one.body for one in sent] == [
        {"inputs": {"other": {"default-value": "kept"}, "fixed": {"default-value": "run"}}, "outputs": outputs}
    ]
