"""XNAT launches the image: the stand-in's Container Service with containers in place of its local processes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
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

from .conftest import IMAGE_USER, USER, Image, give, lock

__all__ = ["make_site"]

PERSON = Person.numbered(1)
TARGET = "TARGET"


@dataclass
class Engine(Runner):
    """Runs a container as the Container Service asks, with a read-only root, no capabilities, and this host's network.

    The service's folder for `work` belongs to the container's user, unless `locked`.
    """

    image: Image
    user: int = IMAGE_USER if os.getuid() == 0 else USER
    locked: bool = False
    options: tuple[str, ...] = ()
    work: list[Path] = field(default_factory=list)
    """The folders that containers could write."""
    names: dict[int, str] = field(default_factory=dict)
    """Of containers, by the process of the engine's client."""

    def command(self, run: Run) -> list[str]:
        for bind in run.binds:
            if bind.writable:
                lock(bind.host) if self.locked else give(bind.host, self.user)
                self.work.append(bind.host)
        mounts = {str(bind.host): bind.path + ("" if bind.writable else ":ro") for bind in run.binds}
        user = () if self.user == IMAGE_USER else ("--user", f"{self.user}:{self.user}")
        options = ("--network", "host", "--name", name_of(run), *user, *self.options)
        image = replace(self.image, tag=f"docker.io/library/{run.image}")
        return image.line(run.words, options, "", mounts, run.environment)

    def start(self, run: Run) -> subprocess.Popen[bytes]:
        process = super().start(run)
        self.names[process.pid] = name_of(run)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """By the engine: a signal to its client would leave the container at work."""
        self.ask("kill", self.names[process.pid])
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        super().end(process)

    def ask(self, *words: str) -> str:
        return subprocess.run(
            [*self.image.engine, *words], capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def environment(self, run: Run) -> dict[str, str]:
        """The engine's own; the container's stands on its command line."""
        return dict(os.environ)

    def folder(self, run: Run) -> Path:
        return run.scratch


def name_of(run: Run) -> str:
    return f"xnat-pixelanon-test-{os.getpid()}-{run.scratch.name}-{run.id}"


@dataclass
class Launchpad:
    """One XNAT with a staging project, its armed policy, a clean project, and the commands of the image's label."""

    site: Site
    wrappers: dict[str, int]

    def policy(self, settle_minutes: int) -> None:
        self.site.policy(destination={"server": "same", "project": TARGET}, settle_minutes=settle_minutes)

    def post(self, path: str, **body: str) -> requests.Response:
        """The owner's request to the staging server."""
        return requests.post(f"{self.site.staging.url}{path}", json=body, auth=(OWNER, PASSWORD), timeout=90)

    def begin(self, wrapper: str, root: str, value: str, engine: Engine) -> None:
        """A launch by the owner."""
        self.site.staging.runner = engine
        path = f"/xapi/projects/{STAGING}/wrappers/{self.wrappers[wrapper]}/root/{root}/launch"
        answer = self.post(path, **{root: value})
        assert answer.json()["status"] == "success", answer.text

    def launch(self, wrapper: str, root: str, value: str, engine: Engine) -> Container:
        """The container of a launch by the owner, once it has ended."""
        self.begin(wrapper, root, value, engine)
        return self.site.staging.wait_for_containers(180)[-1]

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
    auth = ("admin", PASSWORD)
    wrappers = {}
    for command in json.loads(config["Labels"][LABEL]):
        answer = requests.post(f"{site.staging.url}/xapi/commands", json=command, auth=auth, timeout=30)
        assert answer.status_code == 201, answer.text
        stored = requests.get(f"{site.staging.url}/xapi/commands/{answer.text}", auth=auth, timeout=30).json()
        if command["name"] == SAME_SERVER:
            wrappers = {wrapper["name"]: wrapper["id"] for wrapper in stored["xnat"]}
    ready = Launchpad(site, wrappers)
    ready.policy(settle_minutes=0)
    return ready


def test_a_session_is_launched_and_comes_out_clean(pad: Launchpad, image: Image) -> None:
    session = pad.site.seed("S1", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    before = {path: path.read_bytes() for path in pad.site.staging.session_folder(session).rglob("*.dcm")}
    engine = Engine(image)
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
    ended = pad.launch("run", "project", STAGING, Engine(image, USER, locked=True, options=("--tmpfs", "/tmp")))
    assert (ended.status, ended.exit_code) == ("Complete", "0"), ended.stdout + ended.stderr
    assert f"/work cannot be written by user {USER}: working in /tmp" in ended.stderr
    assert pad.published() == 4


def test_a_launch_without_any_place_to_work_ends_with_a_sentence(pad: Launchpad, image: Image) -> None:
    session = pad.site.seed("S1", [ultrasound(PERSON)], person=PERSON)
    ended = pad.launch("run-session", "session", session, Engine(image, USER, locked=True))
    assert (ended.status, ended.exit_code) == ("Failed", "3"), ended.stdout + ended.stderr
    assert "the scratch folder /tmp cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert pad.published() == 0


def until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait up to a minute for what the engine does by itself."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.2)


def test_what_xnat_kills_is_finished_by_the_next_launch(pad: Launchpad, image: Image) -> None:
    session = pad.site.seed("S1", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    pad.policy(settle_minutes=1)  # time to kill it while it watches the session
    engine = Engine(image)
    pad.begin("run-session", "session", session, engine)
    names = ("ps", "--quiet", "--filter", f"name=xnat-pixelanon-test-{os.getpid()}-")
    until(lambda: engine.ask(*names) != "", "the container did not come up")
    (container,) = pad.site.staging.containers()
    assert pad.post(f"/xapi/containers/{container.id}/kill").status_code == 200
    (killed,) = pad.site.staging.wait_for_containers(60)
    assert (killed.status, killed.exit_code) == ("Failed", "137"), killed.stdout + killed.stderr
    until(lambda: engine.ask(*names, "--all") == "", "the container is not removed")  # by --rm, a moment later
    assert pad.published() == 0
    ended = pad.launch("run-session", "session", session, engine)
    assert (ended.status, ended.exit_code) == ("Complete", "0"), ended.stdout + ended.stderr
    assert pad.published() == 4
