"""A clean project that cannot take sessions safely is refused before anything is sent."""

from __future__ import annotations

import pytest

from tests.archive.conftest import pixel_digest
from xnat_pixelanon.archive import Role, XnatDestination, XnatDocumentStore, prearchive_code, project_role
from xnat_pixelanon.archive.rights import project_accessibility, project_exists
from xnat_pixelanon.errors import NotFoundError, RefusedError, RightsError
from xnat_pixelanon.sandbox.faults import Fault, Status
from xnat_pixelanon.sandbox.settings import Settings


def put_script(world, uri, script, *, user="owner"):
    owner = world.connect(user)
    owner.put(uri, "x", script.encode(), content_type="text/plain")
    owner.put(f"{uri}/enabled?enable=true", "x", content_type="application/json")


@pytest.mark.parametrize(("user", "role"), [("member", "member"), ("reader", "collaborator")])
def test_an_account_that_is_no_owner_is_refused(world, user, role):
    with pytest.raises(RightsError, match=f"the account is {role} of the clean project"):
        world.destination(user).check()


def test_a_project_that_is_not_there_or_not_readable_is_not_found(world):
    for user, project in (("owner", "NOWHERE"), ("nobody", "CLEAN")):
        with pytest.raises(NotFoundError, match=project):
            world.destination(user, project).check()


def test_a_reader_of_a_public_project_has_no_role_in_it(world):
    world.sandbox.set_accessibility("CLEAN", "public")
    connection = world.connect("nobody")
    assert project_role(connection, "CLEAN") is Role.NONE
    assert project_role(connection, "CLEAN", "Owner".lower()) is Role.OWNER


def test_a_site_that_keeps_its_lists_of_users_to_owners_still_tells_the_accounts_own_role(world):
    world.sandbox.faults.add(Fault("/users", Status(403), nth=None))
    for user, role in (("owner", Role.OWNER), ("member", Role.MEMBER), ("reader", Role.COLLABORATOR)):
        assert project_role(world.connect(user), "CLEAN") is role
    assert project_role(world.connect("member"), "CLEAN", "owner") is Role.NONE
    world.sandbox.faults.add(Fault("/xapi/access", Status(404), nth=None))
    assert project_role(world.connect("owner"), "CLEAN") is Role.NONE


def test_the_source_itself_is_refused(world):
    connection = world.connect()
    destination = XnatDestination(connection, "CLEAN", pixel_digest, source=(connection.server, "CLEAN"))
    with pytest.raises(RefusedError, match="the same project"):
        destination.check()


def test_a_project_with_a_policy_of_its_own_is_refused(world):
    store = XnatDocumentStore(world.connect(), "CLEAN")
    store.push("accepts.json", '{"schema_version": 1, "accepts": []}', None)
    world.destination().check()
    store.push("policy.json", '{"enabled": false}', None)
    with pytest.raises(RefusedError, match="policy of its own"):
        world.destination().check()
    world.connect().delete("/data/projects/CLEAN/config/pixelanon/policy.json", "disabling it")
    assert store.load("policy.json") is None
    with pytest.raises(RefusedError, match="policy of its own"):
        world.destination().check()


@pytest.mark.parametrize("whose", ["projects/CLEAN", "site"])
def test_a_script_that_edits_pixels_or_uids_is_refused_by_its_line(world, whose):
    world.sandbox.add_user("admin", "admin-pw", admin=True)
    script = 'version "6.1"\n(0010,0010) := "SECRET"\n\nalterPixels["rectangle","l=0,t=0,r=1,b=1","solid","v=0"]\n'
    put_script(world, f"/xapi/anonymize/{whose}", script, user="admin")
    with pytest.raises(RefusedError, match=r"in line 4$") as caught:
        world.destination().check()
    assert "SECRET" not in caught.value.message + caught.value.hint


def test_a_script_that_is_switched_off_or_harmless_is_no_matter(world):
    uri = "/xapi/anonymize/projects/CLEAN"
    put_script(world, uri, 'version "6.1"\n- (0008,0018)\n')
    world.connect().put(f"{uri}/enabled?enable=false", "x", content_type="application/json")
    world.destination().check()
    put_script(world, uri, 'version "6.1"\n(0008,0080) := "NONE"\nremoveAllPrivateTags\n')
    world.destination().check()


def test_a_site_whose_script_is_switched_off_is_fine(new_world):
    new_world(Settings(site_script_enabled=False)).destination().check()


@pytest.mark.parametrize("status", [403, 404])
def test_a_script_that_cannot_be_read_is_refused(world, status):
    world.sandbox.faults.add(Fault("/xapi/anonymize/site", Status(status), nth=None))
    with pytest.raises(RefusedError, match="cannot be read"):
        world.destination().check()


def test_settings_of_a_project_are_read(world):
    connection = world.connect()
    assert project_exists(connection, "CLEAN")
    assert not project_exists(connection, "NOWHERE")
    assert project_accessibility(connection, "CLEAN") == "private"
    assert prearchive_code(connection, "CLEAN") == 0
