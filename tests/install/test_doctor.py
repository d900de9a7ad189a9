"""`doctor` finds each fault, says what to do, and changes nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Said
from tests.install.conftest import ADMIN, OTHER, Place
from tests.pipeline.conftest import CLEAN, MEMBER, OWNER, PASSWORD, STAGING, Site, banner_template
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, connect
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER
from xnat_pixelanon.install.event_service import name_of, wanted
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, new_key
from xnat_pixelanon.pixels import libraries
from xnat_pixelanon.sandbox.faults import Call, Fault, Status

DOCTOR = ("doctor", "--from", f"xnat:{STAGING}")
EVENTS = (*DOCTOR, "--events")
SUBSCRIBE = f"/xapi/projects/{STAGING}/events/subscription"
Break = Callable[[Place], None]


@pytest.fixture
def whole(place: Place) -> Place:
    """Everything is as it has to be."""
    place.installed()
    return place


def examined(place: Place, *words: str, user: str = OWNER, **variables: str) -> dict[str, dict[str, Any]]:
    """Row by check of a doctor that changed nothing, and whose exit status is that of its rows."""
    place.site.clean.clear_requests()
    said = place.typed(*(words or EVENTS), "--json", user=user, **variables)
    assert place.writes == []
    assert place.site.reads_only()
    rows = said.of("check")
    assert said.status == (3 if any(row["state"] == "problem" for row in rows) else 0)
    assert all(row["remedy"] for row in rows if row["state"] != "ok")
    return {row["check"]: row for row in rows}


def test_nothing_is_found_where_all_is_well(whole: Place) -> None:
    rows = examined(whole)
    assert {row["state"] for row in rows.values()} == {"ok"}
    for check in ("login", "server", "codecs", "libturbojpeg", "scratch space", "key", "one variant"):
        assert check in rows
    assert "XNAT 1." in rows["server"]["detail"]
    assert re.search(r"pydicom \d.*imagecodecs \d", rows["codecs"]["detail"])
    said = whole.typed(*EVENTS, user=OWNER)
    assert said.status == 0
    assert f"ok {len(rows)}, warning 0, problem 0" in said.out


def test_without_events_nothing_is_asked_of_the_event_service(place: Place) -> None:
    place.installed(events=False)
    rows = examined(place, *DOCTOR)
    assert {row["check"]: row["state"] for row in rows.values() if row["state"] != "ok"} == {"Event Service": "warning"}
    assert "when somebody starts a run" in rows["subscriptions"]["detail"]
    rows = examined(place, *EVENTS)
    assert rows["Event Service"]["state"] == "problem"
    assert {rows[f"subscription {status}"]["state"] for status in ("CREATED", "MERGED")} == {"problem"}


# One fault each


def disabled(path: str, user: str = ADMIN) -> Break:
    def do(place: Place) -> None:
        place.send("PUT", path.format(run=place.wrapper("run")), user=user)

    return do


def policy(**changes: Any) -> Break:
    return lambda place: void(place.site.policy(**({"destination": {"server": "same", "project": CLEAN}} | changes)))


def void(_: object) -> None: ...


def configured(place: Place) -> None:
    settings = {"inputs": {"menu-action": {"default-value": "withdraw"}}, "outputs": {}}
    place.send("POST", f"/xapi/projects/{STAGING}/wrappers/{place.wrapper('dry-run')}/config", settings)


def older_command(place: Place) -> None:
    found = place.commands()[SAME_SERVER]
    old = {**json.loads(json.dumps(found.document)), "version": "0.0.9"}
    place.send("POST", f"/xapi/commands/{found.id}", old)


def second_of_the_name(place: Place) -> None:
    old = {**json.loads(json.dumps(place.commands()[SAME_SERVER].document)), "version": "0.0.9"}
    place.send("POST", "/xapi/commands", old)


def no_command(place: Place) -> None:
    place.send("DELETE", f"/xapi/commands/{place.commands()[SAME_SERVER].id}")


def stranger(place: Place) -> None:
    no_command(place)
    place.stranger()


def other_variant(place: Place) -> None:
    number = place.wrapper("run", SECOND_SERVER)
    place.send("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/enabled")


def subscription(status: str, **change: Any) -> Break:
    def do(place: Place) -> None:
        found = place.subscriptions()[name_of(status, STAGING)]
        if not change:
            place.send("DELETE", f"/xapi/events/subscription/{found.id}")
        else:
            place.send("PUT", f"/xapi/events/subscription/{found.id}", change)

    return do


def filtered(predicate: str) -> Break:
    def do(place: Place) -> None:
        found = place.subscriptions()[name_of("CREATED", STAGING)]
        subscription("CREATED", **{"event-filter": {**found.filter, "payload-filter": predicate}})(place)

    return do


def wrong_wrapper(place: Place) -> None:
    number = place.wrapper("run-session", SECOND_SERVER)
    place.send("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/enabled")
    subscription("MERGED", **wanted("MERGED", STAGING, number))(place)
    place.send("PUT", f"/xapi/projects/{STAGING}/wrappers/{number}/disabled")


def made_by_the_admin(place: Place) -> None:
    subscription("CREATED")(place)
    place.send("POST", "/xapi/events/subscription", wanted("CREATED", STAGING, place.wrapper("run-session")))


def made_by_another_owner(place: Place) -> None:
    place.site.staging.set_role(STAGING, OTHER, "owner")
    subscription("CREATED")(place)
    place.send("POST", SUBSCRIBE, wanted("CREATED", STAGING, place.wrapper("run-session")), user=OTHER)


def clean_project_listened_to(place: Place) -> None:
    number = place.wrapper("run-session")
    place.send("PUT", f"/xapi/projects/{CLEAN}/wrappers/{number}/enabled")
    document = wanted("CREATED", STAGING, number)
    document |= {"name": "all of mine", "event-filter": {**document["event-filter"], "project-ids": [STAGING, CLEAN]}}
    place.send("POST", "/xapi/events/subscription", document)


def whole_site_listened_to(place: Place) -> None:
    document = wanted("CREATED", STAGING, place.wrapper("run-session"))
    document |= {"name": "everybody's", "event-filter": {**document["event-filter"], "project-ids": []}}
    place.send("POST", "/xapi/events/subscription", document)


def twice_listened_to(place: Place) -> None:
    document = wanted("CREATED", STAGING, place.wrapper("run-session")) | {"name": "once more"}
    place.send("POST", SUBSCRIBE, document, user=OWNER)


def script(of: str, text: str) -> Break:
    def do(place: Place) -> None:
        with place.as_(ADMIN) as connection:
            connection.put(f"/xapi/anonymize/{of}", "a script", text.encode(), content_type="text/plain")
            connection.put(f"/xapi/anonymize/{of}/enabled?enable=true", "on", content_type="application/json")

    return do


def clean_policy(place: Place) -> None:
    document = {"schema_version": 1, "destination": {"server": "same", "project": "ELSEWHERE"}}
    stored(place.site, CLEAN, "policy.json", json.dumps(document))


def disabled_clean_policy(place: Place) -> None:
    clean_policy(place)
    gone("policy.json", CLEAN)(place)


def stored(site: Site, project: str, name: str, text: str) -> None:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        store = XnatDocumentStore(connection, project)
        newest = store.load(name)
        store.push(name, text, newest.version if newest else None)


def document(name: str, text: str) -> Break:
    return lambda place: stored(place.site, STAGING, name, text)


def gone(name: str, project: str = STAGING) -> Break:
    """Disabled: the config service forgets nothing."""

    def do(place: Place) -> None:
        with place.as_(OWNER) as connection:
            connection.delete(f"/data/projects/{project}/config/pixelanon/{name}", "taking a document away")

    return do


SPOILS = 'version "6.3"\n(0008,0018) := "1.2.3"\n'
FAULTS: dict[str, tuple[Break, str, str, str]] = {
    "staging public": (
        lambda place: place.site.staging.set_accessibility(STAGING, "public"),
        "staging is private", "problem", "public"),
    "no templates": (gone("templates.json"), "templates", "warning", "every image is held"),
    "bad templates": (
        document("templates.json", '{"schema_version": 1, "templates": "x"}'), "templates", "problem", "$.templates"),
    "no policy": (gone("policy.json"), "policy", "problem", "none stored"),
    "bad policy": (document("policy.json", '{"schema_version": 1}'), "policy", "problem", "destination"),
    "not armed": (policy(enabled=False), "policy", "warning", "not armed"),
    "no key": (gone(KEY_DOCUMENT), "key", "problem", "no key"),
    "bad key": (document(KEY_DOCUMENT, "short"), "key", "problem", "32 bytes"),
    "destination is the source": (
        policy(destination={"server": "same", "project": STAGING}), "destination", "problem", "staging project itself"),
    "destination absent": (
        policy(destination={"server": "same", "project": "NOWHERE"}),
        "rights in the clean project", "problem", "absent"),
    "destination not owned": (
        lambda place: place.site.staging.set_role(CLEAN, OWNER, "member"),
        "rights in the clean project", "problem", "has to be its owner"),
    "destination with a policy": (clean_policy, "destination", "problem", "policy of its own"),
    "destination with a disabled policy": (disabled_clean_policy, "destination", "problem", "policy of its own"),
    "project script": (script(f"projects/{CLEAN}", SPOILS), "script of the clean project", "problem", "line 2"),
    "site script": (script("site", SPOILS), "script of the clean site", "problem", "line 2"),
    "prearchive 4": (
        lambda place: void(put_code(place, 4)), "prearchive of the clean project", "warning", "archives by itself"),
    "prearchive 5": (
        lambda place: void(put_code(place, 5)), "prearchive of the clean project", "warning", "over what is there"),
    "command missing": (no_command, f"command {SAME_SERVER}", "problem", "not registered"),
    "command of somebody else": (stranger, f"command {SAME_SERVER}", "problem", "is not of this program"),
    "command old": (older_command, f"command {SAME_SERVER}", "problem", "not the one of this program: version"),
    "command twice": (second_of_the_name, "one command each", "warning", "0.0.9"),
    "site disabled": (disabled("/xapi/wrappers/{run}/disabled"), "wrappers on the site", "problem", "disabled: run"),
    "project disabled": (
        disabled(f"/xapi/projects/{STAGING}/wrappers/{{run}}/disabled", OWNER),
        "wrappers in the project", "problem", "disabled: run"),
    "two variants": (other_variant, "one variant", "problem", f"{SECOND_SERVER} run"),
    "an input preset": (configured, "fixed inputs", "problem", "dry-run menu-action"),
    "events off": (lambda place: place.site.staging.enable_events(False), "Event Service", "problem", "off"),
    "CREATED missing": (subscription("CREATED"), "subscription CREATED", "problem", "as they arrive"),
    "MERGED missing": (subscription("MERGED"), "subscription MERGED", "problem", "added"),
    "subscription inactive": (subscription("CREATED", active=False), "subscription CREATED", "problem", "active"),
    "subscription with values": (
        subscription("MERGED", attributes={"menu-action": "withdraw"}), "subscription MERGED", "problem", "attributes"),
    "a payload filter that never matches": (
        filtered("@.xsiType == 'NOBODY^HIDDEN'"), "subscription CREATED", "warning", "has a payload filter"),
    "wrong wrapper": (wrong_wrapper, "subscription MERGED", "problem", "action-key"),
    "runs as an admin": (made_by_the_admin, "subscription CREATED", "problem", f"no owner of {STAGING}"),
    "runs as who owns no clean project": (
        made_by_another_owner, "subscription CREATED", "problem", f"no owner of {CLEAN}"),
    "clean project in project-ids": (
        clean_project_listened_to, "reach of subscriptions", "problem", f"listens to the clean project {CLEAN}"),
    "no project-ids": (whole_site_listened_to, "reach of subscriptions", "problem", "every project"),
    "another subscription": (twice_listened_to, "other subscriptions", "warning", "launches our wrapper too"),
}  # fmt: skip


def put_code(place: Place, code: int) -> None:
    with place.as_(ADMIN) as connection:
        connection.put(f"/data/projects/{CLEAN}/prearchive_code/{code}", "a setting")


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(whole: Place, fault: str) -> None:
    damage, check, state, words = FAULTS[fault]
    damage(whole)
    row = examined(whole)[check]
    assert row["state"] == state
    assert words in row["detail"]


def test_a_payload_filter_is_told_without_its_text_which_may_hold_labels(whole: Place) -> None:
    filtered("@.xsiType == 'NOBODY^HIDDEN'")(whole)
    for words in (EVENTS, (*EVENTS, "--json")):
        said = whole.typed(*words, user=OWNER)
        assert said.status == 0
        assert "payload filter" in said.out
        assert "NOBODY" not in said.out + said.err
    assert examined(whole)["subscription MERGED"]["state"] == "ok"


# This machine


def test_missing_codecs_and_libraries_are_found(whole: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_pixelanon.install.doctor.why_no_turbojpeg", lambda: "libturbojpeg is not installed")
    rows = examined(whole)
    assert (rows["libturbojpeg"]["state"], rows["codecs"]["state"]) == ("warning", "ok")
    assert "libturbojpeg0" in rows["libturbojpeg"]["remedy"]
    monkeypatch.setattr(libraries, "_PACKAGES", ("pydicom", "no-such-codec"))
    rows = examined(whole)
    assert rows["codecs"]["state"] == "problem"
    assert "missing: no-such-codec; there: pydicom" in rows["codecs"]["detail"]


@pytest.mark.parametrize(("free", "state"), [(1 << 20, "problem"), (2 << 30, "warning"), (9 << 30, "ok")])
def test_little_scratch_space_is_found(
    whole: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, state: str
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("xnat_pixelanon.install.doctor.shutil.disk_usage", lambda _: usage._replace(free=free))
    row = examined(whole, TMPDIR=str(tmp_path))["scratch space"]
    assert row["state"] == state
    assert str(tmp_path) in row["detail"]


def test_a_scratch_folder_that_is_none_is_found(whole: Place, tmp_path: Path) -> None:
    row = examined(whole, TMPDIR=str(tmp_path / "missing"))["scratch space"]
    assert row["state"] == "problem"
    assert "TMPDIR" in row["remedy"]


def test_a_site_key_that_is_none_is_found(whole: Place) -> None:
    assert examined(whole, PIXELANON_SITE_KEY="short")["key"]["state"] == "problem"


def test_a_site_key_on_one_side_only_is_found(whole: Place) -> None:
    key, check = new_key(), "site key of containers"
    assert examined(whole)[check]["state"] == "ok"
    row = examined(whole, PIXELANON_SITE_KEY=key)[check]
    assert (row["state"], "has none" in row["detail"]) == ("warning", True)
    assert "--site-key-property" in row["remedy"]
    assert whole.typed("install", "--site-key-property", "lab.key").status == 0
    rows = examined(whole)
    assert (rows[check]["state"], "none is set here" in rows[check]["detail"]) == ("warning", True)
    assert "PIXELANON_SITE_KEY" in rows[check]["remedy"]
    assert rows[f"command {SAME_SERVER}"]["state"] == "ok"
    row = examined(whole, PIXELANON_SITE_KEY=key)[check]
    assert (row["state"], "cannot be seen" in row["detail"]) == ("ok", True)


# Logins and rights


def test_a_login_that_is_refused_is_one_problem(whole: Place) -> None:
    rows = examined(whole, password="wrong")
    assert rows["login"]["state"] == "problem"
    assert list(rows) == ["codecs", "libturbojpeg", "scratch space", "login"]


def test_a_server_that_is_not_there_is_one_problem(whole: Place) -> None:
    row = examined(whole, XNAT_HOST="http://127.0.0.1:9")["server"]
    assert row["state"] == "problem"


def test_a_login_that_ends_midway_is_a_problem(whole: Place) -> None:
    staging = whole.site.staging
    alias, secret = staging.issue_token(OWNER)

    def end() -> None:
        staging.revoke_token(alias)
        staging.kill_sessions()

    staging.faults.add(Fault("config/pixelanon/policy.json", Call(end)))
    row = examined(whole, user=alias, password=secret)["login"]
    assert row["state"] == "problem"
    assert "no longer accepts" in row["detail"]


def test_a_project_that_cannot_be_read_is_one_problem(whole: Place) -> None:
    rows = examined(whole, user=OTHER)
    assert rows["staging project"]["state"] == "problem"
    assert list(rows)[-1] == "staging project"


def test_a_member_is_told_that_his_runs_are_refused(whole: Place) -> None:
    rows = examined(whole, user=MEMBER)
    assert rows["rights in staging"]["state"] == "problem"
    assert rows["subscriptions"]["state"] == "warning"
    whole.site.policy(destination={"server": "same", "project": CLEAN}, launchers="members")
    assert examined(whole, user=MEMBER)["rights in staging"]["state"] == "ok"


def test_an_administrator_who_owns_nothing_is_told_so(whole: Place) -> None:
    rows = examined(whole, user=ADMIN)
    problems = {check for check, row in rows.items() if row["state"] == "problem"}
    assert problems == {"rights in staging", "rights in the clean project"}


def test_who_may_not_ask_whether_events_are_on_is_not_told_that_they_are_off(whole: Place) -> None:
    whole.site.staging.faults.add(Fault("/events/prefs", Status(403), nth=None))
    assert {row["state"] for row in examined(whole).values()} == {"ok"}
    whole.site.staging.enable_events(False)
    assert examined(whole)["Event Service"]["state"] == "problem", "no list at all says it too"


def test_a_server_without_containers_is_enough_for_the_command_line(whole: Place) -> None:
    for path in ("/xapi/commands", "/events/"):
        whole.site.staging.faults.add(Fault(path, Status(404), nth=None))
    rows = examined(whole, *DOCTOR)
    assert {check for check, row in rows.items() if row["state"] != "ok"} == {"Container Service"}
    assert rows["Container Service"]["state"] == "warning"


def test_a_folder_has_no_doctor(whole: Place, tmp_path: Path) -> None:
    whole.typed("doctor", "--from", f"dir:{tmp_path}").refuses("xnat:PROJECT")


# A second server


@pytest.fixture
def second(place: Place) -> Place:
    place.site.policy(destination={"server": "PUBLIC", "project": CLEAN})
    place.installed()
    return place


def test_the_second_server_is_looked_at_with_its_own_login(second: Place) -> None:
    rows = examined(second)
    assert rows["login to the clean server"]["state"] == "ok"
    assert second.site.clean.url in rows["login to the clean server"]["detail"]
    assert rows["one variant"]["detail"].startswith(f"only {SECOND_SERVER} ")
    second.site.clean.set_role(CLEAN, OWNER, "member")
    assert examined(second)["rights in the clean project"]["state"] == "problem"


def test_a_clean_project_on_a_second_server_that_has_not_accepted_is_found(second: Place) -> None:
    row = examined(second)["accept list"]
    assert row["state"] == "ok"
    second.site.accept("a" * 26)
    row = examined(second)["accept list"]
    assert row["state"] == "problem"
    assert row["remedy"].endswith(f"accept add --to xnat:{CLEAN}@PUBLIC {second.site.fingerprint()}")
    with connect(Credentials(second.site.clean.url, OWNER, PASSWORD)) as connection:
        connection.delete(f"/data/projects/{CLEAN}/config/pixelanon/accepts.json", "taking it away")
    assert examined(second)["accept list"]["state"] == "problem"


def test_on_the_same_server_no_accept_list_is_asked_for(whole: Place) -> None:
    assert "accept list" not in examined(whole)


def test_without_a_login_for_it_the_second_server_is_not_looked_at_and_that_is_said(second: Place) -> None:
    row = examined(second, PIXELANON_PUBLIC_HOST="")["login to the clean server"]
    assert row["state"] == "warning"
    assert "PIXELANON_PUBLIC_HOST" in row["detail"]
    assert examined(second, PIXELANON_PUBLIC_PASS="wrong")["login to the clean server"]["state"] == "problem"


def test_a_second_server_of_another_name_is_not_for_containers(second: Place) -> None:
    second.site.policy(destination={"server": "ELSEWHERE", "project": CLEAN})
    assert examined(second)["destination of containers"]["state"] == "problem"


def test_doctor_tells_the_same_to_people(whole: Place) -> None:
    whole.site.templates(banner_template())
    older_command(whole)
    said: Said = whole.typed(*EVENTS, user=OWNER)
    assert said.status == 3
    assert "warning 0, problem 1" in said.out
    assert "xnat-pixelanon install" in said.out
    assert f"command {SAME_SERVER}: problem" in said.err
