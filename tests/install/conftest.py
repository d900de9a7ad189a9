"""A staging XNAT with both services, an administrator who owns no project, and typed command lines."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cli.conftest import Said, silent
from tests.pipeline.conftest import CLEAN, OWNER, PASSWORD, STAGING, Site, banner_template, clean_template, make_site
from xnat_pixelanon.archive import Credentials, XnatConnection, connect
from xnat_pixelanon.install.commands import SAME_SERVER
from xnat_pixelanon.install.container_service import ContainerService, Registered, Server
from xnat_pixelanon.install.event_service import EventService, Subscription

__all__ = ["make_site"]

ADMIN = "admin"
OTHER = "other-owner"
HERE = ("--project", f"xnat:{STAGING}")
_LOGIN = {("PUT", "/data/services/auth"), ("DELETE", "/data/JSESSION")}


@dataclass
class Place:
    """A site on which the tool is installed; its own questions go past the command line."""

    site: Site
    type: Callable[..., Said]

    def typed(self, *words: str, user: str = ADMIN, **variables: str) -> Said:
        self.site.staging.clear_requests()
        return self.type(*words, user=user, **variables)

    def installed(self, *, events: bool = True) -> None:
        """The site part by the administrator, the project part by the owner."""
        assert self.typed("install", *(("--events",) if events else ()), *HERE).status in (0, 3)
        assert self.typed("install", *(("--events",) if events else ()), *HERE, user=OWNER).status == 0

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and path of each request of the last command that was no reading one, logging in and out apart."""
        sent = [(one.method, one.path) for one in self.site.staging.requests if one.method not in ("GET", "HEAD")]
        return [one for one in sent if one not in _LOGIN]

    def as_(self, user: str) -> XnatConnection:
        return connect(Credentials(self.site.staging.url, user, PASSWORD))

    def commands(self) -> dict[str, Registered]:
        with self.as_(ADMIN) as connection:
            return {one.name: one for one in ContainerService(Server(connection)).all()}

    def wrapper(self, name: str, command: str = SAME_SERVER) -> str:
        return self.commands()[command].wrappers[name]

    def enabled(self, project: str = STAGING) -> dict[str, set[str]]:
        """Names of the wrappers that are enabled in a project, or without one on the site, by command."""
        with self.as_(ADMIN) as connection:
            service = ContainerService(Server(connection))
            found: dict[str, set[str]] = {}
            for command in service.all():
                for name, number in command.wrappers.items():
                    state = service.enabled(number, project)
                    if state.project if project else state.site:
                        found.setdefault(command.name, set()).add(name)
            return found

    def subscriptions(self, project: str = "") -> dict[str, Subscription]:
        with self.as_(ADMIN) as connection:
            return {one.name: one for one in EventService(Server(connection)).subscriptions(project)}

    def stranger(self) -> Registered:
        """A command of somebody else that happens to be called as ours, registered and enabled by him."""
        session = {"name": "session", "type": "Session"}
        wrapper = {"contexts": ["xnat:imageSessionData"], "external-inputs": [session]}
        self.send("POST", "/xapi/commands", {
            "name": SAME_SERVER, "image": "otherlab/pixelanon:3", "version": "3", "command-line": "blur #session#",
            "environment-variables": {"THEIRS": "1"},
            "xnat": [{**wrapper, "name": "run-session"}, {**wrapper, "name": "blur"}],
        })  # fmt: skip
        found = self.theirs()
        for where in ("", f"/projects/{STAGING}"):
            for number in found.wrappers.values():
                self.send("PUT", f"/xapi{where}/wrappers/{number}/enabled")
        return found

    def theirs(self) -> Registered:
        with self.as_(ADMIN) as connection:
            (found,) = [one for one in ContainerService(Server(connection)).all() if one.tag[0].startswith("otherlab/")]
            return found

    def send(self, method: str, path: str, body: Any = None, user: str = ADMIN) -> None:
        """A request that somebody sends by hand."""
        with self.as_(user) as connection:
            Server(connection).write(method, path, "a request by hand", body)


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Templates, and an armed policy that sends to a second server; the clean project is there on both."""
    made = make_site()
    made.staging.add_user(ADMIN, PASSWORD, admin=True)
    made.staging.add_user(OTHER, PASSWORD)
    made.staging.add_project(CLEAN, owner=OWNER)
    made.templates(banner_template(), clean_template())
    made.policy(destination={"server": "same", "project": CLEAN})
    return made


@pytest.fixture
def place(site: Site, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Place:
    caplog.set_level(logging.INFO)

    def type_(*words: str, **who: str) -> Said:
        capsys.readouterr()
        status = site.command(*words, **who)
        out, err = capsys.readouterr()
        assert silent(out + err + caplog.text, site, words)
        return Said(status, out, err)

    return Place(site, type_)
