"""`uninstall`: what `install` made goes, what people made stays."""

from __future__ import annotations

import pytest

from tests.install.conftest import ADMIN, HERE, Place
from tests.pipeline.conftest import MEMBER, OWNER, STAGING, Person, slices
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER
from xnat_pixelanon.install.event_service import STATUSES, name_of, wanted
from xnat_pixelanon.install.uninstalling import STAYS
from xnat_pixelanon.sandbox.faults import Call, Fault, Status

SUBSCRIBE = f"/xapi/projects/{STAGING}/events/subscription"
BOTH = {SAME_SERVER, SECOND_SERVER}


def kept(place: Place) -> list[tuple[str, str, str]]:
    """Every file, record and document of the server but those of its two services and its logs."""
    people = ("file-name", "project", "subject", "experiment", "config")
    return [(one.kind, one.where, one.text) for one in place.site.staging.stored() if one.kind in people]


def test_an_owner_takes_the_tool_out_of_a_project_and_leaves_all_else(place: Place) -> None:
    place.installed()
    person = Person.numbered(4)
    place.site.seed(f"{person.id}_KEPT", slices(person, 1), person=person)
    before = kept(place)
    said = place.typed("uninstall", *HERE, user=OWNER)
    assert said.status == 0
    assert place.enabled() == {}
    assert place.subscriptions() == {}
    assert set(place.commands()) == BOTH
    assert set(place.enabled("")) == BOTH
    assert kept(place) == before
    assert any("policy.json" in where for _, where, _ in before)
    for words in STAYS:
        assert f"stays: {words}" in said.err
    again = place.typed("uninstall", *HERE, user=OWNER)
    assert again.status == 0
    assert place.writes == []
    assert "nothing was there to take away" in again.err


def test_an_administrator_takes_it_off_the_site_with_the_subscriptions_of_all_projects(place: Place) -> None:
    place.installed()
    numbers = [one.id for one in place.subscriptions().values()]
    assert place.typed("uninstall", "--site").status == 0
    assert place.commands() == {}
    assert place.subscriptions() == {}
    deleted = [path for method, path in place.writes if method == "DELETE"]
    assert deleted[:2] == [f"/xapi/events/subscription/{number}" for number in numbers], "before their wrappers"
    again = place.typed("uninstall", "--site", *HERE)
    assert (again.status, place.writes) == (0, [])
    place.installed()
    assert set(place.subscriptions()) == {name_of(status, STAGING) for status in STATUSES}


def test_subscriptions_of_others_stay(place: Place) -> None:
    place.installed()
    foreign = {**wanted("CREATED", STAGING, place.wrapper("run-session")), "name": "my own"}
    place.send("POST", SUBSCRIBE, foreign, user=OWNER)
    assert place.typed("uninstall", *HERE, user=OWNER).status == 0
    assert set(place.subscriptions()) == {"my own"}


def test_a_dry_run_takes_nothing_away_and_prints_what_would_be_sent(place: Place) -> None:
    place.installed()
    told = place.typed("uninstall", *HERE, "--site", "--dry-run", "--json")
    assert place.writes == []
    assert (set(place.commands()), len(place.subscriptions())) == (BOTH, 2)
    assert {line["status"] for line in told.of("step")} == {"would be done"}
    requests = [(line["method"], line["path"]) for line in told.of("request")]
    assert place.typed("uninstall", *HERE, "--site").status == 0
    assert set(place.writes) <= set(requests)
    assert {("DELETE", "/xapi/commands/1"), ("DELETE", "/xapi/commands/2")} <= set(place.writes)


@pytest.mark.parametrize(("user", "words"), [(MEMBER, HERE), (OWNER, ("--site",))])
def test_who_may_not_is_told_who_can(place: Place, user: str, words: tuple[str, ...]) -> None:
    place.installed()
    said = place.typed("uninstall", *words, "--json", user=user)
    assert said.status == 3
    refused = [line for line in said.of("step") if line["status"] == "not allowed"]
    assert refused
    assert {line["status"] for line in said.of("step")} == {"not allowed"}
    assert all(line["needs"] in line["remedy"] for line in refused)
    assert (set(place.commands()), set(place.enabled()), len(place.subscriptions())) == (BOTH, {SAME_SERVER}, 2)


def test_what_a_switched_off_event_service_hides_is_said(place: Place) -> None:
    place.installed()
    place.site.staging.enable_events(False)
    said = place.typed("uninstall", *HERE, "--json", user=ADMIN)
    (line,) = [one for one in said.of("step") if one["step"] == "subscriptions"]
    assert "the Event Service is off, and lists none while it is" in line["detail"]


def test_a_site_without_either_service_has_nothing_to_take_away(place: Place) -> None:
    for path in ("/xapi/commands", "/events/"):
        place.site.staging.faults.add(Fault(path, Status(404), nth=None))
    assert place.typed("uninstall", *HERE, "--site").status == 0
    assert place.writes == []


def test_what_does_not_go_away_is_found_out(place: Place) -> None:
    place.installed()
    path = f"/xapi/projects/{STAGING}/wrappers/{place.wrapper('run')}/enabled"
    again = Call(lambda: place.send("PUT", path))
    place.site.staging.faults.add(Fault(path, again, "GET", nth=2))  # the first looks, the second checks
    said = place.typed("uninstall", *HERE, "--json", user=OWNER)
    assert said.status == 1
    assert [one["detail"] for one in said.of("step") if one["status"] == "failed"] == ["a wrapper is still enabled"]
