"""A person at XNAT's own pages: the requests that the pages make, with a login, a cookie and a browser's agent."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from xnat_pixelanon.sandbox.server import Sandbox

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PROJECT, SESSION = "xnat:projectData", "xnat:usSessionData"
_ENDED = ("Complete", "Failed", "Killed")


@dataclass(frozen=True)
class Ended:
    """A container as Command History shows it: its status, and what its log window has."""

    id: int
    status: str
    out: str
    err: str

    @property
    def log(self) -> str:
        return self.out + self.err


@dataclass
class Browser:
    """Somebody who is logged in at a site, and looks at one of its projects."""

    site: Sandbox
    user: str
    project: str
    password: str = "pass-word"
    _http: requests.Session = field(default_factory=requests.Session)
    _token: str = ""

    def __post_init__(self) -> None:
        self._http.headers["User-Agent"] = AGENT
        self.ask("POST", "/data/services/auth", data={"username": self.user, "password": self.password})
        self._token = self.ask("GET", "/data/JSESSION?CSRF=true").text.partition("XNAT_CSRF=")[2]

    def try_(self, method: str, path: str, **more: Any) -> requests.Response:
        """A request, whatever the answer; what changes something carries the page's token."""
        query = {"XNAT_CSRF": self._token} if method != "GET" and self._token else {}
        query |= more.pop("params", {})
        return self._http.request(method, f"{self.site.url}{path}", params=query, timeout=30, **more)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = self.try_(method, path, **more)
        assert answer.status_code in (200, 201), (method, path, answer.status_code, answer.text)
        return answer

    # Project Settings, Configure Commands

    def commands(self) -> dict[tuple[str, str], str]:
        """What the list there says of each entry, by command and name."""
        return {
            (command["name"], wrapper["name"]): wrapper["description"]
            for command in self.ask("GET", "/xapi/commands").json()
            for wrapper in command["xnat"]
        }

    def switch_on(self, command: str, *, on: bool = True) -> None:
        """The switch of each entry of a command."""
        for one in self.ask("GET", "/xapi/commands").json():
            for wrapper in one["xnat"] if one["name"] == command else ():
                what = f"{'enabled' if on else 'disabled'}"
                self.ask("PUT", f"/xapi/projects/{self.project}/commands/{one['id']}/wrappers/{wrapper['name']}/{what}")

    # Actions, Run Containers

    def menu(self, xsi_type: str = PROJECT) -> dict[str, dict[str, Any]]:
        """The entries that are offered, by label."""
        path = f"/xapi/commands/available?project={self.project}&xsiType={xsi_type}"
        rows = self.ask("GET", path).json()
        return {row["wrapper-label"]: row for row in rows if row["enabled"]}

    def form(self, entry: str, *, session: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
        """The row of an entry, and its launch form."""
        row = self.menu(SESSION if session else PROJECT)[entry]
        what = f"/archive/experiments/{session}" if session else f"/archive/projects/{self.project}"
        path = f"/xapi/projects/{self.project}/wrappers/{row['wrapper-id']}/launch"
        return row, self.ask("GET", path, params={row["root-element-name"]: what}).json()

    def asks(self, entry: str) -> list[str]:
        """The fields that a form lets one fill in, as they are labelled."""
        return [one["label"] for one in self.form(entry)[1]["input-config"] if one["user-settable"]]

    def values(self, found: dict[str, Any]) -> dict[str, str]:
        """What a form holds when it opens, and is sent if nobody types anything."""
        fields = {one["name"] for one in found["input-config"]}
        values: dict[str, str] = {}
        nodes = list(found["input-values"])
        while nodes:
            node = nodes.pop()
            for value in node["values"][:1]:
                if node["name"] in fields and value["value"]:
                    values[node["name"]] = value["value"]
                nodes += value["children"]
        return values

    def launch(self, entry: str, *, session: str = "", **typed: str) -> Ended:
        """Run an entry with what is typed into its form (`_` for `-`), and wait for the end of its container."""
        row, found = self.form(entry, session=session)
        values = self.values(found) | {name.replace("_", "-"): value for name, value in typed.items()}
        return self.ended(self.send(int(row["wrapper-id"]), row["root-element-name"], values))

    def send(self, wrapper: int, root: str, values: dict[str, str]) -> str:
        """A launch with any values; the workflow that the page names."""
        path = f"/xapi/projects/{self.project}/wrappers/{wrapper}/root/{root}/launch"
        answer = self.ask("POST", path, json=values).json()
        assert answer["status"] == "success"
        return str(answer["workflow-id"])

    # Actions, Event Service

    def subscribe(self, label: str, event: str, status: str, action: str) -> None:
        """*Add New Event Subscription*, with what the lists of its form offer."""
        base = f"/xapi/projects/{self.project}/events"
        events = {one["id"].rpartition(".")[2]: one for one in self.ask("GET", f"{base}/events").json()}
        assert status in events[event]["statuses"]
        (key,) = [
            one["action-key"] for one in self.ask("GET", f"{base}/actions").json() if one["display-name"] == action
        ]
        subscription = {
            "name": label,
            "active": True,
            "act-as-event-user": False,
            "action-key": key,
            "attributes": {},
            "event-filter": {
                "event-type": events[event]["id"],
                "status": status,
                "project-ids": [self.project],
                "payload-filter": "",
            },
        }
        self.ask("POST", f"{base}/subscription", json=subscription)

    # Project Settings, Command History

    def history(self) -> list[dict[str, Any]]:
        return list(self.ask("POST", f"/xapi/projects/{self.project}/containers", json={}).json())

    def ended(self, workflow: str) -> Ended:
        """The container of a workflow, once it has ended."""
        limit = time.monotonic() + 120
        while time.monotonic() < limit:
            found = [one for one in self.history() if one.get("workflow-id") == workflow]
            if found and found[0]["status"] in _ENDED:
                number = int(found[0]["id"])
                logs = [self.ask("GET", f"/xapi/containers/{number}/logs/{one}").text for one in ("stdout", "stderr")]
                return Ended(number, found[0]["status"], *logs)
            time.sleep(0.1)
        raise AssertionError(f"no container of workflow {workflow} has ended: {self.history()}")

    # Manage Files

    def files(self, resource: str) -> list[str]:
        rows = self.ask("GET", f"/data/projects/{self.project}/resources?format=json").json()["ResultSet"]["Result"]
        if resource not in [row["label"] for row in rows]:
            return []
        path = f"/data/projects/{self.project}/resources/{resource}/files?format=json"
        return [row["URI"].partition("/files/")[2] for row in self.ask("GET", path).json()["ResultSet"]["Result"]]

    def download(self, resource: str, name: str) -> bytes:
        return self.ask("GET", f"/data/projects/{self.project}/resources/{resource}/files/{name}").content

    def upload(self, resource: str, name: str, content: bytes) -> None:
        """*Add Folder* where it is not there, then *Upload Files* with *Overwrite existing files*."""
        path = f"/data/projects/{self.project}/resources/{resource}"
        if resource not in {row["label"] for row in self._resources()}:
            self.ask("PUT", path)
        form = {"file": (name, content, "application/json")}
        self.ask("POST", f"{path}/files/{name}", params={"overwrite": "true"}, files=form)

    def _resources(self) -> list[dict[str, str]]:
        answer = self.ask("GET", f"/data/projects/{self.project}/resources?format=json")
        return list(answer.json()["ResultSet"]["Result"])

    # The project's sessions

    def sessions(self) -> dict[str, str]:
        """Experiment ID by label."""
        path = f"/data/projects/{self.project}/experiments?format=json"
        return {row["label"]: row["ID"] for row in self.ask("GET", path).json()["ResultSet"]["Result"]}

    def images(self, session: str) -> dict[str, list[bytes]]:
        """The DICOM files of a session, downloaded, by scan."""
        found: dict[str, list[bytes]] = {}
        scans = self.ask("GET", f"/data/experiments/{session}/scans?format=json").json()["ResultSet"]["Result"]
        for scan in scans:
            path = f"/data/experiments/{session}/scans/{scan['ID']}/resources/DICOM/files?format=json"
            rows = self.ask("GET", path).json()["ResultSet"]["Result"]
            found[scan["ID"]] = [self.ask("GET", row["URI"]).content for row in rows]
        return found


def document(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    assert isinstance(found, dict)
    return found
