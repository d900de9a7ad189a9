"""XNAT launches the image: the stand-in's Container Service with containers in place of its local processes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.pipeline.conftest import (
    OWNER,
    PASSWORD,
    STAGING,
    Site,
    banner_template,
    clean_template,
    make_site,
    private_words,
    slices,
    ultrasound,
)
from xnat_pixelanon.install.commands import LABEL, SAME_SERVER
from xnat_pixelanon.sandbox.cs_containers import Container
from xnat_pixelanon.sandbox.cs_runner import Run, Runner
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.sweep import Sweep

from .conftest import Image

__all__ = ["make_site"]

PERSON = Person.numbered(1)
TARGET = "TARGET"
IMAGE_USER = 1000


@dataclass
class Engine(Runner):
    """Runs a container as the Container Service asks, with a read-only root, no capabilities, and this host's network.

    The service's folder for `work` belongs to `owner`: that of XNAT's Tomcat on a real site.
    """

    image: Image
    user: str = ""
    owner: int = 0
    options: tuple[str, ...] = ()
    work: list[Path] = field(default_factory=list)
    """The folders that containers could write."""

    def command(self, run: Run) -> list[str]:
        for bind in run.binds:
            if bind.writable:
                shutil.chown(bind.host, self.owner, self.owner)
                self.work.append(bind.host)
        mounts = {str(bind.host): bind.path + ("" if bind.writable else ":ro") for bind in run.binds}
        user = ("--user", self.user) if self.user else ()
        image = replace(self.image, tag=f"docker.io/library/{run.image}")
        return image.line(run.words, ("--network", "host", *user, *self.options), "", mounts, run.environment)

    def environment(self, run: Run) -> dict[str, str]:
        """The engine's own; the container's stands on its command line."""
        return dict(os.environ)

    def folder(self, run: Run) -> Path:
        return run.scratch


@dataclass
class Launchpad:
    """One XNAT with a staging project, its armed policy, a clean project, and the commands of the image's label."""

    site: Site
    wrappers: dict[str, int]

    def launch(self, wrapper: str, root: str, value: str, engine: Engine) -> Container:
        """The container of a launch by the owner, once it has ended."""
        staging = self.site.staging
        staging.runner = engine
        path = f"/xapi/projects/{STAGING}/wrappers/{self.wrappers[wrapper]}/root/{root}/launch"
        answer = requests.post(f"{staging.url}{path}", json={root: value}, auth=(OWNER, PASSWORD), timeout=30)
        assert answer.json()["status"] == "success", answer.text
        return staging.wait_for_containers(180)[-1]

    def published(self) -> int:
        """How many images the clean project has; nothing in any of its files or their names is staging's."""
        items = [item for item in self.site.staging.stored() if item.where.startswith(f"archive/{TARGET}/")]
        assert Sweep(self.site.samples, (STAGING,)).of(items).leaks == ()
        return sum(item.path is not None and item.path.suffix == ".dcm" for item in items)


@pytest.fixture
def pad(make_site: Callable[..., Site], config: dict[str, Any]) -> Launchpad:
    site = make_site()
    site.staging.add_user("admin", PASSWORD, admin=True)
    site.staging.add_project(TARGET, owner=OWNER)
    site.templates(banner_template(), clean_template())
    site.policy(destination={"server": "same", "project": TARGET}, settle_minutes=0)
    auth = ("admin", PASSWORD)
    wrappers = {}
    for command in json.loads(config["Labels"][LABEL]):
        answer = requests.post(f"{site.staging.url}/xapi/commands", json=command, auth=auth, timeout=30)
        assert answer.status_code == 201, answer.text
        stored = requests.get(f"{site.staging.url}/xapi/commands/{answer.text}", auth=auth, timeout=30).json()
        if command["name"] == SAME_SERVER:
            wrappers = {wrapper["name"]: wrapper["id"] for wrapper in stored["xnat"]}
    return Launchpad(site, wrappers)


def test_a_session_is_launched_and_comes_out_clean(pad: Launchpad, image: Image) -> None:
    session = pad.site.seed("S1", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    before = {path: path.read_bytes() for path in pad.site.staging.session_folder(session).rglob("*.dcm")}
    engine = Engine(image, owner=IMAGE_USER)
    ended = pad.launch("run-session", "session", session, engine)
    assert (ended.status, ended.exit_code) == ("Complete", "0"), ended.stdout + ended.stderr
    assert [list(folder.iterdir()) for folder in engine.work] == [[]]
    assert "cannot be written" not in ended.stderr
    assert pad.published() == 4
    assert {path: path.read_bytes() for path in before} == before
    said = (ended.stdout + ended.stderr).casefold()
    assert [word for word in private_words(pad.site.samples) if word in said] == []
    assert ended.environment["XNAT_PASS"] not in said


def test_a_project_is_launched_under_a_user_that_cannot_write_the_work_mount(pad: Launchpad, image: Image) -> None:
    pad.site.seed("S1", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    engine = Engine(image, user="12345:12345", options=("--tmpfs", "/tmp"))
    ended = pad.launch("run", "project", STAGING, engine)
    assert (ended.status, ended.exit_code) == ("Complete", "0"), ended.stdout + ended.stderr
    assert "/work cannot be written by user 12345: working in /tmp" in ended.stderr
    assert pad.published() == 4


def test_a_launch_without_any_place_to_work_ends_with_a_sentence(pad: Launchpad, image: Image) -> None:
    session = pad.site.seed("S1", [ultrasound(PERSON)], person=PERSON)
    ended = pad.launch("run-session", "session", session, Engine(image))
    assert (ended.status, ended.exit_code) == ("Failed", "3"), ended.stdout + ended.stderr
    assert "the scratch folder /tmp cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert pad.published() == 0
