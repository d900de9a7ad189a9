"""A clean project on a named server takes only from keys that its owner listed; on the same server from anybody."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import CLEAN, OWNER, PASSWORD, STAGING, Site, slices, ultrasound
from xnat_pixelanon.archive import Credentials, DirLocation, XnatDocumentStore, XnatLocation, connect
from xnat_pixelanon.domain.accepts import fingerprint_of
from xnat_pixelanon.errors import DocumentError, NotFoundError, RefusedError
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, RuleFiles
from xnat_pixelanon.sandbox.faults import Call, Fault
from xnat_pixelanon.sandbox.person import Person

OTHER = fingerprint_of(bytes(32), STAGING)


def refused(site: Site, **options: object) -> str:
    """What a run is refused with before anything was sent."""
    site.clean.clear_requests()
    with pytest.raises(RefusedError) as caught:
        site.run(**options)
    assert site.reads_only()
    return f"{caught.value.message}; {caught.value.hint}"


def test_a_fingerprint_is_that_of_the_contract_and_says_nothing_of_the_key() -> None:
    found = fingerprint_of(bytes(range(32)), STAGING)
    assert found == "xwfaesxr6paeg7wwfgii3mhaif"
    assert found != fingerprint_of(bytes(range(32)), "EVIL")


def test_a_key_that_a_reader_stored_in_a_project_of_his_own_is_not_accepted(site: Site) -> None:
    """XNAT's config service gives the key to whoever can read the project."""
    site.staging.add_user("mallory", PASSWORD)
    site.staging.set_role(STAGING, "mallory", "collaborator")
    site.staging.add_project("EVIL", owner="mallory")
    with connect(Credentials(site.staging.url, "mallory", PASSWORD)) as connection:
        there, own = XnatDocumentStore(connection, STAGING), XnatDocumentStore(connection, "EVIL")
        for name in (KEY_DOCUMENT, "policy.json", "templates.json"):
            stored = there.load(name)
            assert stored is not None
            own.push(name, stored.text, None)
    assert "has not accepted this source" in refused(
        site, source=XnatLocation("EVIL"), environment=site.environment() | {"XNAT_USER": "mallory"}
    )


@pytest.mark.parametrize("listed", [(), (OTHER,)])
def test_a_key_that_is_not_listed_is_refused_with_its_fingerprint_and_the_command(
    listed: tuple[str, ...], site: Site
) -> None:
    site.accept(*listed)
    mine = site.fingerprint()
    said = refused(site)
    assert mine is not None
    assert f"fingerprint {mine}" in said
    assert f"xnat-pixelanon accept add --to xnat:CLEAN@PUBLIC {mine}" in said
    site.accept(*listed, mine)
    assert site.outcomes() == ["published"]


def test_a_clean_project_without_the_document_accepts_nobody(site: Site) -> None:
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as connection:
        connection.put(f"/data/projects/{CLEAN}/config/pixelanon/accepts.json?status=disabled", "disabling")
    assert "has not accepted this source" in refused(site)


def test_a_list_that_is_none_is_told_by_its_path(site: Site) -> None:
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as connection:
        store = XnatDocumentStore(connection, CLEAN)
        newest = store.load("accepts.json")
        assert newest is not None
        store.push("accepts.json", '{"schema_version": 1, "accepts": [{"fingerprint": "short"}]}', newest.version)
    with pytest.raises(DocumentError, match=r"\$\.accepts\[0\]\.fingerprint: expected the 26 characters"):
        site.run()
    assert site.visible() == {}


def test_a_key_that_is_struck_off_while_a_session_is_worked_on_stops_the_run(site: Site) -> None:
    site.seed("S2", slices(Person.numbered(2), 1, study=2), person=Person.numbered(2))
    site.clean.faults.add(Fault("/services/import", Call(lambda: site.accept(OTHER)), nth=2))
    ended = site.attempt()
    assert (ended.status, ended.outcomes) == (3, ("published", "failed"))
    assert "has not accepted this source" in ended.said
    assert len(site.visible()) == 1
    site.accept(site.fingerprint())
    assert site.outcomes() == ["unchanged", "published"]


@pytest.fixture
def same(site: Site) -> Site:
    """A policy whose destination is a project of the same server."""
    site.staging.add_project(CLEAN, owner=OWNER)
    site.policy(destination={"server": "same", "project": CLEAN})
    site.accept()
    return site


def test_on_the_same_server_no_list_is_asked_for(same: Site) -> None:
    same.clean.clear_requests()
    assert same.outcomes() == ["published"]
    assert same.clean.requests == []


def test_on_the_same_server_who_stored_the_policy_has_to_own_the_clean_project(same: Site) -> None:
    """A co-owner of staging could otherwise spend the rights of whoever launches, or made the subscription."""
    same.staging.add_user("second", PASSWORD)
    same.staging.set_role(STAGING, "second", "owner")
    same.staging.add_project("OTHERS", owner=OWNER)
    with connect(Credentials(same.staging.url, "second", PASSWORD)) as connection:
        store = XnatDocumentStore(connection, STAGING)
        newest = store.load("policy.json")
        assert newest is not None
        store.push("policy.json", newest.text.replace(CLEAN, "OTHERS"), newest.version)
    with pytest.raises(RefusedError, match="no owner of the clean project OTHERS"):
        same.run()
    same.staging.set_role("OTHERS", "second", "owner")
    assert same.outcomes() == ["published"]


def test_a_second_server_under_the_sources_own_name_is_the_same_server(same: Site) -> None:
    """`same` follows the source to the server that it is on."""
    named = {f"PIXELANON_PUBLIC_{part}": same.environment()[f"XNAT_{part}"] for part in ("HOST", "USER", "PASS")}
    source = XnatLocation(STAGING, "PUBLIC")
    assert same.outcomes(source=source, environment=same.environment() | named) == ["published"]


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Callable[[], list[str]]:
    """A folder of the same images with the same key, sent to the clean project; gives outcomes."""
    shutil.copytree(site.staging.session_folder("STAGE_E00001") / "SCANS", tmp_path / "in")
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        for name in ("templates.json", "policy.json", KEY_DOCUMENT):
            stored = XnatDocumentStore(connection, STAGING).load(name)
            assert stored is not None
            (tmp_path / name).write_text(stored.text)
    files = RuleFiles(tmp_path / "templates.json", tmp_path / "policy.json", tmp_path / KEY_DOCUMENT)
    return lambda: site.outcomes(
        source=DirLocation(tmp_path / "in"), destination=XnatLocation(CLEAN, "PUBLIC"), files=files
    )


def test_a_folder_that_is_sent_to_a_named_server_needs_its_key_listed_too(
    site: Site, folder: Callable[[], list[str]]
) -> None:
    site.accept(OTHER)
    with pytest.raises(RefusedError, match="has not accepted this source"):
        folder()
    assert site.visible() == {}
    site.accept(site.fingerprint())
    with pytest.raises(RefusedError) as caught:
        folder()
    site.accept(caught.value.hint.split()[-1])
    assert folder() == ["published"]


def test_a_plan_and_a_run_into_a_folder_ask_nobody(site: Site, tmp_path: Path) -> None:
    site.accept()
    assert site.outcomes(dry_run=True) == ["planned"]
    assert site.outcomes(destination=DirLocation(tmp_path / "out")) == ["published"]


def test_a_clean_project_that_is_not_there_is_named_before_its_list_is_missed(site: Site) -> None:
    site.policy(destination={"server": "PUBLIC", "project": "NOWHERE"})
    with pytest.raises(NotFoundError, match="project NOWHERE"):
        site.run()


def test_an_ultrasound_of_a_session_that_is_accepted_leaks_nothing(site: Site) -> None:
    person = Person.numbered(5)
    site.seed("S5", [ultrasound(person, study=5)], person=person)
    assert site.outcomes() == ["published", "published"]
    assert site.sweep().leaks == ()
