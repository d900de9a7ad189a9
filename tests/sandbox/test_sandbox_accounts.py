"""Who may do what, and what a dead login looks like: things that only a server of our own can be brought into."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests
import xnat
from conftest import Corner, Endpoint, Stage, Study, connect

MakeStage = Callable[..., Stage]
BYTES = {"Content-Type": "application/octet-stream"}
TEXT = {"Content-Type": "text/plain"}
P = "/data/projects/P"


@pytest.mark.parametrize(("mode", "status", "body"), [("401", 401, "<html>"), ("html", 200, "<!DOCTYPE html>")])
def test_a_killed_session_answers_as_the_site_is_set_up(stage: MakeStage, mode: str, status: int, body: str) -> None:
    site = stage(dead_session=mode)
    corner = site.as_user("owner")
    site.sandbox.kill_sessions()
    answer = corner.raw("GET", f"{P}/experiments")
    assert answer.status_code == status
    assert answer.text.startswith(body)


def test_a_dead_session_may_fall_back_to_the_guest(stage: MakeStage) -> None:
    site = stage(dead_session="guest")
    site.sandbox.add_project("OPEN", owner="owner", accessibility="public")
    corner = site.as_user("owner")
    site.sandbox.kill_sessions()
    assert corner.raw("GET", "/data/auth").text == "User 'guest' is logged in"
    assert corner.raw("GET", f"{P}/experiments").status_code == 404
    assert corner.raw("GET", "/data/projects/OPEN/experiments").status_code == 200


def test_an_idle_session_dies(stage: MakeStage) -> None:
    site = stage(session_timeout=0.2)
    corner = site.as_user("owner")
    time.sleep(0.4)
    assert corner.raw("GET", f"{P}/experiments").status_code == 401


def test_a_token_stays_when_sessions_are_killed_and_goes_when_revoked(stage: MakeStage) -> None:
    site = stage()
    alias, secret = site.sandbox.issue_token("member")
    site.sandbox.kill_sessions()
    with connect(Endpoint(site.sandbox.url, alias, secret)) as session:
        assert session.logged_in_user == "member"
    site.sandbox.revoke_token(alias)
    with pytest.raises(xnat.exceptions.XNATError):
        connect(Endpoint(site.sandbox.url, alias, secret))


def test_basic_auth_works_on_every_request(stage: MakeStage) -> None:
    site = stage()
    answer = requests.get(f"{site.sandbox.url}/data/auth", auth=("owner", "pw"), timeout=10)
    assert answer.text == "User 'owner' is logged in"
    assert "JSESSIONID" in answer.cookies


def write_config(corner: Corner) -> int:
    return int(corner.raw("PUT", f"{P}/config/pixelanon/policy.json", data=b"{}", headers=TEXT).status_code)


def test_the_table_of_roles(stage: MakeStage, study: Study) -> None:
    site = stage()
    study.series(1, count=1)
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    people = {name: site.as_user(name) for name in ("owner", "member", "collaborator", "stranger", "admin")}

    def statuses(call: Callable[[Corner], int]) -> dict[str, int]:
        return {name: call(corner) for name, corner in people.items()}

    read = statuses(lambda c: c.raw("GET", f"{P}/experiments").status_code)
    assert read == {"owner": 200, "member": 200, "collaborator": 200, "stranger": 404, "admin": 200}
    config = statuses(write_config)
    assert config == {"owner": 201, "member": 403, "collaborator": 403, "stranger": 404, "admin": 200}
    session_resource = statuses(lambda c: c.raw("PUT", f"/data/experiments/{session}/resources/R").status_code)
    assert session_resource == {"owner": 200, "member": 409, "collaborator": 403, "stranger": 404, "admin": 409}
    project_resource = statuses(lambda c: c.raw("PUT", f"{P}/resources/R").status_code)
    assert project_resource == {"owner": 200, "member": 403, "collaborator": 403, "stranger": 404, "admin": 409}
    script = statuses(
        lambda c: c.raw("PUT", "/xapi/anonymize/projects/P", data=b'version "6.1"\n', headers=TEXT).status_code
    )
    assert script == {"owner": 200, "member": 403, "collaborator": 403, "stranger": 404, "admin": 200}
    access = statuses(lambda c: c.raw("PUT", f"{P}/accessibility/private").status_code)
    assert access == {"owner": 200, "member": 403, "collaborator": 403, "stranger": 404, "admin": 200}
    delete = {
        name: people[name].raw("DELETE", f"/data/experiments/{session}").status_code
        for name in ("stranger", "collaborator", "member", "owner")
    }
    assert delete == {"stranger": 404, "collaborator": 403, "member": 403, "owner": 200}


def test_a_file_sent_without_the_right_is_200_and_vanishes(stage: MakeStage, study: Study) -> None:
    site = stage()
    study.series(1, count=1)
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    site.sandbox.add_resource_file("P", None, "R", "there.txt", b"x")
    member, collaborator = site.as_user("member"), site.as_user("collaborator")
    project_file = f"{P}/resources/R/files/a.txt"
    session_file = f"/data/experiments/{session}/resources/R/files/a.txt"
    assert member.raw("PUT", project_file, data=b"x", headers=BYTES).status_code == 200
    assert collaborator.raw("PUT", session_file, data=b"x", headers=BYTES).status_code == 200
    assert [row["Name"] for row in member.rows(f"{P}/resources/R/files")] == ["there.txt"]
    assert member.raw("GET", session_file).status_code == 404
    assert member.raw("PUT", session_file, data=b"x", headers=BYTES).status_code == 200
    assert member.raw("GET", session_file).content == b"x"


def test_a_quarantined_session_is_hidden_from_all_but_owners(stage: MakeStage, study: Study) -> None:
    site = stage()
    site.sandbox.set_accessibility("P", "public")
    study.series(1, count=1)
    owner, member, stranger = (site.as_user(name) for name in ("owner", "member", "stranger"))
    owner.archive(owner.to_prearchive(study.zip()), quarantine="true")
    (row,) = owner.experiments()
    path = f"/data/experiments/{row['ID']}"
    for corner in (member, stranger):
        assert corner.experiments() == []
        assert corner.raw("GET", path).status_code == 404
        assert corner.raw("GET", f"{path}/scans/ALL/files?format=zip").status_code == 404
    assert member.raw("PUT", f"{P}/experiments/SESS?activate=true").status_code != 200
    assert owner.raw("PUT", f"{P}/experiments/SESS?activate=true").status_code == 200
    assert len(stranger.experiments()) == 1


def test_a_quarantining_project_and_a_merge_with_quarantine_hide_the_whole_session(
    stage: MakeStage, study: Study, new_study: Callable[[], Study]
) -> None:
    site = stage()
    owner, member = site.as_user("owner"), site.as_user("member")
    study.series(1, count=1)
    owner.publish(study.zip())
    assert len(member.experiments()) == 1
    late = new_study()
    late.uid = study.uid
    late.series(2, count=1)
    assert owner.archive(owner.to_prearchive(late.zip()), quarantine="true").status_code == 200
    assert member.experiments() == []
    owner.raw("PUT", f"{P}/experiments/SESS?activate=true")
    owner.raw("PUT", f"{P}/quarantine_code/1")
    other = new_study()
    other.series(1, count=1)
    owner.publish(other.zip(), session="OTHER")
    assert [row["label"] for row in member.experiments()] == ["SESS"]


def test_whoever_can_read_may_upload_but_only_members_archive(stage: MakeStage, study: Study) -> None:
    site = stage()
    study.series(1, count=1)
    collaborator, member = site.as_user("collaborator"), site.as_user("member")
    url = collaborator.to_prearchive(study.zip())
    assert collaborator.archive(url).status_code == 403
    assert collaborator.raw("DELETE", url).status_code == 403
    assert member.archive(url).status_code == 200


def test_an_upload_into_an_unreadable_project_goes_to_unassigned(stage: MakeStage, study: Study) -> None:
    site = stage()
    study.series(1, count=1)
    stranger = site.as_user("stranger")
    url = stranger.to_prearchive(study.zip())
    assert url.startswith("/data/prearchive/projects/Unassigned/")
    assert site.as_user("owner").prearchive() == []
    assert stranger.raw("GET", "/data/prearchive/projects/Unassigned").status_code == 403
    assert len(site.as_user("admin").rows("/data/prearchive/projects/Unassigned")) == 1


def test_a_shared_session_is_listed_with_its_label_there_and_belongs_elsewhere(stage: MakeStage, study: Study) -> None:
    site = stage()
    site.sandbox.add_project("OTHER", owner="stranger")
    study.series(1, count=1)
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    site.sandbox.share_session(session, "OTHER", label="THEIRS")
    stranger = site.as_user("stranger")
    (row,) = stranger.rows("/data/projects/OTHER/experiments")
    assert (row["ID"], row["project"], row["label"]) == (session, "OTHER", "THEIRS")
    item = stranger.client.get_json(f"/data/experiments/{session}")["items"][0]
    assert item["data_fields"]["project"] == "P"
    assert stranger.raw("DELETE", f"/data/projects/OTHER/experiments/{session}?removeFiles=true").status_code == 200
    assert len(site.as_user("owner").experiments()) == 1


def test_roles_are_listed_and_given_by_owners(stage: MakeStage) -> None:
    site = stage()
    owner = site.as_user("owner")
    rows = {row["login"]: row["displayname"] for row in owner.rows(f"{P}/users")}
    assert rows == {"owner": "Owners", "member": "Members", "collaborator": "Collaborators"}
    assert owner.raw("PUT", f"{P}/users/Members/stranger").status_code == 200
    stranger = site.as_user("stranger")
    (mine,) = stranger.raw("GET", "/xapi/access/projects").json()
    assert (mine["ID"], mine["role"]) == ("P", "Members")


def test_a_protected_project_shows_its_title_only(stage: MakeStage) -> None:
    site = stage()
    site.sandbox.set_accessibility("P", "protected")
    stranger = site.as_user("stranger")
    assert [row["ID"] for row in stranger.rows("/data/projects")] == ["P"]
    assert stranger.raw("GET", P).status_code == 200
    assert stranger.raw("GET", f"{P}/experiments").status_code == 403
