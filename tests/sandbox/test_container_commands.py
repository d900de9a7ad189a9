"""Registering, updating, enabling and configuring commands, as the Container Service answers it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from container_kit import Launchpad, MakeStage, a_command, launchpad, project_wrapper, session_wrapper

from xnat_pixelanon.sandbox.server import Sandbox

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def pad(stage: MakeStage) -> Launchpad:
    return launchpad(stage())


def post(pad: Launchpad, document: Any, path: str = "/xapi/commands", user: str = "admin") -> Any:
    return pad.call(user, "POST", path, json=document)


def test_a_command_is_created_listed_and_deleted(pad: Launchpad) -> None:
    answer = post(pad, a_command(id=99, nonsense={"a": 1}))
    assert (answer.status_code, answer.text) == (201, "1")
    document = pad.call("member", "GET", "/xapi/commands/1").json()
    assert document["name"] == "tool"
    assert "nonsense" not in document
    assert [w["id"] for w in document["xnat"]] == [1, 2]
    assert document["xnat"][0]["derived-inputs"][0]["required"] is True
    assert len(pad.call("member", "GET", "/xapi/commands?name=tool&version=1").json()) == 1
    assert pad.call("member", "GET", "/xapi/commands?name=other").json() == []
    assert pad.call("member", "GET", "/xapi/commands?version=1").status_code == 400
    assert pad.call("owner", "DELETE", "/xapi/commands/1").status_code == 403
    assert pad.call("admin", "DELETE", "/xapi/commands/1").status_code == 204
    assert pad.call("admin", "GET", "/xapi/commands").json() == []
    assert pad.call("admin", "GET", "/xapi/commands/1").status_code == 404


def test_only_a_manager_writes_commands(pad: Launchpad) -> None:
    assert post(pad, a_command(), user="owner").status_code == 403
    pad.register(enable="")
    assert post(pad, a_command(), "/xapi/commands/1", "owner").status_code == 403
    assert pad.call("owner", "DELETE", "/xapi/wrappers/1").status_code == 403


def test_an_image_without_a_tag_is_latest_on_creation_and_an_error_on_update(pad: Launchpad) -> None:
    assert post(pad, a_command(image="tool")).status_code == 201
    assert pad.call("admin", "GET", "/xapi/commands/1").json()["image"] == "tool:latest"
    answer = post(pad, a_command(image="tool"), "/xapi/commands/1")
    assert (answer.status_code, answer.text) == (400, "Invalid command:\n\tImage name must include a version tag.")


def test_name_image_and_version_are_unique(pad: Launchpad) -> None:
    pad.register(enable="")
    assert post(pad, a_command()).status_code == 400
    assert post(pad, a_command(version="2")).status_code == 201
    assert post(pad, a_command(), "/xapi/commands/2").status_code == 500


def test_a_body_that_does_not_bind_is_refused(pad: Launchpad) -> None:
    assert post(pad, [a_command()]).status_code == 400
    assert post(pad, a_command(limit_memory="12MB")).status_code == 400
    assert post(pad, a_command(inputs=[{"type": "string"}])).status_code == 400
    assert pad.call("admin", "POST", "/xapi/commands", data="{", headers=JSON).status_code == 400
    assert pad.call("admin", "POST", "/xapi/commands", data="{}").status_code == 415


Change = Callable[[dict[str, Any]], object]
FAULTS: dict[str, tuple[Change, str]] = {
    "name": (lambda c: c.update(name=" "), "Command name cannot be blank"),
    "image": (lambda c: c.update(image=""), "Image name cannot be blank"),
    "type": (lambda c: c.update(type="Docker"), "Unknown command type"),
    "visibility": (lambda c: c.update(visibility="Public"), "Unknown visibility"),
    "mount twice": (lambda c: c["mounts"].append(c["mounts"][0]), 'Mount name "input" is not unique'),
    "mount path": (lambda c: c["mounts"][0].update(path=""), 'Path of mount "input"'),
    "input name": (lambda c: c["inputs"][0].update(name="a b"), "may have only letters"),
    "input twice": (lambda c: c["inputs"].append(c["inputs"][0]), 'Command input name "session-id" is not unique'),
    "delimiter": (lambda c: c["inputs"][0].update({"multiple-delimiter": ";"}), "Multiple-delimiter"),
    "select": (lambda c: c["inputs"][2].update(type="select-one"), "has no select-values"),
    "no select": (lambda c: c["inputs"][2].update({"select-values": ["", "a"]}), "is not of a select type"),
    "default": (lambda c: c["inputs"][2].update({"type": "select-one", "select-values": ["a"], "default-value": "b"}),
                "is not among its select-values"),
    "provides select": (lambda c: c["inputs"][0].update({"type": "select-one", "select-values": [""]}),
                        "of a select type"),
    "wrapper twice": (lambda c: c["xnat"].append(c["xnat"][0]), 'Wrapper name "per-session" is not unique'),
    "wrapper input type": (lambda c: c["xnat"][0]["external-inputs"][0].update(type="session"), "is unknown"),
    "parent": (lambda c: c["xnat"][0]["derived-inputs"][0].update({"derived-from-wrapper-input": "of-project-id"}),
               "is not an input above it"),
    "multiple": (lambda c: c["xnat"][0]["derived-inputs"][0].update(
        {"multiple": True, "provides-value-for-command-input": None}), "has multiple values and must provide"),
    "set-up": (lambda c: c["xnat"][0]["derived-inputs"][0].update({"via-setup-command": "a:1"}),
               "has a via-setup-command"),
    "output": (lambda c: c.update(outputs=[{"name": "o", "mount": "work"}]), "is not handled by any handler"),
    "secret": (lambda c: c.update(secrets=[secret("p", "XNAT_PASS")]), "reserved environment variable XNAT_PASS"),
    "secret twice": (lambda c: c.update(secrets=[secret("p", "NOTE")]), "both set NOTE"),
    "ulimit": (lambda c: c.update(ulimits={"nofile": "1:2:3"}), "Ulimit nofile"),
}  # fmt: skip


def secret(source: str, target: str) -> dict[str, Any]:
    return {
        "source": {"type": "system-property", "identifier": source},
        "destination": {"type": "environment-variable", "identifier": target},
    }


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launchpad]:
    with Sandbox(tmp_path_factory.mktemp("shared")) as sandbox:
        sandbox.add_user("admin", "pw", admin=True)
        yield Launchpad(sandbox)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_command_is_named(shared: Launchpad, fault: str) -> None:
    change, message = FAULTS[fault]
    document = copy.deepcopy(a_command())
    change(document)
    answer = post(shared, document)
    assert answer.status_code == 400, answer.text
    assert answer.text.startswith("Invalid command:\n\t")
    assert message in answer.text
    assert shared.call("admin", "GET", "/xapi/commands").json() == []


def test_all_faults_are_named_at_once(pad: Launchpad) -> None:
    document = copy.deepcopy(a_command(name="", visibility="x"))
    document["mounts"][0]["path"] = ""
    assert post(pad, document).text.count("\n\t") == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"secrets": [None]},
        {"outputs": [{"mount": "work"}]},
        {"inputs": [{"name": "many", "type": "select-many", "select-values": ["a"]}]},
        {"label": "x" * 256},
    ],
)
def test_what_the_validation_or_the_database_throws_on_is_a_500(shared: Launchpad, changes: dict[str, Any]) -> None:
    assert post(shared, a_command(**changes)).status_code == 500


def test_an_update_keeps_the_ids_of_wrappers_by_name(pad: Launchpad) -> None:
    before = pad.register()
    new = a_command(version="2", xnat=[project_wrapper(), session_wrapper("another")])
    assert post(pad, new, "/xapi/commands/1").status_code == 200
    after = pad.wrappers(1)
    assert after == {"per-project": before["per-project"], "another": 3}
    enabled = {name: pad.call("admin", "GET", f"/xapi/wrappers/{n}/enabled").json() for name, n in after.items()}
    assert enabled == {"per-project": True, "another": False}
    assert pad.call("admin", "GET", f"/xapi/wrappers/{before['per-session']}/enabled").status_code == 404
    assert post(pad, new, "/xapi/commands/7").status_code == 404


def test_a_deleted_wrapper_is_gone(pad: Launchpad) -> None:
    wrappers = pad.register()
    assert pad.call("admin", "DELETE", f"/xapi/wrappers/{wrappers['per-session']}").status_code == 204
    assert list(pad.wrappers(1)) == ["per-project"]


def offered(pad: Launchpad, user: str, xsi_type: str, project: str = "P") -> list[str]:
    path = f"/xapi/projects/{project}/commands/available?xsiType={xsi_type}"
    rows = pad.call(user, "GET", path).json()
    return [row["wrapper-name"] for row in rows]


def test_a_wrapper_is_offered_where_site_and_project_enable_it_and_the_context_fits(pad: Launchpad) -> None:
    number = pad.register(enable="")["per-session"]
    site, project = f"/xapi/wrappers/{number}", "/xapi/projects/P/commands/1/wrappers/per-session"
    assert pad.call("owner", "PUT", f"{site}/enabled").status_code == 403
    assert pad.call("member", "PUT", f"{project}/enabled").status_code == 403
    assert pad.call("stranger", "PUT", f"{project}/enabled").status_code == 403
    assert pad.call("owner", "PUT", f"{project}/enabled").status_code == 200
    assert offered(pad, "collaborator", "xnat:ctSessionData") == []
    assert pad.call("admin", "PUT", f"{site}/enabled").status_code == 200
    assert offered(pad, "collaborator", "xnat:ctSessionData") == ["per-session"]
    assert offered(pad, "owner", "xnat:projectData") == []
    assert pad.call("stranger", "GET", "/xapi/projects/P/commands/available?xsiType=a:b").status_code == 403
    assert pad.call("owner", "GET", "/xapi/projects/NONE/commands/available?xsiType=a:b").status_code == 404
    assert pad.call("collaborator", "GET", f"{project}/enabled").status_code == 403
    report = pad.call("member", "GET", f"{project}/enabled").json()
    assert report == {"enabled-for-site": True, "enabled-for-project": True, "project": "P"}
    assert pad.call("owner", "PUT", f"{project}/disabled").status_code == 200
    assert offered(pad, "collaborator", "xnat:ctSessionData") == []


def test_a_project_s_configuration_overrides_the_site_s(pad: Launchpad) -> None:
    number = pad.register(enable="")["per-session"]
    site, project = f"/xapi/wrappers/{number}/config", f"/xapi/projects/P/wrappers/{number}/config"
    one, two = ({"inputs": {"note": {"default-value": value}}} for value in ("site", "project"))
    assert pad.call("owner", "POST", site, json=one).status_code == 403
    assert pad.call("admin", "POST", site, json=one).status_code == 201
    assert pad.call("member", "POST", project, json=two).status_code == 403
    assert pad.call("collaborator", "GET", project).status_code == 403
    assert pad.call("member", "GET", project).json()["inputs"]["note"]["default-value"] == "site"
    assert pad.call("owner", "POST", f"{project}?enable=false", json=two).status_code == 201
    assert pad.call("member", "GET", project).json()["inputs"]["note"]["default-value"] == "project"
    assert pad.call("admin", "GET", site).json()["inputs"]["note"]["default-value"] == "site"
    assert offered(pad, "owner", "xnat:ctSessionData") == []
    assert pad.call("owner", "DELETE", project).status_code == 204
    assert pad.call("member", "GET", project).json()["inputs"]["note"]["default-value"] == "site"
    # The presets go, the switch stays.
    assert pad.call("owner", "PUT", f"/xapi/projects/P/wrappers/{number}/enabled").status_code == 200
    assert pad.call("owner", "POST", project, json=two).status_code == 201
    assert pad.call("owner", "DELETE", project).status_code == 204
    assert offered(pad, "owner", "xnat:ctSessionData") == ["per-session"]
    # What a wrapper input provides cannot be preset.
    assert "session-id" not in pad.call("member", "GET", project).json()["inputs"]


def test_the_projects_of_a_wrapper_are_told_to_a_manager(pad: Launchpad) -> None:
    wrappers = pad.register()
    pad.sandbox.add_project("Q", owner="owner")
    path = f"/xapi/wrappers/{wrappers['per-session']}/projects"
    pad.call("owner", "PUT", f"/xapi/projects/Q/wrappers/{wrappers['per-session']}/enabled")
    assert pad.call("admin", "GET", path).json() == ["P", "Q"]
    pad.call("owner", "PUT", f"/xapi/projects/P/wrappers/{wrappers['per-session']}/disabled")
    assert pad.call("admin", "GET", path).json() == ["Q"]
    assert pad.call("owner", "GET", path).status_code == 403
    assert pad.call("admin", "GET", "/xapi/wrappers/99/projects").status_code == 404


def test_a_private_command_is_shown_where_it_is_enabled(pad: Launchpad) -> None:
    pad.register(a_command(visibility="private"), enable="")
    assert pad.call("owner", "GET", "/xapi/commands").json() == []
    assert pad.call("owner", "GET", "/xapi/commands/1").text == ""
    pad.call("owner", "PUT", "/xapi/projects/P/wrappers/1/enabled")
    assert len(pad.call("collaborator", "GET", "/xapi/commands").json()) == 1
    assert pad.call("stranger", "GET", "/xapi/commands").json() == []
