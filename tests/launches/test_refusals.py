"""What the Container Service lets anyone start, and the tool refuses: one sentence and what to do, and nothing sent.

The service asks neither who owns what, nor which inputs may be set, nor whether an entry is enabled.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.launches.browser import Browser, Ended
from tests.launches.conftest import ADMIN, Hospital, switched_on
from tests.launches.test_owners_way import PROSE
from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    OWNER,
    PASSWORD,
    STAGING,
    Person,
    banner_template,
    ultrasound,
)
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER
from xnat_pixelanon.sandbox.faults import Call, Fault

PUBLISH, ONE = "5 Publish sessions", "Publish this session"
SERVICE = "service-account"
SECRET = "service-word-7"
ELSEWHERE = "ELSEWHERE"


@pytest.fixture
def ready(hospital: Hospital) -> Hospital:
    """An armed policy for this server, a template, and a session that would be sent."""
    site = hospital.site
    site.staging.add_project(ELSEWHERE, owner=MEMBER)
    site.templates(banner_template())
    site.policy(destination={"server": "same", "project": CLEAN})
    hospital.arrives("VISIT-ONE", 1, [ultrasound(Person.numbered(1))])
    switched_on(hospital)
    return hospital


@pytest.fixture
def second(hospital: Hospital) -> Hospital:
    """The same for the second server, where a service account owns the clean project."""
    site = hospital.site
    site.templates(banner_template())
    site.policy()
    site.clean.add_user(SERVICE, SECRET)
    site.clean.set_role(CLEAN, SERVICE, "owner")
    for name, value in (("host", site.clean.url), ("user", SERVICE), ("pass", SECRET)):
        site.staging.set_system_property(f"pixelanon.public.{name}", value)
    hospital.arrives("VISIT-ONE", 1, [ultrasound(Person.numbered(1))])
    switched_on(hospital, SECOND_SERVER)
    return hospital


def launched(hospital: Hospital, entry: str, values: dict[str, str] | None = None, user: str = OWNER) -> Ended:
    """An entry with any values, as whoever can read the project may send them."""
    browser = hospital.as_(user)
    row, form = browser.form(entry)
    return browser.ended(
        browser.send(int(row["wrapper-id"]), row["root-element-name"], browser.values(form) | (values or {}))
    )


def refused(hospital: Hospital, ended: Ended, sentence: str, hint: str, *, in_guide: bool = True) -> None:
    """The log ends with this sentence and below it what to do; nothing was sent anywhere."""
    assert ended.status == "Failed", ended.log
    message, *hints = ended.err[ended.err.rindex("error: ") :].strip().splitlines()
    assert sentence in message, ended.log
    assert hint in " ".join(hints), ended.log
    assert "Traceback" not in ended.log
    assert hospital.nothing_sent(ELSEWHERE)
    assert f"`{sentence}`" in PROSE or not in_guide


# Who launches


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        (PUBLISH, {}),
        ("2 Dry run", {"menu-action": "run"}),
        ("2 Dry run", {"menu-action": "arm"}),
        ("1 Set up publishing", {"clean-project": ELSEWHERE}),
    ],
)
def test_somebody_who_is_no_owner(ready: Hospital, entry: str, values: dict[str, str]) -> None:
    ended = launched(ready, entry, values, user=MEMBER)
    refused(ready, ended, f"this account is member of {STAGING}", "ask an owner of the staging project")


def test_somebody_who_is_no_owner_in_bulk(ready: Hospital) -> None:
    member = ready.as_(MEMBER)
    row = member.menu("xnat:usSessionData")[ONE]
    sessions = '["/archive/experiments/' + next(iter(member.sessions().values())) + '"]'
    member.ask("POST", f"/xapi/projects/{STAGING}/wrappers/{row['wrapper-id']}/root/session/bulklaunch",
               json={"session": sessions})  # fmt: skip
    (ended,) = ready.containers()
    refused(ready, ended, f"this account is member of {STAGING}", "ask an owner of the staging project")


def test_an_owner_of_staging_who_does_not_own_the_clean_project(ready: Hospital) -> None:
    ready.site.staging.set_role(CLEAN, OWNER, "member")
    sentence = f"the account is member of the clean project {CLEAN}, and has to be its owner"
    refused(ready, launched(ready, PUBLISH), sentence, "owner")


def test_a_policy_that_was_armed_by_somebody_who_does_not_own_the_clean_project(ready: Hospital) -> None:
    """Two own staging; what one of them stores must not spend the other one's rights."""
    staging = ready.site.staging
    staging.add_user("co-owner", PASSWORD)
    staging.set_role(STAGING, "co-owner", "owner")
    other = ready.as_("co-owner")
    for entry in ("Stop publishing", "4 Arm publishing"):
        assert other.launch(entry).status == "Complete"
    sentence = f"the account that stored or armed the policy last is no owner of the clean project {CLEAN}"
    refused(ready, launched(ready, PUBLISH), sentence, "an owner of both projects")
    for entry in ("Stop publishing", "4 Arm publishing", PUBLISH):
        assert ready.as_().launch(entry).status == "Complete", "what the guide says helps"
    assert not ready.nothing_sent()


# Where to


def test_a_launch_that_names_another_destination(ready: Hospital) -> None:
    ended = launched(ready, PUBLISH, {"no-clean-project": ELSEWHERE})
    refused(ready, ended, "the launch names another destination than the stored policy", "a launch cannot choose")


def test_a_launch_that_names_another_session_than_its_form_has(ready: Hospital) -> None:
    ended = launched(ready, PUBLISH, {"no-session": "STAGE_E99999"})
    refused(ready, ended, "the project has no image session", "", in_guide=False)


def test_a_destination_that_is_the_source(ready: Hospital) -> None:
    ready.site.policy(destination={"server": "same", "project": STAGING})
    refused(ready, launched(ready, PUBLISH), "source and destination are the same project", "", in_guide=False)


def test_a_set_up_with_the_staging_project_as_the_clean_one(hospital: Hospital) -> None:
    ended = switched_on(hospital).launch("1 Set up publishing", clean_project=STAGING)
    refused(hospital, ended, "the policy's destination is the staging project itself", "name the clean project")


def test_an_entry_for_the_other_server(ready: Hospital) -> None:
    """Both sets are switched on, by the switch for all; the one that the policy does not name is of no use."""
    site = ready.site
    for name in ("host", "user", "pass"):
        site.staging.set_system_property(f"pixelanon.public.{name}", site.clean.url if name == "host" else OWNER)
    switched_on(ready, SECOND_SERVER)
    ended = launched(ready, f"{PUBLISH} (second XNAT)")
    refused(ready, ended, "this entry is for the server", "the entries of the same server")


# The second server


def test_a_clean_project_that_has_not_accepted(second: Hospital) -> None:
    second.site.accept()
    ended = launched(second, f"{PUBLISH} (second XNAT)")
    fingerprint = second.site.fingerprint()
    refused(second, ended, f"the clean project {CLEAN} has not accepted this source", f"accept add --to xnat:{CLEAN}")
    assert f"@PUBLIC {fingerprint}" in ended.err, "the line to type"
    second.site.accept(fingerprint)
    assert launched(second, f"{PUBLISH} (second XNAT)").status == "Complete"
    assert not second.nothing_sent()


def test_a_service_account_that_does_not_own_the_clean_project(second: Hospital) -> None:
    second.site.clean.set_role(CLEAN, SERVICE, "member")
    sentence = f"the account is member of the clean project {CLEAN}, and has to be its owner"
    refused(second, launched(second, f"{PUBLISH} (second XNAT)"), sentence, "owner")


@pytest.mark.parametrize("name", ["host", "user", "pass"])
def test_a_missing_secret_the_service_itself_refuses(second: Hospital, name: str) -> None:
    staging, owner = second.site.staging, second.as_()
    staging.set_system_property(f"pixelanon.public.{name}", None)
    row, form = owner.form(f"{PUBLISH} (second XNAT)")
    workflow = owner.send(int(row["wrapper-id"]), row["root-element-name"], owner.values(form))
    assert second.containers() == [], "no container is made"
    status = owner.ask("GET", f"/data/workflows/{workflow}?format=json").json()["items"][0]["data_fields"]["status"]
    assert status == "Failed (Command resolution)"
    assert f"*{status}*" in PROSE
    assert second.nothing_sent()


def test_a_wrong_secret(second: Hospital) -> None:
    second.site.staging.set_system_property("pixelanon.public.pass", "wrong-word-8")
    ended = launched(second, f"{PUBLISH} (second XNAT)")
    refused(second, ended, "does not accept the login", "password")
    assert second.site.clean.url in ended.err, "which of the two"
    assert "wrong-word-8" not in ended.log


def test_what_the_secrets_are_is_told_nobody(second: Hospital) -> None:
    assert launched(second, f"{PUBLISH} (second XNAT)").status == "Complete"
    seen = "".join(one.log for one in second.containers()) + second.as_(ADMIN).ask("GET", "/xapi/containers").text
    assert SECRET not in seen


# When


def event(hospital: Hospital) -> list[Ended]:
    """A session arrives, at a project whose owner has subscribed; the containers that came of it."""
    hospital.arrives("VISIT-TWO", 2, [ultrasound(Person.numbered(2), study=2)], announce=True)
    return hospital.containers()


@pytest.fixture
def listening(ready: Hospital) -> Hospital:
    for user in (ADMIN, OWNER):
        ready.site.command("install", "--project", f"xnat:{STAGING}", "--events", user=user)
    return ready


def test_an_event_while_the_policy_is_not_armed(listening: Hospital) -> None:
    listening.site.policy(enabled=False, destination={"server": "same", "project": CLEAN})
    (ended,) = event(listening)
    refused(listening, ended, "the policy is not armed: nothing may be published", "then an owner arms it")


def test_an_event_while_the_event_service_is_off(listening: Hospital, capsys: pytest.CaptureFixture[str]) -> None:
    listening.site.staging.enable_events(False)
    assert event(listening) == []
    assert listening.nothing_sent()
    capsys.readouterr()
    assert listening.site.command("doctor", "--from", f"xnat:{STAGING}", "--events", "--json") == 3
    row = next(line for line in capsys.readouterr().out.splitlines() if '"check": "Event Service"' in line)
    assert '"state": "problem"' in row
    listening.site.staging.enable_events()
    assert listening.containers() == [], "what came meanwhile is never told later"
    assert launched(listening, PUBLISH).status == "Complete", "a run of the project takes it up"
    assert len(listening.as_(OWNER, CLEAN).sessions()) == 2


def test_an_event_while_the_entry_is_disabled(listening: Hospital) -> None:
    listening.as_().switch_on(SAME_SERVER, on=False)
    assert event(listening) == []
    assert listening.nothing_sent()


def test_a_disabled_entry_is_not_offered_and_launched_all_the_same(ready: Hospital) -> None:
    """The service does not ask; so disabling stops nobody, and *Stop publishing* does."""
    owner, member = ready.as_(), ready.as_(MEMBER)
    row, _ = owner.form(PUBLISH)
    stop, _ = owner.form("Stop publishing")
    owner.switch_on(SAME_SERVER, on=False)
    assert owner.menu() == {}

    def forced(browser: Browser, entry: dict[str, Any] = row) -> Ended:
        return browser.ended(
            browser.send(int(entry["wrapper-id"]), "project", {"project": f"/archive/projects/{STAGING}"})
        )

    refused(ready, forced(member), f"this account is member of {STAGING}", "ask an owner")
    assert forced(owner, stop).status == "Complete"
    refused(ready, forced(owner), "the policy is not armed", "arms it")
    ready.site.policy(destination={"server": "same", "project": CLEAN})
    assert forced(owner).status == "Complete"
    assert len(ready.as_(OWNER, CLEAN).sessions()) == 1, "an owner may, by whatever way"


@pytest.mark.parametrize("path", [r"/config/pixelanon/policy\.json", "/services/import", "/services/archive"])
def test_a_token_that_is_revoked_midway(ready: Hospital, path: str) -> None:
    site = ready.site

    def revoke() -> None:
        site.staging.revoke_token(site.staging.containers()[-1].environment["XNAT_USER"])
        site.staging.kill_sessions()

    site.staging.faults.add(Fault(path, Call(revoke), nth=2 if "policy" in path else 1))
    row, form = ready.as_().form(PUBLISH)
    ready.as_().send(int(row["wrapper-id"]), "project", ready.as_().values(form))
    (ended,) = ready.containers()
    site.staging.faults.clear()
    assert ended.status == "Failed"
    assert "error: the server no longer accepts the login" in ended.err
    assert "run again" in ended.err
    assert ready.as_(MEMBER, CLEAN).sessions() == {}, "half a session is never seen"
    assert launched(ready, PUBLISH).status == "Complete"
    assert len(ready.as_(MEMBER, CLEAN).sessions()) == 1
