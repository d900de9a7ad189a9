"""A staging XNAT on which the tool is installed, a second one behind it, and containers that are real processes."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset

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
from xnat_pixelanon.sandbox.settings import Settings

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

    def archive(self, number: int, *, wave: int = 1, images: Sequence[Dataset] = (), announce: bool = False) -> str:
        """A session of a person of its own comes in, or its second wave; with `announce` the event fires."""
        files, label = self.wave(number, wave, images), f"F{number:03d}"
        subject = Person.numbered(number).id
        session = self.site.staging.seed_session(STAGING, subject, label, files, announce=announce)
        if session not in self.sessions:
            self.sessions.append(session)
        return session

    def wave(self, number: int, wave: int, images: Sequence[Dataset] = ()) -> list[Path]:
        """An ultrasound with its banner, then another series of the same study: XNAT merges no other modality."""
        person, folder = Person.numbered(number), self.site.root / "fleet" / f"{number}-{wave}"
        images = images or [ultrasound(person, study=number, series=wave)]
        return [save(image, folder / f"{at}.dcm") for at, image in enumerate(images)]

    def to_prearchive(self, number: int, wave: int) -> str:
        """A wave as it comes in over HTTP, not archived yet; the address of its entry."""
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as packed:
            for path in self.wave(number, wave):
                packed.write(path, path.name)
        query = {"import-handler": "DICOM-zip", "dest": f"/prearchive/projects/{STAGING}", "project": STAGING,
                 "rename": "true", "subject": Person.numbered(number).id, "session": f"F{number:03d}"}  # fmt: skip
        answer = self._sent(
            "/data/services/import", params=query, data=body.getvalue(), headers={"Content-Type": "application/zip"}
        )
        assert answer.status_code == 200, answer.text
        return answer.text.strip()

    def archive_entry(self, address: str) -> requests.Response:
        """What a person does on the prearchive page."""
        return self._sent("/data/services/archive", params={"src": address})

    def _sent(self, path: str, **arguments: Any) -> requests.Response:
        url, login = f"{self.site.staging.url}{path}", (OWNER, PASSWORD)
        return requests.post(url, auth=login, timeout=60, allow_redirects=False, **arguments)

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
        answer = self._sent(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def running(self) -> Container:
        """The newest container, once it runs."""
        for _ in range(6000):
            found = self.site.staging.containers()
            if found and found[-1].status == "Running":
                return found[-1]
            time.sleep(0.01)
        raise AssertionError("no container runs")

    def ended(self, timeout: float = 300.0) -> list[Container]:
        """All containers, once none is at work."""
        return self.site.staging.wait_for_containers(timeout)

    def clean_scans(self) -> list[int]:
        """How many scans each session of the clean project has."""
        return sorted(len(scans) for scans in self.site.visible().values())

    def worklist(self) -> list[dict[str, str]]:
        """Rows of the worklist.csv that the last run of the project made."""
        with connect(Credentials(self.site.staging.url, OWNER, PASSWORD)) as connection:
            text = ProjectFiles(connection, STAGING, REPORTS).read("worklist.csv").decode()
        return list(csv.DictReader(io.StringIO(text)))

    def clean_files(self) -> dict[str, bytes]:
        """Every file that the clean server stores of its sessions."""
        found = [item.path for item in self.site.clean.stored() if item.path is not None]
        return {str(path): path.read_bytes() for path in found}

    def nothing_half_done(self) -> bool:
        """Whether the clean project has each study once, no member is kept from one, and its prearchive is empty."""
        with connect(Credentials(self.site.clean.url, OWNER, PASSWORD)) as connection:
            rows = connection.rows(f"/data/projects/{CLEAN}/experiments?columns=ID,label,UID&format=json", "listing")
            waiting = connection.rows(f"/data/prearchive/projects/{CLEAN}?format=json", "listing")
        return len({row["UID"] for row in rows}) == len(rows) == len(self.site.visible()) and not waiting

    def all_there_once(self) -> bool:
        """Whether every session of staging has one clean session with its one file, and nothing is left half done."""
        count = len(self.sessions)
        return self.nothing_half_done() and self.clean_scans() == [1] * count and len(self.site.copies()) == count


def outcomes(containers: Iterable[Container]) -> Counter[str]:
    """Statuses of containers."""
    return Counter(container.status for container in containers)


@pytest.fixture
def make_fleet(make_site: Callable[..., Site]) -> Callable[..., Fleet]:
    """Installs the commands and subscriptions, with an armed policy that sends to the second XNAT."""

    def make(*, slots: int = 4, **policy: Any) -> Fleet:
        site = make_site(staging=Settings(site_id="STAGE", running_containers=slots))
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
