"""A site on which an administrator has installed the tool, with the people who look at it through a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.launches.browser import Browser, Ended
from tests.pipeline.conftest import CLEAN, MEMBER, OWNER, PASSWORD, STAGING, Site, make_site, told_in
from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.install.commands import SAME_SERVER
from xnat_pixelanon.sandbox.person import Person

__all__ = ["make_site"]

ADMIN = "admin"


@dataclass
class Hospital:
    """A staging project and a clean one, on one XNAT or two; what every container said is kept."""

    site: Site
    said: list[Ended] = field(default_factory=list)

    def as_(self, user: str = OWNER, project: str = STAGING) -> Browser:
        return Browser(self.site.staging, user, project)

    def arrives(self, label: str, number: int, images: Sequence[Dataset], *, announce: bool = False) -> str:
        """A session is archived in staging."""
        return self.site.seed(label, images, person=Person.numbered(number), announce=announce)

    def containers(self) -> list[Ended]:
        """All so far, ended."""
        found = self.site.staging.wait_for_containers(120)
        return [Ended(one.id, one.status, one.stdout, one.stderr) for one in found]

    def nothing_sent(self, *projects: str) -> bool:
        """No session, and nothing of one in the prearchive, in any clean project of either server."""
        for server in (self.site.staging, self.site.clean):
            with connect(Credentials(server.url, ADMIN, PASSWORD)) as connection:
                for project in (CLEAN, *projects):
                    for path in (f"/data/projects/{project}/experiments", f"/data/prearchive/projects/{project}"):
                        answer = connection.get(f"{path}?format=json", "looking", (200, 404))
                        if answer.status == 200 and answer.rows("looking"):
                            return False
        return True

    def words_told(self) -> list[str]:
        """Words of headers, labels and UIDs that stand in the log of any container."""
        log = "".join(one.log for one in self.containers())
        uids = [uid for sample in self.site.samples for uid in sample.uids]
        return [*told_in(log, self.site.samples), *(f"UID {uid}" for uid in uids if uid in log)]


@pytest.fixture
def hospital(make_site: Callable[..., Site], tmp_path: Path) -> Iterator[Hospital]:
    """The commands are installed by the administrator; nothing is enabled in a project, and nothing is stored."""
    site = make_site()
    for server in (site.staging, site.clean):
        server.add_user(ADMIN, PASSWORD, admin=True)
    site.staging.add_project(CLEAN, owner=OWNER)
    site.staging.set_role(CLEAN, MEMBER, "member")
    site.staging.container_environment["PIXELANON_POLL"] = "0.1"
    assert site.command("install", user=ADMIN) == 0
    made = Hospital(site)
    yield made
    assert made.words_told() == []


def switched_on(hospital: Hospital, command: str = SAME_SERVER) -> Browser:
    """The owner's browser, with the menu entries enabled."""
    owner = hospital.as_()
    owner.switch_on(command)
    return owner
