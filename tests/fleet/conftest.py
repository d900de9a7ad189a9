"""A staging XNAT on which the tool is installed, a second one behind it, and containers that are real processes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.pipeline.conftest import (
    CLEAN,
    OWNER,
    PASSWORD,
    STAGING,
    Site,
    banner_template,
    clean_template,
    make_site,
    ultrasound,
)
from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.archive.project_files import REPORTS, ProjectFiles
from xnat_pixelanon.install.commands import SECOND_SERVER
from xnat_pixelanon.install.container_service import ContainerService, Server
from xnat_pixelanon.sandbox.cs_containers import Container
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

__all__ = ["make_site"]

ADMIN = "admin"
SECRETS = ("host", "user", "pass")


@dataclass
class Fleet:
    """What XNAT's pages and its Event Service do, and what a person finds afterwards."""

    site: Site
    wrappers: dict[str, str]
    sessions: list[str] = field(default_factory=list)
    """Experiment IDs of what was archived in staging."""

    def archive(self, number: int, *, announce: bool = False, **wanted: Any) -> str:
        """A session with one ultrasound of a person of its own; with `announce` the event fires."""
        person = Person.numbered(number)
        image = ultrasound(person, **({"study": number} | wanted))
        path = save(image, self.site.root / "fleet" / f"{number}-{len(list(self.site.root.rglob('*.dcm')))}.dcm")
        session = self.site.staging.seed_session(STAGING, person.id, f"F{number:03d}", [path], announce=announce)
        if session not in self.sessions:
            self.sessions.append(session)
        return session

    def launch(self, entry: str, target: str = "", **values: str) -> str:
        """The workflow of a launch from the menu, of the project or of one session."""
        root, uri = ("session", f"/archive/experiments/{target}") if target else ("project", f"/projects/{STAGING}")
        answer = self._post(entry, root, "launch", {root: uri, **values})
        return str(answer["workflow-id"])

    def bulk(self, experiments: Sequence[str]) -> None:
        """The selection of a table of sessions, launched at once."""
        targets = json.dumps([f"/archive/experiments/{one}" for one in experiments])
        answer = self._post("run-session", "session", "bulklaunch", {"session": targets})
        assert len(answer["successes"]) == len(experiments)

    def _post(self, entry: str, root: str, verb: str, body: dict[str, str]) -> Any:
        path = f"/xapi/projects/{STAGING}/wrappers/{self.wrappers[entry]}/root/{root}/{verb}"
        answer = requests.post(f"{self.site.staging.url}{path}", json=body, auth=(OWNER, PASSWORD), timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ended(self, timeout: float = 300.0) -> list[Container]:
        """All containers, once none is at work."""
        return self.site.staging.wait_for_containers(timeout)

    def files(self) -> dict[str, bytes]:
        """Of the project resource PIXELANON."""
        with connect(Credentials(self.site.staging.url, OWNER, PASSWORD)) as connection:
            kept = ProjectFiles(connection, STAGING, REPORTS)
            return {name: kept.read(name) for name in kept.names()}

    def clean_scans(self) -> list[int]:
        """How many scans each session of the clean project has."""
        return sorted(len(scans) for scans in self.site.visible().values())

    def all_there_once(self) -> bool:
        """Whether every session of staging has one clean session with one file, and nothing is left half done."""
        with connect(Credentials(self.site.clean.url, OWNER, PASSWORD)) as connection:
            rows = connection.rows(f"/data/projects/{CLEAN}/experiments?columns=ID,label,UID&format=json", "listing")
            waiting = connection.rows(f"/data/prearchive/projects/{CLEAN}?format=json", "listing")
        by_study = Counter(row["UID"] for row in rows)
        return (
            len(rows) == len(self.sessions) == len(self.site.visible())
            and set(by_study.values()) == {1}
            and len(self.site.copies()) == len(self.sessions)
            and not waiting
        )


def outcomes(containers: Iterable[Container]) -> Counter[str]:
    """Statuses of containers."""
    return Counter(container.status for container in containers)


@pytest.fixture
def make_fleet(make_site: Callable[..., Site]) -> Callable[..., Fleet]:
    """Installs the commands and subscriptions, with an armed policy that sends to the second XNAT."""

    def make(**policy: Any) -> Fleet:
        site = make_site()
        site.templates(banner_template(), clean_template())
        site.policy(**policy)
        site.staging.add_user(ADMIN, PASSWORD, admin=True)
        for name, value in zip(SECRETS, (site.clean.url, OWNER, PASSWORD), strict=True):
            site.staging.set_system_property(f"pixelanon.public.{name}", value)
        words = ("install", "--events", "--project", f"xnat:{STAGING}")
        assert site.command(*words, user=ADMIN) in (0, 3)  # the project's part is for its owner
        assert site.command(*words) == 0
        with connect(Credentials(site.staging.url, ADMIN, PASSWORD)) as connection:
            (command,) = [one for one in ContainerService(Server(connection)).all() if one.name == SECOND_SERVER]
        return Fleet(site, dict(command.wrappers))

    return make


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet()
