"""Two people store a document of a project at the same moment: the config service has no compare-and-swap."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.pipeline.conftest import CLEAN, OWNER, PASSWORD, STAGING, Site, banner_template, clean_template
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, XnatLocation, connect
from xnat_pixelanon.domain.accepts import Accepts, fingerprint_of
from xnat_pixelanon.errors import OvertakenError, PixelanonError
from xnat_pixelanon.pipeline import documents
from xnat_pixelanon.pipeline.documents import POLICY, make_key, newest, push, put, switch
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT
from xnat_pixelanon.sandbox.faults import Call, Fault
from xnat_pixelanon.sandbox.server import Sandbox

Act = Callable[[XnatDocumentStore], object]


def acting(sandbox: Sandbox, act: Act, project: str = STAGING) -> Any:
    """What one person does with the documents, in a session of their own."""
    with connect(Credentials(sandbox.url, OWNER, PASSWORD)) as connection:
        return act(XnatDocumentStore(connection, project))


def beside(sandbox: Sandbox, name: str, act: Act, project: str = STAGING) -> None:
    """Let another person act between the look at the newest version and the storing of ours."""
    sandbox.faults.add(Fault(f"/{name}", Call(lambda: acting(sandbox, act, project)), method="PUT", nth=1))


def is_armed(site: Site) -> bool:
    return acting(site.staging, lambda store: json.loads(newest(store, POLICY).text)["enabled"]) is True


def test_disarming_holds_against_who_arms_at_the_same_moment(armed: Site) -> None:
    armed.policy(enabled=False)
    beside(armed.staging, "policy.json", lambda store: armed.policy(enabled=False, settle_minutes=3))
    with pytest.raises(OvertakenError, match="disarmed"):
        acting(armed.staging, lambda store: switch(store, enabled=True))
    assert not is_armed(armed)


def test_disarming_begins_anew_where_another_stores_the_policy_at_the_same_moment(armed: Site) -> None:
    beside(armed.staging, "policy.json", lambda store: armed.policy(settle_minutes=3))
    acting(armed.staging, lambda store: switch(store, enabled=False))
    stored = acting(armed.staging, lambda store: json.loads(newest(store, POLICY).text))
    assert (stored["enabled"], stored["settle_minutes"]) == (False, 3)


def test_of_two_policies_at_the_same_moment_the_first_stands_and_is_not_armed(armed: Site) -> None:
    before = acting(armed.staging, lambda store: newest(store, POLICY))
    mine = json.dumps(json.loads(before.text) | {"based_on": before.version, "settle_minutes": 7})
    beside(armed.staging, "policy.json", lambda store: armed.policy(settle_minutes=3))
    location = XnatLocation(STAGING)
    with pytest.raises(OvertakenError, match="theirs stands"):
        acting(armed.staging, lambda store: push(store, location, POLICY, mine, "policy.json"))
    stored = acting(armed.staging, lambda store: json.loads(newest(store, POLICY).text))
    assert (stored["enabled"], stored["settle_minutes"]) == (False, 3)


def test_of_two_keys_at_the_same_moment_the_first_stands(site: Site) -> None:
    made: list[str] = []

    def other(store: XnatDocumentStore) -> None:
        assert make_key(store)
        made.append(stored_key(store))

    beside(site.clean, KEY_DOCUMENT, other, CLEAN)
    assert acting(site.clean, make_key, CLEAN) is False
    assert acting(site.clean, stored_key, CLEAN) == made[0]


def stored_key(store: XnatDocumentStore) -> str:
    stored = store.load(KEY_DOCUMENT)
    assert stored is not None
    return stored.text.strip()


def test_a_source_that_is_taken_from_the_list_does_not_come_back_with_one_that_is_added(armed: Site) -> None:
    name = "accepts.json"
    other = fingerprint_of(b"another key of thirty-two bytes..", "OTHER")

    def change(store: XnatDocumentStore, wanted: Callable[[Accepts], Accepts]) -> None:
        stored = store.load(name)
        assert stored is not None
        put(store, name, wanted(Accepts.from_text(stored.text, name)).text(), stored.version)

    fingerprint = armed.fingerprint() or ""
    beside(armed.clean, name, lambda store: change(store, lambda accepts: accepts.without(fingerprint)), CLEAN)
    with pytest.raises(OvertakenError):
        acting(armed.clean, lambda store: change(store, lambda accepts: accepts.with_added(other, "")), CLEAN)
    assert fingerprint not in acting(armed.clean, lambda store: store.load(name).text, CLEAN)


def test_a_template_that_was_stored_first_is_not_lost(armed: Site) -> None:
    name = "templates.json"
    before = acting(armed.staging, lambda store: store.load(name))
    beside(armed.staging, name, lambda store: armed.templates(banner_template()))
    mine = json.dumps({"schema_version": 1, "templates": [clean_template()]})
    with pytest.raises(PixelanonError):
        acting(armed.staging, lambda store: put(store, name, mine, before.version))
    stored = acting(armed.staging, lambda store: json.loads(store.load(name).text))
    assert [one["id"] for one in stored["templates"]] == ["us-banner"]


class _Overtaking:
    """A store in which somebody else's `theirs` came just before the first push."""

    def __init__(self, theirs: str) -> None:
        self.theirs = theirs
        self.pushed: list[str] = []

    def push(self, name: str, text: str, based_on: int | None) -> int:
        self.pushed.append(text)
        if len(self.pushed) == 1:
            raise OvertakenError(name, 5, self.theirs)
        return 6


@pytest.mark.parametrize("theirs", ["", "not json", "[]"])
def test_an_armed_policy_over_one_that_cannot_be_put_back_is_disarmed(theirs: str) -> None:
    store = _Overtaking(theirs)
    with pytest.raises(OvertakenError, match="could not be put back; yours is stored, disarmed"):
        documents.put(store, "policy.json", '{"enabled": true}', 3)  # type: ignore[arg-type]
    assert '"enabled": false' in store.pushed[-1]
