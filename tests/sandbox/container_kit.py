"""A site with a command to launch: what the tests of containers and events share."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from conftest import Stage, Study

from xnat_pixelanon.sandbox.cs_containers import Container
from xnat_pixelanon.sandbox.server import Sandbox

# Prints what it was given; an argument or a variable tells it to fail, to wait, or what to write.
PROGRAM = """
import json, os, sys, time
print(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}), flush=True)
print("to stderr", file=sys.stderr, flush=True)
time.sleep(float(os.environ.get("PAUSE") or 0))
sys.exit(int(os.environ.get("EXIT") or 0))
"""


def session_wrapper(name: str = "per-session", **more: Any) -> dict[str, Any]:
    """One external input, its ID and project handed to command inputs."""
    derived = [
        {"name": f"of-{target}", "type": "string", "derived-from-wrapper-input": "session",
         "derived-from-xnat-object-property": prop, "provides-value-for-command-input": target}
        for target, prop in (("session-id", "id"), ("project-id", "project-id"))
    ]  # fmt: skip
    return {
        "name": name, "label": "Per session", "description": "One session.", "contexts": ["xnat:imageSessionData"],
        "external-inputs": [{"name": "session", "type": "Session", "required": True,
                             "provides-files-for-command-mount": "input"}],
        "derived-inputs": derived,
    } | more  # fmt: skip


def project_wrapper(name: str = "per-project", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "label": "Per project", "description": "One project.", "contexts": ["xnat:projectData"],
        "external-inputs": [{"name": "project", "type": "Project", "required": True, "load-children": False,
                             "provides-files-for-command-mount": "input"}],
        "derived-inputs": [{"name": "of-project", "type": "string", "derived-from-wrapper-input": "project",
                            "derived-from-xnat-object-property": "id",
                            "provides-value-for-command-input": "project-id"}],
    } | more  # fmt: skip


def a_command(**more: Any) -> dict[str, Any]:
    """A good command; keyword arguments replace keys, with `_` for `-`."""
    changes = {key.replace("_", "-"): value for key, value in more.items()}
    names = ("session-id", "project-id", "note", "pause", "exit")
    return {
        "name": "tool", "image": "tool:1", "version": "1", "type": "docker", "command-line": "go --fast",
        "mounts": [{"name": "input", "path": "/input"}, {"name": "work", "path": "/work", "writable": True}],
        "environment-variables": {
            "SESSION": "#session-id#", "PROJECT": "#project-id#", "NOTE": "#note#", "PAUSE": "#pause#",
            "EXIT": "#exit#", "MOUNT": "/input", "TMPDIR": "/work", "BELOW": "/input/SCANS", "OTHER": "/inputs",
        },
        "inputs": [{"name": name, "type": "string", "default-value": ""} for name in names],
        "xnat": [session_wrapper(), project_wrapper()],
    } | changes  # fmt: skip


@dataclass
class Launchpad:
    """A site with users owner, member, collaborator, stranger and admin, and HTTP sessions of theirs."""

    sandbox: Sandbox
    sessions: dict[str, requests.Session] = field(default_factory=dict)

    def call(self, user: str, method: str, path: str, **arguments: Any) -> requests.Response:
        session = self.sessions.setdefault(user, requests.Session())
        session.auth = (user, "pw")
        return session.request(method, f"{self.sandbox.url}{path}", timeout=30, allow_redirects=False, **arguments)

    def register(self, document: dict[str, Any] | None = None, *, enable: str = "P") -> dict[str, int]:
        """Posts a command and enables its wrappers on the site and in a project; wrapper IDs by name."""
        answer = self.call("admin", "POST", "/xapi/commands", json=document or a_command())
        assert answer.status_code == 201, answer.text
        wrappers = self.wrappers(int(answer.text))
        for number in wrappers.values() if enable else ():
            assert self.call("admin", "PUT", f"/xapi/wrappers/{number}/enabled").status_code == 200
            path = f"/xapi/projects/{enable}/wrappers/{number}/enabled"
            assert self.call("owner", "PUT", path).status_code == 200
        return wrappers

    def wrappers(self, command: int) -> dict[str, int]:
        document = self.call("admin", "GET", f"/xapi/commands/{command}").json()
        return {wrapper["name"]: wrapper["id"] for wrapper in document["xnat"]}

    def launch(
        self, wrapper: int, root: str, value: str, *, user: str = "owner", project: str = "P", **values: str
    ) -> str:
        """The workflow of a launch that was taken."""
        path = f"/xapi/projects/{project}/wrappers/{wrapper}/root/{root}/launch"
        answer = self.call(user, "POST", path, json={root: value, **values})
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "success"
        return str(answer.json()["workflow-id"])

    def only(self) -> Container:
        (container,) = self.sandbox.wait_for_containers(30)
        return container

    def until(self, status: str) -> Container:
        """The newest container, once it is in that status."""
        for _ in range(1000):
            found = self.sandbox.containers()
            if found and found[-1].status == status:
                return found[-1]
            time.sleep(0.01)
        raise AssertionError([c.status for c in self.sandbox.containers()])


def launchpad(stage: Stage, program: str = PROGRAM) -> Launchpad:
    stage.sandbox.container_entrypoint = [sys.executable, "-c", program]
    return Launchpad(stage.sandbox)


def seen(container: Container) -> dict[str, Any]:
    """What PROGRAM saw."""
    found = json.loads(container.stdout.splitlines()[0])
    assert isinstance(found, dict)
    return found


def seed(sandbox: Sandbox, study: Study, *, project: str = "P", label: str = "SESS", announce: bool = False) -> str:
    if not study.files:
        study.series(1, count=1)
    return sandbox.seed_session(project, "SUBJ", label, study.files, announce=announce)


MakeStage = Callable[..., Stage]
MakeStudy = Callable[[], Study]
